#include "submission/smart_host_notice.hpp"

#include <utility>

#include "base/text.hpp"

namespace postern::submission {
namespace {

constexpr std::size_t width = 76;

// Words in lines that mail programs don't have to break.
std::string paragraph(std::string_view text)
{
    std::string out, line;
    while (!text.empty()) {
        auto const end = std::min(text.find(' '), text.size());
        auto const word = text.substr(0, end);
        if (!line.empty() && line.size() + 1 + word.size() > width) {
            out += line + '\n';
            line.clear();
        }
        if (!line.empty()) line += ' ';
        line += word;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out + line + '\n';
}

}  // namespace

std::string text_for_operator(smart_host_trouble const& t)
{
    std::string out = "This is a message of the mail server, to tell you in time.\n\n";
    out += paragraph("Mail that goes by the smart host " + printable(t.smart_host, 100) +
                     (t.user.empty() ? "" : ", with the login " + printable(t.user, 320) + ',') + " waits. " +
                     std::string{t.why->what});
    out += "\nThe reply:\n\n    " + printable(t.reply, 600) + "\n\nWhat to do:\n\n";
    out += paragraph(t.why->operator_remedy);
    out += "\n`postern queue list` shows what waits.\n";
    return out;
}

void tell_of_smart_host(notice_desk& desk, config::settings const& s, smart_host_trouble t)
{
    std::string to = s.guard.operator_address;
    if (to.empty() && !s.domains.local.empty()) to = "postmaster@" + s.domains.local.front();
    if (to.empty()) return;  // the log has it
    desk.later([&desk, to, t = std::move(t), hostname = s.hostname] {
        desk.tell(t.user, to, "A smart host takes no mail from this server", text_for_operator(t), hostname);
    });
}

}  // namespace postern::submission
