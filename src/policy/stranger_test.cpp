#include "policy/stranger.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::policy;
using mail::auth_result;
using mail::dmarc_policy;
namespace rules = postern::catalogue::rules;

namespace {

mail::author author(char const* domain, auth_result dmarc, dmarc_policy policy, bool proven = false, bool local = false)
{
    mail::author a;
    a.address = {"anna", domain};
    a.dmarc = dmarc;
    a.policy = policy;
    a.proven = proven;
    a.local = local;
    return a;
}

// SPF or DKIM of its domain may have passed.
mail::author unclear(mail::author a)
{
    a.unclear = true;
    return a;
}

stranger_facts facts(std::vector<mail::author> authors, auth_result spf = auth_result::none)
{
    stranger_facts f;
    f.sender.address = {"anna", "remote.test"};
    f.found.spf = {spf, "remote.test", false};
    f.found.authors = std::move(authors);
    return f;
}

}  // namespace

TEST_CASE("What becomes of a stranger's message")
{
    struct row {
        char const* name;
        stranger_facts f;
        stranger_options o;
        catalogue::rule const* refused;
        bool hold, mark;
    };
    using r = auth_result;
    using p = dmarc_policy;
    auto local_sender = [](bool proven, r spf, bool doubtful) {
        auto f = facts({}, spf);
        f.sender_local = true;
        f.found.sender_proven = proven;
        f.found.sender_unclear = doubtful;
        return f;
    };
    auto unchecked = [](stranger_facts f) {
        f.found.unchecked = true;
        return f;
    };
    auto with_dkim = [](stranger_facts f, r what) {
        f.found.dkim.push_back({what, "remote.test", "s", "rsa-sha256", "", ""});
        return f;
    };
    stranger_options const usual;
    row const rows[] = {
        {"no policy", facts({author("remote.test", r::none, p::none)}), usual, nullptr, false, false},
        {"passes", facts({author("remote.test", r::pass, p::reject, true)}, r::pass), usual, nullptr, false, false},
        {"fails, nobody minds", facts({author("remote.test", r::fail, p::none)}), usual, nullptr, false, false},
        {"fails, reject", facts({author("remote.test", r::fail, p::reject)}, r::fail), usual, &rules::dmarc_reject,
         false, true},
        {"fails, quarantine", facts({author("remote.test", r::fail, p::quarantine)}), usual, nullptr, false, true},
        {"reject, held",
         facts({author("remote.test", r::fail, p::reject)}),
         {"hold", "mark", true, true},
         nullptr,
         true,
         true},
        {"reject, marked",
         facts({author("remote.test", r::fail, p::reject)}),
         {"mark", "mark", true, true},
         nullptr,
         false,
         true},
        {"quarantine, refused",
         facts({author("remote.test", r::fail, p::quarantine)}),
         {"refuse", "refuse", true, true},
         &rules::dmarc_reject,
         false,
         true},
        {"one of two authors fails",
         facts({author("good.test", r::pass, p::reject, true), author("remote.test", r::fail, p::reject)}), usual,
         &rules::dmarc_reject, false, true},
        {"the DNS may know better", facts({unclear(author("remote.test", r::fail, p::reject))}, r::temperror), usual,
         &rules::authentication_unknown, false, false},
        {"a key may be there",
         with_dkim(facts({unclear(author("remote.test", r::fail, p::reject))}, r::fail), r::temperror), usual,
         &rules::authentication_unknown, false, false},
        {"and nobody waits for it",
         facts({unclear(author("remote.test", r::fail, p::reject))}, r::temperror),
         {"refuse", "mark", true, false},
         nullptr,
         false,
         false},
        {"what is unknown of another domain does not help",
         with_dkim(facts({author("victim.test", r::fail, p::reject)}, r::temperror), r::temperror),
         {"refuse", "mark", true, false},
         &rules::dmarc_reject,
         false,
         true},
        {"nor does it make a refusal milder",
         with_dkim(facts({author("victim.test", r::fail, p::reject)}, r::temperror), r::temperror), usual,
         &rules::dmarc_reject, false, true},
        {"nor a local sender",
         with_dkim(local_sender(false, r::temperror, false), r::temperror),
         {"refuse", "mark", true, false},
         &rules::local_sender_unproven,
         false,
         false},
        {"nor a local author",
         with_dkim(facts({author("ours.test", r::none, p::none, false, true)}, r::temperror), r::temperror),
         {"refuse", "mark", true, false},
         &rules::local_sender_unproven,
         false,
         false},
        {"nobody had time to look",
         unchecked(facts({author("remote.test", r::temperror, p::none)})),
         {"refuse", "mark", true, false},
         &rules::authentication_unknown,
         false,
         false},
        {"no answer about the policy", facts({author("remote.test", r::temperror, p::none)}), usual,
         &rules::authentication_unknown, false, false},
        {"which does not matter", facts({author("remote.test", r::temperror, p::none, true)}, r::pass), usual, nullptr,
         false, false},
        {"a record that can't be read", facts({author("remote.test", r::permerror, p::none)}), usual, nullptr, false,
         false},
        {"a local sender without proof", local_sender(false, r::fail, false), usual, &rules::local_sender_unproven,
         false, false},
        {"a local sender with proof", local_sender(true, r::pass, false), usual, nullptr, false, false},
        {"a local sender, unclear", local_sender(false, r::temperror, true), usual, &rules::authentication_unknown,
         false, false},
        {"a local sender, who cares",
         local_sender(false, r::fail, false),
         {"refuse", "mark", false, true},
         nullptr,
         false,
         false},
        {"a local author without proof", facts({author("ours.test", r::none, p::none, false, true)}), usual,
         &rules::local_sender_unproven, false, false},
        {"a local author with proof", facts({author("ours.test", r::none, p::none, true, true)}, r::pass), usual,
         nullptr, false, false},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const j = judge(row.f, row.o);
        CHECK(j.verdict.accepted() == (row.refused == nullptr));
        if (row.refused) CHECK(j.verdict.why == row.refused);
        CHECK(j.hold == row.hold);
        CHECK(j.mark == row.mark);
    }
}
