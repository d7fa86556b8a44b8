// The keytab as it is now: read again when the file changes.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "directory/file_mark.hpp"
#include "directory/kerberos_keys.hpp"

namespace postern::directory {

class kerberos_keytab {
public:
    /// Reads it. What is wrong with it goes to the log.
    explicit kerberos_keytab(kerberos_options o);

    kerberos_options const& options() const noexcept { return options_; }
    /// As read last; null when it could not be used.
    std::shared_ptr<kerberos_keys const> keys() const;
    /// Why it could not.
    std::string problem() const;
    /// The same after a look at the file. May wait for whoever writes it.
    std::shared_ptr<kerberos_keys const> fresh();

    /// Whether the file changed and nobody reads it yet: the caller does, then end_reading().
    bool wants_reading();
    void end_reading() { reading_ = false; }

private:
    bool changed() const;
    void read();

    kerberos_options const options_;
    mutable std::mutex lock_;
    std::mutex one_reader_;
    std::shared_ptr<kerberos_keys const> keys_;
    std::string problem_;
    file_mark seen_;
    std::atomic<bool> reading_{false};
};

}  // namespace postern::directory
