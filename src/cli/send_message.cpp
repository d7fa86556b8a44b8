#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "base/whole_file.hpp"
#include "cli/send.hpp"
#include "mail/mime_message.hpp"
#include "mail/xtext.hpp"
#include "sendmail/message.hpp"

namespace postern::cli {
namespace {

constexpr std::size_t longest = 256u << 20;  // of a file, and of the message

error wrong(std::string text) { return {{5, 5, 4}, "", std::move(text)}; }

result<std::string> read_input(std::string const& name)
{
    if (name != "-") {
        auto text = read_whole_file(name, longest);
        if (!text) return std::move(text).error();
        if (!*text) return wrong("there is no file " + name);
        return std::string{(*text)->reveal()};
    }
    std::string all;
    std::array<char, 64 << 10> octets{};
    for (;;) {
        auto const n = ::read(STDIN_FILENO, octets.data(), octets.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return wrong(std::string{"can't read standard input: "} + std::strerror(errno));
        if (n == 0) return all;
        all.append(octets.data(), static_cast<std::size_t>(n));
        if (all.size() > longest) return wrong("standard input has more than 256 MiB");
    }
}

// "Anna <anna@example.com>, ben@example.com": a comma in quotes separates nothing.
std::vector<std::string> split_list(std::vector<std::string> const& given)
{
    std::vector<std::string> all;
    for (auto const& list : given) {
        bool quoted = false;
        std::string one;
        for (std::size_t i = 0; i <= list.size(); ++i) {
            if (i == list.size() || (list[i] == ',' && !quoted)) {
                if (one.find_first_not_of(" \t") != std::string::npos) all.push_back(one);
                one.clear();
                continue;
            }
            if (quoted && list[i] == '\\' && i + 1 < list.size()) one += list[i++];
            if (list[i] == '"') quoted = !quoted;
            one += list[i];
        }
    }
    return all;
}

result<std::vector<mail::named_mailbox>> parse_list(std::vector<std::string> const& given)
{
    std::vector<mail::named_mailbox> all;
    for (auto const& text : split_list(given)) {
        auto one = mail::parse_named_mailbox(text);
        if (!one) return std::move(one).error();
        all.push_back(std::move(*one));
    }
    return all;
}

result<mail::dsn_notify> parse_notify(std::string const& text)
{
    mail::dsn_notify n;
    n.specified = !text.empty();
    for (std::size_t at = 0; at < text.size();) {
        auto const end = std::min(text.find(',', at), text.size());
        auto const word = std::string_view{text}.substr(at, end - at);
        if (equal_ignoring_case(word, "never")) {
            n.never = true;
        } else if (equal_ignoring_case(word, "success")) {
            n.success = true;
        } else if (equal_ignoring_case(word, "failure")) {
            n.failure = true;
        } else if (equal_ignoring_case(word, "delay")) {
            n.delay = true;
        } else {
            return wrong("--notify takes never, or a list of success, failure and delay");
        }
        at = end + 1;
    }
    if (n.never && (n.success || n.failure || n.delay)) return wrong("--notify never stands alone");
    return n;
}

result<std::vector<std::pair<std::string, std::string>>> parse_fields(std::vector<std::string> const& given)
{
    std::vector<std::pair<std::string, std::string>> all;
    for (auto const& line : given) {
        auto const colon = line.find(':');
        if (colon == std::string::npos || colon == 0)
            return wrong("--header takes \"Name: value\", not \"" + printable(line, 100) + "\"");
        auto const value = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
        all.emplace_back(line.substr(0, colon), line.substr(value));
    }
    return all;
}

result<> add_attachments(mail::new_message& m, std::vector<std::string> const& files)
{
    for (auto const& file : files) {
        auto octets = read_input(file);
        if (!octets) return std::move(octets).error();
        mail::attachment a;
        a.name = file == "-" ? "standard-input" : std::filesystem::path{file}.filename().string();
        a.octets = std::move(*octets);
        m.attachments.push_back(std::move(a));
    }
    return done{};
}

bool has_eight_bit(std::string_view content)
{
    return std::any_of(content.begin(), content.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

struct people {
    mail::named_mailbox from;
    bool null_sender = false;
    std::vector<mail::named_mailbox> to, cc, bcc;
    bool any_recipient() const { return !to.empty() || !cc.empty() || !bcc.empty(); }
};

result<people> read_people(send_options const& o)
{
    people p;
    p.null_sender = o.from == "<>";
    if (!o.from.empty() && !p.null_sender) {
        auto from = mail::parse_named_mailbox(o.from);
        if (!from) return std::move(from).error();
        p.from = std::move(*from);
    } else if (auto const user = mail::parse_mailbox(o.user); user && !p.null_sender) {
        p.from.address = *user;
    }
    for (auto [given, into] : {std::pair{&o.to, &p.to}, std::pair{&o.cc, &p.cc}, std::pair{&o.bcc, &p.bcc}}) {
        auto list = parse_list(*given);
        if (!list) return std::move(list).error();
        *into = std::move(*list);
    }
    return p;
}

result<prepared_mail> compose(send_options const& o, people const& p)
{
    if (p.null_sender) return wrong("--from \"<>\" is for whole messages (--message)");
    if (p.from.address.domain.empty()) return wrong("who sends it? Give --from ADDRESS");
    if (!p.any_recipient()) return wrong("whom is it for? Give --to ADDRESS");
    if (o.body && o.body_file) return wrong("--body and --body-file exclude each other");
    mail::new_message m;
    m.from = p.from;
    m.to = p.to;
    m.cc = p.cc;
    m.subject = o.subject;
    m.charset = o.charset;
    m.now = wall_clock::now();
    m.unique_id = make_queue_id();
    auto fields = parse_fields(o.fields);
    if (!fields) return std::move(fields).error();
    m.fields = std::move(*fields);
    if (o.body_file) {
        auto text = read_input(*o.body_file);
        if (!text) return std::move(text).error();
        m.text = std::move(*text);
    } else {
        m.text = o.body.value_or("This is a test message, sent by `postern send`.\n");
    }
    if (auto added = add_attachments(m, o.attachments); !added) return std::move(added).error();
    m.utf8_names = o.smtputf8 || m.from.address.needs_smtputf8();
    for (auto const* list : {&p.to, &p.cc})
        for (auto const& one : *list) m.utf8_names = m.utf8_names || one.address.needs_smtputf8();
    auto content = mail::write_message(m);
    if (!content) return std::move(content).error();
    prepared_mail out;
    out.content = std::move(*content);
    out.unique_id = std::move(m.unique_id);
    out.utf8 = m.utf8_names;
    return out;
}

result<prepared_mail> complete(send_options const& o, people const& p)
{
    if (o.body || o.body_file || !o.attachments.empty() || !o.fields.empty() || !o.subject.empty())
        return wrong("--message has all of the message: --subject, --body, --header and --attach go without it");
    auto text = read_input(*o.message_file);
    if (!text) return std::move(text).error();
    sendmail::line_gatherer lines{false, longest};
    lines.add(*text);
    lines.finish();
    sendmail::request asked;
    asked.origin = p.from.address.domain.empty() ? std::string{"localhost"} : p.from.address.domain;
    asked.from = p.null_sender ? "MAILER-DAEMON@" + asked.origin : p.from.address.to_string();
    asked.full_name = p.from.name;
    asked.to_header = !p.any_recipient();
    auto const unique_id = make_queue_id();
    asked.complete = sendmail::request::completion{wall_clock::now(), unique_id, o.repeat > 1};
    auto message = sendmail::prepare(lines.take(), asked);
    if (!message) return std::move(message).error();
    prepared_mail out;
    out.content = std::move(message->content);
    out.utf8 = message->utf8_header || o.smtputf8;
    if (message->own_message_id) out.unique_id = unique_id;
    for (auto& to : message->recipients) out.envelope.recipients.push_back({std::move(to), {}, {}});
    return out;
}

result<> address(prepared_mail& m, send_options const& o, people const& p)
{
    auto& env = m.envelope;
    auto const notify = parse_notify(o.notify);
    if (!notify) return notify.error();
    for (auto const* list : {&p.to, &p.cc, &p.bcc})
        for (auto const& one : *list) env.recipients.push_back({one.address, {}, {}});
    if (env.recipients.empty()) return wrong("whom is it for? Give --to ADDRESS, or name them in the message");
    for (auto& r : env.recipients) {
        r.notify = *notify;
        if (!o.original_recipient.empty()) r.original = "rfc822;" + mail::xtext_encode(o.original_recipient);
        m.utf8 = m.utf8 || r.forward_path.needs_smtputf8();
    }
    env.reverse_path.null = p.null_sender;
    env.reverse_path.address = p.from.address;
    if (!p.null_sender && p.from.address.domain.empty()) return wrong("who sends it? Give --from ADDRESS");
    m.utf8 = m.utf8 || (!p.null_sender && p.from.address.needs_smtputf8());
    env.smtputf8 = m.utf8;
    env.require_tls = o.require_tls;
    env.envelope_id = o.envelope_id;
    if (equal_ignoring_case(o.ret, "full")) env.ret = mail::dsn_return::full;
    if (equal_ignoring_case(o.ret, "headers") || equal_ignoring_case(o.ret, "hdrs"))
        env.ret = mail::dsn_return::headers;
    if (!o.ret.empty() && env.ret == mail::dsn_return::unspecified) return wrong("--ret takes full or headers");
    if (has_eight_bit(m.content)) env.body = mail::body_type::eight_bit_mime;
    return done{};
}

}  // namespace

result<prepared_mail> prepare_mail(send_options const& o)
{
    auto people = read_people(o);
    if (!people) return std::move(people).error();
    auto made = o.message_file ? complete(o, *people) : compose(o, *people);
    if (!made) return made;
    if (auto addressed = address(*made, o, *people); !addressed) return std::move(addressed).error();
    return made;
}

std::string renewed(prepared_mail const& m)
{
    auto content = m.content;
    auto const field = "Message-ID: <" + m.unique_id;
    auto const at = content.find(field);
    if (m.unique_id.empty() || at == std::string::npos) return content;
    return content.replace(at + field.size() - m.unique_id.size(), m.unique_id.size(), make_queue_id());
}

}  // namespace postern::cli
