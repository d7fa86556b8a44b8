// What is read before anything is planned: Postfix's and Dovecot's configuration, from their
// folders or from what `postconf -n`, `postconf -M` and `doveconf -n` print.
#pragma once

#include <optional>

#include "moving/dovecot_conf.hpp"
#include "moving/main_cf.hpp"
#include "moving/master_cf.hpp"

namespace postern::moving {

struct postfix_source {
    std::string main_file;
    std::string master_file;
    main_cf main;
    std::vector<service> services;
    bool has_services = false;  // false: master.cf was not there
};

struct dovecot_source {
    std::string file;
    section root;
};

struct sources {
    std::optional<postfix_source> postfix;
    std::optional<dovecot_source> dovecot;
};

/// main.cf and master.cf of a folder. `hostname`: this machine's name.
basic_result<postfix_source, trouble> read_postfix(files& disk, std::string const& folder, std::string const& hostname);
/// The output of `postconf -n`, of `postconf -M`, or of both, one after the other.
basic_result<postfix_source, trouble> parse_postfix(std::string_view text, std::string const& name,
                                                    std::string const& hostname);
/// dovecot.conf of a folder.
basic_result<dovecot_source, trouble> read_dovecot_folder(files& disk, std::string const& folder);
/// The output of `doveconf -n`, or a dovecot.conf.
basic_result<dovecot_source, trouble> parse_dovecot_text(files& disk, std::string_view text, std::string const& name);

}  // namespace postern::moving
