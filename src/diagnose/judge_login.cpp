// The log-in: refused, withheld, or possible in another way than the person's program uses.
#include "base/text.hpp"
#include "diagnose/judgement.hpp"

namespace postern::diagnose {

using what = client::login_result::what;

void judgement::judge_failed_login(login_seen const& l)
{
    auto const& r = l.result;
    std::string const verb = "AUTH " + l.mechanism;
    switch (r.how) {
        case what::accepted: return;
        case what::refused:
            if (!r.server_error.empty()) {
                bool const google = o.settings.provider == "gmail";
                add(google ? rules::gmail_token_refused : rules::token_refused, severity::failure, step::auth,
                    verb + ": " + said(r.last) + "; " + r.server_error, {{"said", r.server_error}});
                return;
            }
            judge_refusal(step::auth, r.last, verb);
            return;
        case what::lost:
            if (r.last.how == client::ending::closed || r.last.how == client::ending::timed_out) {
                add(rules::closed_during_login, severity::failure, step::auth, verb + ": " + r.last.problem);
                return;
            }
            judge_missing_reply(*this, step::auth, r.last, verb, severity::failure);
            return;
        case what::broken_off:
            if (r.last.problem == sasl::server_unproven) {
                add(rules::server_unproven, severity::failure, step::auth, verb + ": " + r.last.problem);
                return;
            }
            add(rules::reply_malformed, severity::failure, step::auth, verb + ": " + r.last.problem,
                {{"command", verb}});
            return;
        case what::unproven_server:
            add(rules::server_unproven, severity::failure, step::auth,
                verb + ": the server said yes, but could not prove that it knows the password");
            return;
        case what::unusable:
            add(rules::auth_nothing_in_common, severity::failure, step::auth,
                l.mechanism + " can't be used with these credentials: " + r.last.problem,
                {{"mechanisms", l.mechanism}});
            return;
    }
}

/// What failed although the password is right.
void judgement::judge_other_logins()
{
    for (std::size_t i = *o.logged_in + 1; i < o.logins.size(); ++i) {
        auto const& l = o.logins[i];
        if (l.result.accepted() || l.result.how == what::unusable) continue;
        auto const evidence =
            o.logins[*o.logged_in].mechanism + " works, " + l.mechanism + ": " +
            (l.result.last.how == client::ending::reply ? said(l.result.last) : l.result.last.problem);
        if (l.mechanism.ends_with("-PLUS"))
            add(rules::auth_plus_fails, severity::warning, step::auth, evidence);
        else if (l.mechanism.starts_with("SCRAM-"))
            add(rules::scram_verifier_missing, severity::warning, step::auth, evidence);
        else if (l.mechanism == "CRAM-MD5" || l.mechanism == "DIGEST-MD5")
            add(rules::auth_cram_fails, severity::warning, step::auth, evidence);
    }
}

void judgement::judge_login()
{
    auto const* const t = o.talk();
    if (t == nullptr) return;
    if (o.not_tried == withheld::in_clear || o.not_tried == withheld::bad_certificate) {
        // The cause is told at the step that it comes from.
        bool const known = has_failure_up_to(step::ehlo);
        add(rules::password_kept_back, known ? severity::note : severity::failure, step::auth,
            o.not_tried == withheld::in_clear ? "the connection is not encrypted"
                                              : "the certificate is not to be trusted");
    }
    if (o.not_tried == withheld::no_mechanism && !has_failure_up_to(step::ehlo)) {
        std::string list;
        for (auto const& m : t->announced().known.mechanisms) list += (list.empty() ? "" : " ") + m;
        add(rules::auth_nothing_in_common, severity::failure, step::auth, "AUTH " + list, {{"mechanisms", list}});
    }
    if (o.logins.empty()) return;
    if (!o.is_in()) {
        auto const& first = o.logins.front();
        // What a mechanism lacks says less than what was said of the password.
        auto const* telling = &first;
        for (auto const& l : o.logins) {
            bool const of_password = telling->result.how == what::refused && !is_about_mechanism(telling->result.last);
            if (l.user == first.user && l.result.how == what::refused && !of_password) telling = &l;
        }
        judge_failed_login(*telling);
        if (o.person.unusual_password && has(rules::auth_failed))
            add(rules::password_encoding, severity::note, step::auth,
                "the password has letters outside ASCII, which programs send differently")
                .sure = confidence::low;
        return;
    }
    auto const& in = o.logins[*o.logged_in];
    auto const& asked = o.logins.front();
    if (in.old_encoding) {
        add(rules::password_encoding, severity::failure, step::auth,
            "refused in UTF-8 (" + said(asked.result.last) + "), taken in Latin-1");
    } else if (in.user != asked.user) {
        add(rules::user_name_form, severity::failure, step::auth,
            asked.user + ": " + said(asked.result.last) + "; " + in.user + ": " + said(in.result.last),
            {{"suggestion", in.user}});
    } else if (in.mechanism != asked.mechanism) {
        add(rules::auth_unknown_mechanism, severity::warning, step::auth,
            asked.mechanism + ": " + said(asked.result.last) + "; " + in.mechanism + " works");
    }
    judge_other_logins();
}

}  // namespace postern::diagnose
