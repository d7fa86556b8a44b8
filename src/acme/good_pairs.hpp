// Certificates in files, each as it was when it was good last. A pair that can't be used, or has expired, takes nobody's
// place: the one before stays in force, whatever became of its files, and the others are none the worse for it. Used by
// one thread at a time.
#pragma once

#include <filesystem>
#include <map>
#include <utility>
#include <vector>

#include "net/tls.hpp"

namespace postern::acme {

struct good_pair {
    net::certificate_files files;
    net::certificate_text text;
    net::certificate_summary facts;
};

class good_pairs {
public:
    /// As it is in force, for as long as it is kept; what is wrong with its files by now is in the log. An error: it was
    /// never good.
    result<good_pair const*> take(net::certificate_files const& files);
    /// Forgets all others.
    void keep_only(std::vector<net::certificate_files> const& files);

private:
    std::map<std::pair<std::filesystem::path, std::filesystem::path>, good_pair> pairs_;
};

}  // namespace postern::acme
