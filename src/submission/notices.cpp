#include "submission/notices.hpp"

#include <memory>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace postern::submission {

std::pair<spool::message, std::string> write_notice(notice const& n, std::string const& hostname, wall_time now)
{
    std::pair<spool::message, std::string> made;
    auto& m = made.first;
    auto& text = made.second;
    m.queue_id = make_queue_id();
    m.accepted_at = now;
    m.env.reverse_path.null = true;
    m.env.smtputf8 = n.to.needs_smtputf8();
    mail::recipient to;
    to.forward_path = n.to;
    to.notify.specified = to.notify.never = true;
    m.env.recipients.push_back(std::move(to));

    auto const& domain = n.domain.empty() ? n.to.domain : n.domain;
    text += "From: Postern <postmaster@" + (domain.empty() ? hostname : domain) + ">\r\n";
    text += "To: <" + n.to.to_string() + ">\r\n";
    text += "Subject: " + n.subject + "\r\n";
    text += "Date: " + to_rfc5322(now) + "\r\n";
    text += "Message-ID: <" + m.queue_id + '@' + hostname + ">\r\n";
    text += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
    bool const ascii = is_ascii(n.text);
    text += ascii ? "Content-Type: text/plain; charset=us-ascii\r\n"
                  : "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    text += "\r\n";
    for (char c : n.text) {
        if (c == '\n') text += '\r';
        text += c;
    }
    if (!is_ascii(text)) m.env.body = mail::body_type::eight_bit_mime;
    m.size = text.size();
    m.lines_begin_with_dot = text.find("\r\n.") != std::string::npos;
    return made;
}

std::string send_notice(spool::spool& queue, signing::signer& signer, notice const& n, std::string const& hostname,
                        wall_time now)
{
    auto const made = std::make_shared<std::pair<spool::message, std::string>>(write_notice(n, hostname, now));
    auto const id = made->first.queue_id;
    signer.sign(made->second, now, [&queue, made, id, to = n.to.to_string(), subject = n.subject] {
        auto const failed = [id](error const& e) {
            log::event(log::level::error, "notice_not_sent", {{"queue_id", id}, {"problem", e.logged}});
        };
        made->first.size = made->second.size();
        auto body = queue.new_content();
        if (auto written = body->append(made->second); !written) return failed(written.error());
        log::event(log::level::info, "notice", {{"queue_id", id}, {"forward_path", to}, {"subject", subject}});
        queue.accept(std::move(made->first), std::move(body), [failed](result<> r) {
            if (!r) failed(r.error());
        });
    });
    return id;
}

}  // namespace postern::submission
