#include "submission/program_socket.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace postern::submission {
namespace {

constexpr std::string_view scheme = "unix:";

}  // namespace

std::string program_socket_address(config::settings const& s)
{
    return std::string{scheme} + s.sendmail.socket.string();
}

bool is_program_socket(std::string_view address) noexcept { return address.starts_with(scheme); }

config::listener program_listener(std::string address)
{
    config::listener l;
    l.address = std::move(address);
    l.role = config::role::submission;
    l.tls = config::tls_mode::none;
    return l;
}

result<std::optional<program_socket>> bind_program_socket(config::settings const& s)
{
    if (s.sendmail.socket.empty()) return std::optional<program_socket>{};
    std::error_code ignored;
    bool const is_default = s.sendmail.socket == config::sendmail_settings{}.socket;
    if (is_default && !std::filesystem::is_directory(s.sendmail.socket.parent_path(), ignored))
        return std::optional<program_socket>{};
    net::socket_file_options wanted;
    wanted.path = s.sendmail.socket.string();
    wanted.mode = s.sendmail.mode;
    wanted.group = s.sendmail.group;
    // Root makes it for the user that the server becomes.
    if (::geteuid() == 0) wanted.owner = s.user;
    program_socket made;
    auto file = net::socket_file::make(wanted, made.socket);
    // Nobody asked for it, and another server of this machine may have it.
    if (!file && is_default) return std::optional<program_socket>{};
    if (!file) return std::move(file).error();
    made.file = std::move(*file);
    return std::optional<program_socket>{std::move(made)};
}

}  // namespace postern::submission
