#include "witness/compare.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::witness {
namespace rules = catalogue::rules;
namespace {

std::string joined(std::vector<std::string> const& texts)
{
    std::string all;
    for (auto const& t : texts) all += (all.empty() ? "" : " ") + t;
    return all;
}

std::vector<std::string> sorted(std::vector<std::string> list)
{
    for (auto& t : list) t = to_upper(t);
    std::ranges::sort(list);
    return list;
}

class comparer {
public:
    comparer(std::string const& server, std::vector<sighting> const& arrived) : server_(server), arrived_(arrived) {}

    void look(departure const& d)
    {
        auto const found = std::ranges::find(arrived_, d.number, &sighting::number);
        if (found == arrived_.end()) {
            missing(d);
            return;
        }
        sighting const& s = *found;
        stripped(d, s);
        certificate(d, s);
        conversation(d, s);
        address(d, s);
    }

    std::vector<difference> take()
    {
        // As they are listed: what endangers first, what is usual last.
        std::ranges::stable_sort(found_, {}, [](difference const& d) { return rank(*d.why); });
        return std::move(found_);
    }

private:
    static int rank(catalogue::rule const& r)
    {
        catalogue::rule const* const order[] = {&rules::certificate_replaced, &rules::starttls_stripped,
                                                &rules::other_server_answered, &rules::never_arrived,
                                                &rules::conversation_changed};
        auto const at = std::ranges::find(order, &r);
        return static_cast<int>(at - std::begin(order));
    }

    void add(catalogue::rule const& why, departure const& d, std::vector<catalogue::evidence> values)
    {
        if (std::ranges::any_of(found_, [&](difference const& one) { return one.why == &why; })) return;
        values.push_back({"server", server_});
        found_.push_back({&why, std::move(values), d.number});
    }

    void missing(departure const& d)
    {
        if (!d.spoke) {
            add(rules::never_arrived, d, {});
            return;
        }
        auto const who = d.greeted.empty() ? "it gave no name" : "it calls itself " + d.greeted;
        add(rules::other_server_answered, d, {{"problem", d.at.to_string() + ", " + who}});
    }

    void stripped(departure const& d, sighting const& s)
    {
        if (d.clear.said && !d.clear.starttls && s.clear.said && s.clear.starttls) add(rules::starttls_stripped, d, {});
    }

    void certificate(departure const& d, sighting const& s)
    {
        bool const replaced =
            !d.certificate.empty() && !s.certificate.empty() && !equal_ignoring_case(d.certificate, s.certificate);
        // TLS here and none there: it ends in between.
        bool const ends_before = !d.certificate.empty() && s.certificate.empty() && (s.secured.said || s.clear.said) &&
                                 d.secured.said && !s.secured.said;
        if (replaced || ends_before) add(rules::certificate_replaced, d, {});
    }

    void conversation(departure const& d, sighting const& s)
    {
        auto const changed = [&](std::string text) {
            add(rules::conversation_changed, d, {{"problem", std::move(text)}});
        };
        auto const& said = s.secured.said ? s.secured : s.clear;
        if (said.said && !said.name.empty() && !equal_ignoring_case(said.name, d.hello_name))
            changed("EHLO " + d.hello_name + " arrived as " + (said.extended ? "EHLO " : "HELO ") + said.name);
        if (!d.greeted.empty() && !s.greeted.empty() && !equal_ignoring_case(d.greeted, s.greeted))
            changed("the greeting of " + s.greeted + " became one of " + d.greeted);
        for (auto const& [here, there] : {std::pair{&d.clear, &s.clear}, {&d.secured, &s.secured}}) {
            if (!here->said || !there->said || sorted(here->mechanisms) == sorted(there->mechanisms)) continue;
            changed("it offered the log-ins " + (there->mechanisms.empty() ? "none" : joined(there->mechanisms)) +
                    ", and here were " + (here->mechanisms.empty() ? "none" : joined(here->mechanisms)));
        }
    }

    void address(departure const& d, sighting const& s)
    {
        auto const seen = endpoint::parse(s.client), reached = endpoint::parse(s.server);
        if (!seen || !d.own) return;
        // A proxy on the same machine changes ports alone.
        bool const elsewhere = reached && reached->port != d.at.port;
        if (*seen == *d.own && !elsewhere) return;
        add(rules::address_translated, d, {{"seen", seen->to_string()}, {"own", d.own->to_string()}});
    }

    std::string const& server_;
    std::vector<sighting> const& arrived_;
    std::vector<difference> found_;
};

std::string offer_of(hello const& h)
{
    if (!h.said) return "";
    auto words = h.mechanisms;
    if (h.starttls) words.insert(words.begin(), "STARTTLS");
    return words.empty() ? "neither STARTTLS nor a log-in" : joined(words);
}

}  // namespace

std::vector<difference> compare(std::string const& server, std::vector<departure> const& left,
                                std::vector<sighting> const& arrived)
{
    comparer c{server, arrived};
    for (auto const& d : left)
        if (d.number != 0) c.look(d);
    return c.take();
}

std::vector<row> side_by_side(departure const& left, sighting const* arrived)
{
    std::vector<row> rows;
    auto const add = [&](std::string what, std::string here, std::string there, bool compared = true) {
        if (here.empty() && there.empty()) return;
        bool const differs = compared && arrived != nullptr && !equal_ignoring_case(here, there);
        if (there.empty()) there = arrived == nullptr ? "nothing arrived" : "-";
        if (here.empty()) here = "-";
        rows.push_back({std::move(what), std::move(here), std::move(there), differs});
    };
    static sighting const nothing;
    auto const& s = arrived ? *arrived : nothing;
    add("client's address", left.own ? left.own->to_string() : "", s.client);
    add("server's address", left.at.to_string(), s.server);
    add("greeting", left.greeted, s.greeted);
    add("EHLO", left.hello_name, s.secured.said ? s.secured.name : s.clear.name);
    add("offered in the clear", offer_of(left.clear), offer_of(s.clear));
    add("TLS", left.tls_version, s.tls_version);
    add("cipher", left.cipher, s.cipher);
    add("certificate", left.certificate.substr(0, 16), s.certificate.substr(0, 16));
    add("offered within TLS", offer_of(left.secured), offer_of(s.secured));
    add("log-ins tried", "", joined(s.tried), false);
    add("refusals", "", joined(s.verdicts), false);
    add("handshake", "", s.problem, false);
    return rows;
}

}  // namespace postern::witness
