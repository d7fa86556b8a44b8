#include "witness/sighting.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "witness/mark.hpp"

namespace postern::witness {
namespace json = boost::json;
namespace {

constexpr std::size_t longest_text = 255;

json::array list_of(std::vector<std::string> const& texts)
{
    json::array out;
    for (auto const& t : texts) out.emplace_back(t);
    return out;
}

json::object to_json(hello const& h)
{
    json::object o;
    o["extended"] = h.extended;
    o["name"] = h.name;
    o["starttls"] = h.starttls;
    o["mechanisms"] = list_of(h.mechanisms);
    return o;
}

/// Reads members, and remembers whether one was not what it has to be.
class reader {
public:
    explicit reader(json::object const& o) : o_(o) {}

    std::string text(std::string_view key)
    {
        auto const* v = o_.if_contains(key);
        if (v == nullptr) return {};
        if (v->is_string() && v->as_string().size() <= longest_text)
            return printable({v->as_string().data(), v->as_string().size()}, longest_text);
        good = false;
        return {};
    }
    bool flag(std::string_view key)
    {
        auto const* v = o_.if_contains(key);
        if (v == nullptr) return false;
        if (v->is_bool()) return v->as_bool();
        good = false;
        return false;
    }
    std::vector<std::string> texts(std::string_view key)
    {
        std::vector<std::string> out;
        auto const* v = o_.if_contains(key);
        if (v == nullptr) return out;
        if (!v->is_array() || v->as_array().size() > most_items) {
            good = false;
            return out;
        }
        for (auto const& item : v->as_array()) {
            if (!item.is_string() || item.as_string().size() > longest_text) {
                good = false;
                return out;
            }
            out.push_back(printable({item.as_string().data(), item.as_string().size()}, longest_text));
        }
        return out;
    }
    hello word(std::string_view key)
    {
        hello h;
        auto const* v = o_.if_contains(key);
        if (v == nullptr) return h;
        if (!v->is_object()) {
            good = false;
            return h;
        }
        reader inside{v->as_object()};
        h.said = true;
        h.extended = inside.flag("extended");
        h.name = inside.text("name");
        h.starttls = inside.flag("starttls");
        h.mechanisms = inside.texts("mechanisms");
        good = good && inside.good;
        return h;
    }
    unsigned number(std::string_view key)
    {
        auto const* v = o_.if_contains(key);
        json::error_code wrong;
        auto const n = v == nullptr ? 0u : v->to_number<unsigned>(wrong);
        if (wrong || n > most_sessions) good = false;
        return n;
    }

    bool good = true;

private:
    json::object const& o_;
};

std::optional<sighting> read(json::object const& o)
{
    reader r{o};
    sighting s;
    s.number = r.number("number");
    s.session = r.text("session");
    s.listener = r.text("listener");
    s.role = r.text("role");
    s.client = r.text("client");
    s.server = r.text("server");
    s.greeted = r.text("greeted");
    s.clear = r.word("clear");
    s.secured = r.word("secured");
    s.starttls_asked = r.flag("starttls_asked");
    s.implicit = r.flag("implicit");
    s.tls_version = r.text("tls");
    s.cipher = r.text("cipher");
    s.server_name = r.text("server_name");
    s.certificate = r.text("certificate");
    s.problem = r.text("problem");
    s.tried = r.texts("tried");
    s.verdicts = r.texts("verdicts");
    s.logged_in = r.flag("logged_in");
    s.over = r.flag("over");
    if (!r.good) return std::nullopt;
    return s;
}

}  // namespace

json::array to_json(std::vector<sighting> const& all)
{
    json::array out;
    for (auto const& s : all) {
        json::object o;
        o["number"] = s.number;
        o["session"] = s.session;
        o["began"] = to_rfc3339(s.began);
        o["listener"] = s.listener;
        o["role"] = s.role;
        o["client"] = s.client;
        o["server"] = s.server;
        o["greeted"] = s.greeted;
        if (s.clear.said) o["clear"] = to_json(s.clear);
        if (s.secured.said) o["secured"] = to_json(s.secured);
        o["starttls_asked"] = s.starttls_asked;
        o["implicit"] = s.implicit;
        o["tls"] = s.tls_version;
        o["cipher"] = s.cipher;
        o["server_name"] = s.server_name;
        o["certificate"] = s.certificate;
        o["problem"] = s.problem;
        o["tried"] = list_of(s.tried);
        o["verdicts"] = list_of(s.verdicts);
        o["logged_in"] = s.logged_in;
        o["over"] = s.over;
        out.emplace_back(std::move(o));
    }
    return out;
}

std::optional<std::vector<sighting>> parse_record(std::string_view text)
{
    if (text.size() > longest_record) return std::nullopt;
    json::error_code wrong;
    auto const v = json::parse(text, wrong);
    if (wrong || !v.is_array() || v.as_array().size() > most_sessions) return std::nullopt;
    std::vector<sighting> out;
    for (auto const& item : v.as_array()) {
        auto s = item.is_object() ? read(item.as_object()) : std::nullopt;
        if (!s) return std::nullopt;
        out.push_back(std::move(*s));
    }
    return out;
}

}  // namespace postern::witness
