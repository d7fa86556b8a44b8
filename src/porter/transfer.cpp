#include "porter/transfer.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace postern::porter {
namespace json = boost::json;
namespace {

json::array places(std::vector<place> const& list)
{
    json::array all;
    for (auto const& p : list)
        all.emplace_back(json::object{{"host", p.host}, {"port", p.port}, {"starttls", p.how == wrapping::starttls}});
    return all;
}

/// What is missing or of another type makes the whole unusable.
class reader {
public:
    explicit reader(json::value const& v) : object_(v.if_object()) { good = object_ != nullptr; }
    bool good;

    json::value const& at(std::string_view key)
    {
        static json::value const nothing;
        auto const* const found = object_ != nullptr ? object_->if_contains(key) : nullptr;
        if (found == nullptr) good = false;
        return found != nullptr ? *found : nothing;
    }
    std::string text(std::string_view key)
    {
        auto const* const s = at(key).if_string();
        if (s == nullptr) good = false;
        return s != nullptr ? std::string{*s} : std::string{};
    }
    bool flag(std::string_view key)
    {
        auto const* const b = at(key).if_bool();
        if (b == nullptr) good = false;
        return b != nullptr && *b;
    }
    json::array const& list(std::string_view key)
    {
        static json::array const none;
        auto const* const a = at(key).if_array();
        if (a == nullptr) good = false;
        return a != nullptr ? *a : none;
    }
    std::vector<place> places(std::string_view key)
    {
        std::vector<place> all;
        for (auto const& one : list(key)) {
            reader r{one};
            auto p = parse_place(r.text("host") + ':' + std::to_string(one.is_object() ? port_of(r) : 0));
            p.how = r.flag("starttls") ? wrapping::starttls : wrapping::implicit_tls;
            if (!r.good || p.host.empty()) good = false;
            all.push_back(std::move(p));
        }
        return all;
    }

private:
    static std::int64_t port_of(reader& r)
    {
        auto const& v = r.at("port");
        if (v.is_int64()) return v.as_int64();
        return v.is_uint64() ? static_cast<std::int64_t>(std::min<std::uint64_t>(v.as_uint64(), 70000)) : 0;
    }

    json::object const* object_;
};

}  // namespace

json::value to_json(services const& s)
{
    return json::object{{"imap", places(s.imap)}, {"pop3", places(s.pop3)}, {"smtp", places(s.smtp)},
                        {"name", s.name},         {"contact", s.contact},   {"url", s.url}};
}

json::value to_json(facts const& f)
{
    json::array domains;
    for (auto const& d : f.domains) domains.emplace_back(d);
    return json::object{{"now", to_json(f.now)},
                        {"announced", to_json(f.announced)},
                        {"web_host", f.web_host},
                        {"base", f.base},
                        {"domains", std::move(domains)}};
}

std::optional<services> services_from(json::value const& v)
{
    reader r{v};
    services s;
    s.imap = r.places("imap");
    s.pop3 = r.places("pop3");
    s.smtp = r.places("smtp");
    s.name = r.text("name");
    s.contact = r.text("contact");
    s.url = r.text("url");
    if (!r.good) return std::nullopt;
    return s;
}

std::optional<facts> facts_from(json::value const& v)
{
    reader r{v};
    facts f;
    auto now = services_from(r.at("now")), announced = services_from(r.at("announced"));
    f.web_host = r.text("web_host");
    f.base = r.text("base");
    for (auto const& d : r.list("domains")) {
        if (!d.is_string()) return std::nullopt;
        f.domains.emplace_back(d.as_string());
    }
    if (!r.good || !now || !announced) return std::nullopt;
    f.now = std::move(*now);
    f.announced = std::move(*announced);
    std::ranges::sort(f.domains);
    return f;
}

}  // namespace postern::porter
