// What there is: for people, and for the process that serves the web pages.
#include <algorithm>

#include "acme/office.hpp"
#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"

namespace postern::acme {

std::vector<certificate_state> office::list()
{
    auto const s = options_.settings();
    std::vector<certificate_state> all;
    std::lock_guard const hold{lock_};
    all.reserve(plan_.size());
    for (auto const& p : plan_) all.push_back(state_of(p));
    tell_of_files(*s, all);
    return all;
}

authority_state office::authority() const
{
    auto const s = options_.settings();
    authority_state out;
    if (s->acme.directory.empty()) return out;
    out.account = shelf_.account_url_at(s->acme.directory);
    std::lock_guard const hold{lock_};
    out.names = authority_names_;
    return out;
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
    for (auto const& f : files) {
        auto const good = pairs_.take(f);
        if (good) {
            b.certificates.push_back({(*good)->facts.names, (*good)->text.chain, (*good)->text.private_key});
        } else {
            log::event(log::level::error, "certificate_unusable",
                       {{"file", f.chain.string()}, {"problem", good.error().logged}});
        }
    }
    pairs_.keep_only(files);
    hasher sum{hash::sha256};
    b.proofs = proof_certificates_;
    for (auto const* list : {&b.certificates, &b.proofs})
        for (auto const& p : *list) sum.add(p.chain);
    b.version = to_hex(sum.finish()).substr(0, 32);
    bundle_ = std::move(b);
}

}  // namespace postern::acme
