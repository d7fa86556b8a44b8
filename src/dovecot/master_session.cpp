#include "dovecot/master_session.hpp"

#include "base/numbers.hpp"

namespace postern::dovecot {

void master_session::on_connect() { output_.append("VERSION\t1\t1\nSPID\t").append(std::to_string(process_)) += '\n'; }

lookup master_session::on_input(std::string_view& in)
{
    bool endless = false;
    while (broken_.empty()) {
        auto const line = take_line(in, endless);
        if (endless) return breaks("an endless line");
        if (!line) break;
        auto asked = take(*line);
        if (asked.what != lookup::kind::none) return asked;
    }
    return {};
}

lookup master_session::take(std::string_view line)
{
    using kind = lookup::kind;
    auto const verb = take_field(line);
    if (!greeted_) {
        greeted_ = verb == "VERSION" && take_field(line) == "1";
        return greeted_ ? lookup{} : breaks("a protocol of another version");
    }
    lookup asked;
    auto const id = parse_number<std::uint32_t>(take_field(line));
    if (!id) return breaks("a question without a number");
    asked.id = *id;
    if (verb == "CACHE-FLUSH") {
        // There is nothing here that a change does not reach.
        output_.append("OK\t").append(std::to_string(asked.id)).append("\t0\n");
        return {};
    }
    if (verb == "LIST") {
        asked.what = kind::list;
        return asked;
    }
    if (verb == "REQUEST") {
        auto const process = parse_number<std::uint32_t>(take_field(line));
        auto const login = parse_number<std::uint32_t>(take_field(line));
        asked.cookie = take_field(line);
        if (!process || !login || asked.cookie.empty()) return breaks("a broken REQUEST");
        asked.process = *process;
        asked.login_id = *login;
        asked.what = kind::login;
        return asked;
    }
    if (verb != "USER" && verb != "PASS") return breaks("an unknown command");
    asked.name = unescape(take_field(line));
    if (asked.name.empty()) return breaks("a question about nobody");
    asked.what = verb == "USER" ? kind::user : kind::pass;
    return asked;
}

std::string& master_session::begin(std::string_view verb, lookup const& asked)
{
    return output_.append(verb).append("\t").append(std::to_string(asked.id));
}

void master_session::answer(lookup const& asked, std::optional<std::string> const& account)
{
    if (!account) {
        begin("NOTFOUND", asked) += '\n';
    } else if (asked.what == lookup::kind::pass) {
        begin("PASS", asked).append("\tuser=").append(escape(*account)) += '\n';
    } else {
        begin("USER", asked).append("\t").append(escape(*account)) += '\n';
    }
}

void master_session::answer_list(lookup const& asked, std::vector<std::string> const& accounts)
{
    for (auto const& a : accounts) begin("LIST", asked).append("\t").append(escape(a)) += '\n';
    begin("DONE", asked) += "\t\n";
}

void master_session::answer_unavailable(lookup const& asked)
{
    if (asked.what == lookup::kind::list)
        begin("DONE", asked) += "\tfail\n";
    else
        begin("FAIL", asked) += '\n';
}

lookup master_session::breaks(char const* why)
{
    broken_ = why;
    return {};
}

}  // namespace postern::dovecot
