// The configuration's file: where it is, and what the paths in it are relative to.
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "config/settings.hpp"

namespace postern::config {
namespace {

constexpr std::size_t file_limit = 1u << 20;

void make_absolute(std::filesystem::path& p, std::filesystem::path const& folder)
{
    if (!p.empty() && p.is_relative()) p = (folder / p).lexically_normal();
}

void make_absolute(token_issuer& i, std::filesystem::path const& folder)
{
    make_absolute(i.authorities, folder);
    make_absolute(i.client_secret, folder);
    make_absolute(i.bearer, folder);
    if (i.keys.empty() || i.keys.find("://") != std::string::npos) return;
    std::filesystem::path keys = i.keys;
    make_absolute(keys, folder);
    i.keys = keys.string();
}

void make_absolute(smart_host_login& l, std::filesystem::path const& folder)
{
    for (auto* const p :
         {&l.password_file, &l.certificate, &l.client_key, &l.token_file, &l.client_secret_file, &l.refresh_token_file})
        make_absolute(*p, folder);
}

void make_target_absolute(std::string& to, std::filesystem::path const& folder)
{
    for (std::string_view const kind : {"maildir:", "lmtp:unix:"})
        if (to.starts_with(kind)) {
            std::filesystem::path target = to.substr(kind.size());
            make_absolute(target, folder);
            to = std::string(kind) + target.string();
        }
}

}  // namespace

std::optional<settings> load(std::optional<std::filesystem::path> const& file, std::vector<problem>& problems)
{
    if (!file) return parse({}, {}, problems);
    auto const failed = [&](std::string why) {
        problems.push_back({*file, 0, 0, std::move(why)});
        return std::nullopt;
    };
    std::error_code error;
    if (std::filesystem::is_directory(*file, error)) return failed("is a folder, not a configuration file");
    errno = 0;
    std::ifstream in(*file, std::ios::binary);
    if (!in)
        return failed("can't be read: " + std::generic_category().message(errno) +
                      (errno == ENOENT ? "; `postern config default` prints a configuration to begin with" : ""));
    std::string text(file_limit + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad()) return failed("can't be read: " + std::generic_category().message(errno));
    if (text.size() > file_limit) return failed("is larger than 1 MiB, too large for a configuration");
    auto s = parse(text, file->string(), problems);
    if (!s) return s;

    auto const folder = std::filesystem::absolute(*file, error).parent_path();
    make_absolute(s->data_dir, folder);
    make_absolute(s->tls.certificate, folder);
    make_absolute(s->tls.private_key, folder);
    make_absolute(s->auth.client_authorities, folder);
    make_absolute(s->transport.authorities, folder);
    if (!s->dns.trust_anchor.empty() && s->dns.trust_anchor != "none") {
        std::filesystem::path anchor = s->dns.trust_anchor;
        make_absolute(anchor, folder);
        s->dns.trust_anchor = anchor.string();
    }
    make_absolute(s->oauth, folder);
    for (auto& issuer : s->oauth.more) make_absolute(issuer, folder);
    make_absolute(s->kerberos.keytab, folder);
    for (auto& c : s->tls.more) {
        make_absolute(c.chain, folder);
        make_absolute(c.private_key, folder);
    }
    for (auto& k : s->dkim.keys) make_absolute(k.private_key, folder);
    for (auto& b : s->backends) {
        make_absolute(b.path, folder);
        make_absolute(b.users, folder);
        make_absolute(b.password_file, folder);
        make_absolute(b.ldap.authorities, folder);
    }
    for (auto& a : s->auth_sockets) make_absolute(a.path, folder);
    make_absolute(s->sendmail.socket, folder);
    make_absolute(s->web.certificate, folder);
    make_absolute(s->web.private_key, folder);
    make_absolute(s->web.socket, folder);
    make_absolute(s->acme.external_key_file, folder);
    make_absolute(s->acme.authorities, folder);
    make_target_absolute(s->delivery.local, folder);
    for (auto& route : s->routes) make_target_absolute(route.to, folder);
    for (auto& host : s->smart_hosts) {
        make_absolute(host.authorities, folder);
        make_absolute(static_cast<smart_host_login&>(host), folder);
        for (auto& login : host.logins) make_absolute(login, folder);
    }
    return s;
}

std::optional<std::filesystem::path> find_file()
{
    if (char const* named = std::getenv("POSTERN_CONFIG"); named != nullptr && *named != '\0') return named;
    for (char const* usual : {"postern.toml", "/etc/postern/postern.toml"}) {
        std::error_code error;
        if (std::filesystem::exists(usual, error)) return usual;
    }
    return std::nullopt;
}

}  // namespace postern::config
