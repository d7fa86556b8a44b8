// What there is: for people, and for the process that serves the web pages.
#include <algorithm>

#include "acme/office.hpp"
#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"
#include "base/whole_file.hpp"

namespace postern::acme {
namespace {

constexpr std::size_t longest_file = 256u << 10;

/// Of a file that may hold the key, too.
std::string certificates_in(std::string_view pem)
{
    constexpr std::string_view first = "-----BEGIN CERTIFICATE-----", last = "-----END CERTIFICATE-----";
    std::string out;
    for (auto at = pem.find(first); at != std::string_view::npos; at = pem.find(first, at + 1)) {
        auto const end = pem.find(last, at);
        if (end == std::string_view::npos) break;
        out.append(pem.substr(at, end + last.size() - at)) += '\n';
    }
    return out;
}

result<web_bundle::pair> read_pair(net::certificate_files const& files)
{
    net::server_tls_options o;
    o.certificates.push_back(files);
    if (auto const made = net::make_server_tls(o); !made) return made.error();
    auto facts = net::summarize(files.chain);
    if (!facts) return std::move(facts).error();
    auto const chain = read_whole_file(files.chain, longest_file);
    if (!chain) return chain.error();
    auto key = read_whole_file(files.private_key, longest_file);
    if (!key) return std::move(key).error();
    if (!*chain || !*key) return error{{4, 3, 0}, "", files.chain.string() + " is gone"};
    return web_bundle::pair{std::move(facts->names), certificates_in((*chain)->reveal()), std::move(**key)};
}

}  // namespace

std::vector<certificate_state> office::list()
{
    auto const s = options_.settings();
    std::vector<certificate_state> all;
    std::lock_guard const hold{lock_};
    for (auto const& p : plan_) all.push_back(state_of(p));
    tell_of_files(*s, all);
    return all;
}

certificate_state office::state_of(planned const& p) const
{
    certificate_state c;
    c.id = p.what.id;
    c.source = "acme";
    c.for_mail = p.what.for_mail;
    c.names = p.what.names;
    if (auto const found = certificates_.find(c.id); found != certificates_.end()) {
        c.file = shelf_.path_of(c.id).string();
        c.names = found->second.names;
        c.not_after = found->second.not_after;
        c.renewal = renewal_of_certificate(c.id, found->second);
    } else {
        std::erase_if(c.names, [&](auto const& name) { return left_out_.contains(name); });
    }
    if (auto const a = attempts_.find(c.id); a != attempts_.end()) c.failed = a->second;
    for (auto const& name : p.what.names)
        if (auto const out = left_out_.find(name); out != left_out_.end()) c.left_out.emplace_back(*out);
    return c;
}

void office::tell_of_files(config::settings const& s, std::vector<certificate_state>& to) const
{
    auto const add = [&](std::filesystem::path const& file, std::string source, bool for_mail) {
        certificate_state c;
        c.id = file.string();
        c.source = std::move(source);
        c.for_mail = for_mail;
        c.file = file.string();
        c.problem = files_.problem_of(file);
        if (auto const facts = net::summarize(file)) {
            c.names = facts->names;
            c.not_after = facts->not_after;
        } else if (c.problem.empty()) {
            c.problem = facts.error().logged;
        }
        to.push_back(std::move(c));
    };
    for (auto const& [files, for_mail] : files_of_operator(s)) add(files.chain, "file", for_mail);
    if (mail_certificates(s).empty()) add(s.data_dir / "self-signed.crt", "self-signed", true);
}

web_bundle office::for_web(std::string_view known)
{
    auto const s = options_.settings();
    std::lock_guard const hold{lock_};
    if (!bundle_) bundle_anew(*s);
    web_bundle answer;
    answer.version = bundle_->version;
    answer.changed = known != answer.version;
    if (answer.changed) {
        answer.certificates = bundle_->certificates;
        answer.proofs = bundle_->proofs;
    } else {
        seen_by_web_ = answer.version;
        done_.notify_all();
    }
    return answer;
}

void office::bundle_anew(config::settings const& s)
{
    web_bundle b;
    auto files = web_certificates(s, domains_);
    if (files.empty()) {
        net::certificate_files const own{s.data_dir / "web-self-signed.crt", s.data_dir / "web-self-signed.key"};
        if (auto made = net::ensure_self_signed(own, {public_host(s), "localhost"}); made) {
            files.push_back(own);
        } else {
            log::event(log::level::error, "certificate_unusable", {{"problem", made.error().logged}});
        }
    }
    hasher sum{hash::sha256};
    for (auto const& f : files) {
        if (auto pair = read_pair(f)) {
            good_pairs_.insert_or_assign(f.chain, std::move(*pair));
        } else {
            log::event(log::level::error, "certificate_unusable",
                       {{"file", f.chain.string()}, {"problem", pair.error().logged}});
        }
        // What was good stays in force until there is a better one.
        if (auto const good = good_pairs_.find(f.chain); good != good_pairs_.end())
            b.certificates.push_back(good->second);
    }
    std::erase_if(good_pairs_, [&](auto const& one) {
        return std::ranges::find(files, one.first, &net::certificate_files::chain) == files.end();
    });
    b.proofs = proof_certificates_;
    for (auto const* list : {&b.certificates, &b.proofs})
        for (auto const& p : *list) sum.add(p.chain);
    b.version = to_hex(sum.finish()).substr(0, 32);
    bundle_ = std::move(b);
}

}  // namespace postern::acme
