// MAIL, RCPT and DATA: who may write to whom.
#include "base/text.hpp"
#include "diagnose/judgement.hpp"

namespace postern::diagnose {

void judgement::judge_envelopes()
{
    auto const& s = o.stranger;
    if (s.rcpt_outside && s.rcpt_outside->ok() && s.mail && s.mail->ok()) {
        add(rules::relays_for_anybody, severity::warning, step::rcpt,
            "without a login, MAIL FROM:<" + s.from + "> and RCPT TO:<" + s.outside + ">: " + said(*s.rcpt_outside))
            .sure = o.seen_from_outside() ? confidence::high : confidence::medium;
    }
    auto const& m = o.mine;
    if (!m.mail) return;
    if (m.mail->how == client::ending::not_possible) {
        auto const* const rule = is_ascii(m.from) ? &rules::bad_sender_address : &rules::address_needs_smtputf8;
        add(*rule, severity::failure, step::mail, m.mail->problem + ": " + m.from);
        return;
    }
    if (!m.mail->ok()) {
        judge_refusal(step::mail, *m.mail, "MAIL FROM:<" + m.from + ">");
        return;
    }
    if (m.rcpt && !m.rcpt->ok()) {
        judge_refusal(step::rcpt, *m.rcpt, "RCPT TO:<" + m.to + ">");
    } else if (m.rcpt_outside && m.rcpt_outside->how == client::ending::reply && !m.rcpt_outside->ok() && o.is_in()) {
        // Only a refusal to carry mail counts: the address is nobody's.
        bool const relaying = contains(m.rcpt_outside->said.text, "relay") || m.rcpt_outside->said.code == 530;
        if (relaying) judge_refusal(step::rcpt, *m.rcpt_outside, "RCPT TO:<" + m.outside + ">");
    }
    if (!m.data || m.data->ok()) return;
    if (m.data->how == client::ending::timed_out) {
        auto const took = in_words(std::chrono::duration_cast<milliseconds>(m.data->took));
        add(rules::answer_to_data_late, severity::failure, step::data,
            "nothing within " + took + " after the end of the mail", {{"time", took}});
        return;
    }
    judge_refusal(step::data, *m.data, "DATA");
}

}  // namespace postern::diagnose
