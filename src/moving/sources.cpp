#include "moving/sources.hpp"

#include "moving/lines.hpp"

namespace postern::moving {
namespace {

basic_result<postfix_source, trouble> make(std::string_view main, std::string const& main_file, std::string_view master,
                                           std::string const& master_file, bool has_master, std::string const& hostname)
{
    auto parameters = parse_main_cf(main, main_file);
    if (!parameters) return parameters.error();
    auto values = main_cf::make(std::move(*parameters), hostname);
    if (!values) return values.error();
    auto services = parse_master_cf(master, master_file);
    if (!services) return services.error();
    for (auto const& s : *services)
        if (auto fine = values->check(s.overrides); !fine) return fine.error();
    return postfix_source{main_file, master_file, std::move(*values), std::move(*services), has_master};
}

basic_result<dovecot_source, trouble> checked(basic_result<section, trouble> root, std::string const& file)
{
    if (!root) return root.error();
    if (auto const* version = root->find("dovecot_config_version"))
        return trouble{version->at,
                       "this is a configuration of Dovecot 2.4, which is not read yet (2.0 to 2.3 are). Leave Dovecot "
                       "out and let Postern ask its auth socket: docs/backends.md"};
    return dovecot_source{file, std::move(*root)};
}

}  // namespace

basic_result<postfix_source, trouble> read_postfix(files& disk, std::string const& folder, std::string const& hostname)
{
    std::string const main_file = folder + "/main.cf";
    std::string const master_file = folder + "/master.cf";
    auto const main = disk.read(main_file, longest_configuration);
    if (!main) return trouble{{main_file, 0}, main.error().why};
    auto const master = disk.read(master_file, longest_configuration);
    if (!master && !master.error().missing) return trouble{{master_file, 0}, master.error().why};
    return make(main->reveal(), main_file, master ? master->reveal() : std::string_view{}, master_file,
                master.has_value(), hostname);
}

basic_result<postfix_source, trouble> parse_postfix(std::string_view text, std::string const& name,
                                                    std::string const& hostname)
{
    if (text.size() > longest_configuration) return trouble{{name, 0}, "is larger than 1 MiB"};
    // Each line goes to one side and leaves an empty line on the other, so that numbers stay true.
    std::string main, master;
    bool in_services = false, has_services = false;
    for_each_line(text, [&](std::string_view line, unsigned) {
        bool const goes_on = line.starts_with(' ') || line.starts_with('\t');
        if (!goes_on && !trimmed(line).empty() && !line.starts_with('#')) in_services = is_service_line(line);
        has_services = has_services || in_services;
        (in_services ? master : main) += line;
        main += '\n';
        master += '\n';
        return true;
    });
    return make(main, name, master, name, has_services, hostname);
}

basic_result<dovecot_source, trouble> read_dovecot_folder(files& disk, std::string const& folder)
{
    std::string const file = folder + "/dovecot.conf";
    return checked(read_dovecot(disk, file), file);
}

basic_result<dovecot_source, trouble> parse_dovecot_text(files& disk, std::string_view text, std::string const& name)
{
    return checked(parse_dovecot(disk, text, name), name);
}

}  // namespace postern::moving
