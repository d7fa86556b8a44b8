// Who may do what through the web socket: a table over all commands.
#include "control/access.hpp"

#include <map>

#include <doctest/doctest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "audit/book.hpp"
#include "control/fixture.hpp"
#include "visits/book.hpp"

using namespace postern;
using namespace postern::control;
namespace json = boost::json;
using directory::role;

namespace {

/// Who gets through: nobody signed in, an account for itself, and readers, operators and owners for another account.
struct decision {
    bool stranger, own, reader, operating, owner;
    friend bool operator==(decision const&, decision const&) = default;
};
constexpr decision nobody{}, anyone{true, true, true, true, true}, own{false, true, false, false, false};
constexpr decision readers{false, false, true, true, true}, operators{false, false, false, true, true};
constexpr decision owners{false, false, false, false, true};
constexpr decision own_or(decision d) { return {false, true, d.reader, d.operating, d.owner}; }

// Written down a second time, so that nobody changes a decision by a slip.
std::map<std::string_view, decision> const decided{
    {"account add", operators},
    {"account alias add", operators},
    {"account alias remove", operators},
    {"account app-password add", own_or(operators)},
    {"account app-password list", own_or(readers)},
    {"account app-password revoke", own_or(operators)},
    {"account basic-passwords", operators},
    {"account disable", operators},
    {"account enable", operators},
    {"account events", own_or(readers)},
    {"account import", owners},
    {"account limits", own_or(readers)},
    {"account list", readers},
    {"account logins", own_or(readers)},
    {"account message", own_or(readers)},
    {"account own-password", own},
    {"account password", operators},
    {"account remove", operators},
    {"account role", owners},
    {"account send-as add", operators},
    {"account send-as remove", operators},
    {"account sent", own_or(readers)},
    {"account servers", own_or(readers)},
    {"account session end", own_or(operators)},
    {"account session list", own_or(readers)},
    {"account show", own_or(readers)},
    {"account smtp-auth", own_or(operators)},
    {"account test", nobody},
    {"account test-mail", own},
    {"account test-mail-show", own},
    {"acme authority", readers},
    {"account why", own_or(readers)},
    {"acme challenge", anyone},
    {"audit list", readers},
    {"certificate list", readers},
    {"certificate renew", operators},
    {"check-code add", operators},
    {"check-code show", readers},
    {"decisions", readers},
    {"discovery facts", anyone},
    {"discovery list", readers},
    {"discovery note", anyone},
    {"discovery publish", operators},
    {"dkim activate", owners},
    {"dkim check", readers},
    {"dkim create", owners},
    {"dkim list", readers},
    {"dkim remove", owners},
    {"dkim rotate", owners},
    {"dkim show", readers},
    {"domain add", owners},
    {"domain basic-passwords", owners},
    {"domain check", readers},
    {"domain list", readers},
    {"domain remove", owners},
    {"events", readers},
    {"explain", readers},
    {"forward add", operators},
    {"forward list", readers},
    {"forward remove", operators},
    {"guard allow", operators},
    {"guard deny", operators},
    {"guard lift", operators},
    {"guard list", readers},
    {"guard usage", readers},
    {"numbers", readers},
    {"profile android", own_or(readers)},
    {"profile make", own_or(operators)},
    {"profile take", anyone},
    {"queue destinations", readers},
    {"queue expire", operators},
    {"queue hold", operators},
    {"queue list", readers},
    {"queue release", operators},
    {"queue remove", operators},
    {"queue retry", operators},
    {"queue show", readers},
    {"queue summary", readers},
    {"sessions", readers},
    {"status", readers},
    {"tls-report list", readers},
    {"tls-report send", operators},
    {"tls-report show", readers},
    {"web certificates", anyone},
    {"web session", own},
    {"web sign-in", anyone},
    {"web sign-out", own},
    {"why", readers},
    {"why public", anyone},
};

struct web_world : control::testing::world {
    std::unique_ptr<visits::book> visits;
    std::unique_ptr<audit::book> audit;

    web_world()
    {
        auto book = visits::book::open(folder.path(), wall_clock::now());
        REQUIRE(book);
        visits = std::move(*book);
        auto log = audit::book::open(folder.path());
        REQUIRE(log);
        audit = std::move(*log);
        context.visits = visits.get();
        context.audit = audit.get();
    }
    void add(std::string const& address, role r = role::none)
    {
        must("account add", {{"address", address}, {"password", "sesame sesame"}});
        if (r != role::none) must("account role", {{"address", address}, {"role", directory::to_string(r)}});
    }
    std::string sign_in(std::string const& address)
    {
        auto const who = *accounts->find_account(address);
        visits::new_visit v;
        v.account = v.login = address;
        v.role = accounts->role_of(*who);
        v.password_set = who->password_set;
        return std::string{visits->begin(std::move(v), {}, wall_clock::now()).token.reveal()};
    }
    /// As the web socket does it.
    outcome ask(std::string const& token, std::string_view name, json::object const& given)
    {
        auto c = context;
        c.caller = {};
        c.caller.through = caller::door::web;
        c.caller.from = "192.0.2.7";
        if (!token.empty())
            if (auto trouble = find_visitor(c, token, find_command(name))) return std::move(*trouble);
        return run_command(c, name, given);
    }
    /// Whether a command gets through to its function, whatever that says of these arguments.
    bool gets_through(std::string const& token, command const& what, json::object given)
    {
        auto c = context;
        c.caller.through = caller::door::web;
        if (!token.empty()) REQUIRE_FALSE(find_visitor(c, token, &what));
        return !admit(c, what, given);
    }
};

bool is(outcome const& o, failure::kind k) { return !o && o.error().why == k; }

}  // namespace

TEST_CASE("of each command it is decided who may have it done through the web socket")
{
    web_world w;
    w.add("ann@configured.example");
    w.add("bob@configured.example");
    w.add("reader@configured.example", role::reader);
    w.add("operator@configured.example", role::operating);
    w.add("owner@configured.example", role::owner);
    auto const ann = w.sign_in("ann@configured.example");
    auto const reader = w.sign_in("reader@configured.example"), operating = w.sign_in("operator@configured.example"),
               owner = w.sign_in("owner@configured.example");
    std::size_t known = 0;
    for (auto const& c : commands()) {
        CAPTURE(c.name);
        CHECK(c.web.whom != admission::kind::undecided);
        auto const found = decided.find(c.name);
        CHECK_MESSAGE(found != decided.end(), "a command without a decision in this table");
        if (found == decided.end()) continue;
        ++known;
        json::object const about_bob{{"address", "bob@configured.example"}};
        bool const needs_no_account = c.web.whom == admission::kind::anyone;
        decision const now{w.gets_through({}, c, {}), w.gets_through(ann, c, {}), w.gets_through(reader, c, about_bob),
                           w.gets_through(operating, c, about_bob), w.gets_through(owner, c, about_bob)};
        CHECK(now == found->second);
        // With an address, an account asks as if for somebody else, also for its own.
        if (!needs_no_account) {
            CHECK_FALSE(w.gets_through(ann, c, about_bob));
            CHECK_FALSE(w.gets_through(ann, c, {{"address", "ann@configured.example"}}));
            CHECK_FALSE(w.gets_through(ann, c, {{"address", nullptr}}));
        }
    }
    CHECK(known == decided.size());
}

TEST_CASE("what is not in the table is nobody's")
{
    web_world w;
    w.add("owner@configured.example", role::owner);
    auto const owner = w.sign_in("owner@configured.example");
    command const fresh{"new thing", needs::nothing, effect::looks};
    CHECK_FALSE(w.gets_through(owner, fresh, {}));
    CHECK(is(w.ask(owner, "new thing", {}), failure::kind::usage));
}

TEST_CASE("an account's own affairs are its own, and nobody else's")
{
    web_world w;
    w.add("ann@configured.example");
    w.add("bob@configured.example");
    auto const ann = w.sign_in("ann@configured.example");
    auto const shown = w.ask(ann, "account show", {});
    REQUIRE(shown);
    CHECK(shown->as_object().at("address") == "ann@configured.example");
    auto const other = w.ask(ann, "account show", {{"address", "bob@configured.example"}});
    REQUIRE(is(other, failure::kind::forbidden));
    CHECK(other.error().rule == "web-not-allowed");
    auto const made = w.ask(ann, "account app-password add", {{"label", "phone"}});
    REQUIRE(made);
    CHECK(made->as_object().at("created_by") == "account");
    CHECK(w.must("account app-password list", {{"address", "bob@configured.example"}}).as_array().empty());
    // By its number it is not somebody else's either.
    auto const bob = w.sign_in("bob@configured.example");
    CHECK_FALSE(w.ask(bob, "account app-password revoke", {{"id", made->as_object().at("id")}}));
    CHECK(w.ask(ann, "account app-password revoke", {{"id", made->as_object().at("id")}}));
    CHECK(is(w.ask({}, "account show", {}), failure::kind::signed_out));
    CHECK(is(w.ask("made up", "account show", {}), failure::kind::signed_out));
}

TEST_CASE("who may act on others does not act on those who may do so too")
{
    web_world w;
    w.add("ann@configured.example");
    w.add("reader@configured.example", role::reader);
    w.add("owner@configured.example", role::owner);
    w.add("operator@configured.example", role::operating);
    w.must("account alias add", {{"address", "owner@configured.example"}, {"alias", "boss@configured.example"}});
    auto const operating = w.sign_in("operator@configured.example"), owner = w.sign_in("owner@configured.example");
    for (char const* spared : {"owner@configured.example", "OWNER@Configured.Example", "reader@configured.example",
                               "operator@configured.example"}) {
        CAPTURE(spared);
        CHECK(is(w.ask(operating, "account password", {{"address", spared}, {"password", "mine now"}}),
                 failure::kind::forbidden));
        CHECK(is(w.ask(operating, "account app-password add", {{"address", spared}, {"label", "x"}}),
                 failure::kind::forbidden));
    }
    for (char const* spared : {"owner@configured.example", "boss@configured.example", "boss+x@configured.example"})
        CHECK(is(w.ask(operating, "forward add", {{"address", spared}, {"target", "eve@elsewhere.example"}}),
                 failure::kind::forbidden));
    // Nor does it let others be them.
    for (char const* name : {"owner@configured.example", "Boss@Configured.Example", "boss+x@configured.example"}) {
        CAPTURE(name);
        CHECK(is(w.ask(operating, "account send-as add", {{"address", "ann@configured.example"}, {"sender", name}}),
                 failure::kind::forbidden));
        CHECK(is(w.ask(operating, "account alias add", {{"address", "ann@configured.example"}, {"alias", name}}),
                 failure::kind::forbidden));
    }
    json::object const domain{{"address", "ann@configured.example"}, {"sender", "@configured.example"}};
    CHECK(is(w.ask(operating, "account send-as add", domain), failure::kind::forbidden));
    CHECK(w.ask(owner, "account send-as add", domain));
    for (char const* sender : {"list@configured.example", "ann@elsewhere.example"})
        CHECK(w.ask(operating, "account send-as add", {{"address", "ann@configured.example"}, {"sender", sender}}));
    CHECK(w.ask(operating, "account alias add", {{"address", "ann@configured.example"}, {"alias", "a@b.example"}}));
    CHECK(w.ask(operating, "account disable", {{"address", "ann@configured.example"}}));
    CHECK(w.ask(owner, "account disable", {{"address", "operator@configured.example"}}));
}

TEST_CASE("nobody locks himself out through the web pages")
{
    web_world w;
    w.add("owner@configured.example", role::owner);
    w.add("ann@configured.example");
    auto const owner = w.sign_in("owner@configured.example");
    auto const deny = [&](char const* network) { return w.ask(owner, "guard deny", {{"network", network}}); };
    for (char const* held : {"0.0.0.0/0", "192.0.2.0/24", "192.0.2.7"}) CHECK(is(deny(held), failure::kind::usage));
    CHECK(deny("198.51.100.0/24"));
    w.must("guard allow", {{"network", "192.0.2.0/24"}});
    CHECK(deny("0.0.0.0/0"));  // what is listed more closely goes on
    CHECK(is(deny("192.0.2.7"), failure::kind::usage));
    json::object const gone{{"address", "owner@configured.example"}, {"role", "none"}};
    CHECK(is(w.ask(owner, "account role", gone), failure::kind::problem));
    CHECK(w.ask(owner, "account role", {{"address", "ann@configured.example"}, {"role", "owner"}}));
    w.must("account role", gone);
}

TEST_CASE("a visit ends when the account is not what it was")
{
    web_world w;
    struct {
        char const* command;
        json::object more;
    } const changes[] = {
        {"account password", {{"password", "another one"}}},
        {"account disable", {}},
        {"account role", {{"role", "reader"}}},
        {"account remove", {}},
    };
    int n = 0;
    for (auto const& change : changes) {
        CAPTURE(change.command);
        auto const address = "ann" + std::to_string(++n) + "@configured.example";
        w.add(address);
        auto const token = w.sign_in(address);
        REQUIRE(w.ask(token, "account show", {}));
        auto given = change.more;
        given["address"] = address;
        w.must(change.command, given);
        CHECK(is(w.ask(token, "account show", {}), failure::kind::signed_out));
        CHECK(w.visits->list(address, {}, wall_clock::now()).empty());
    }
    // Also when it was another process that changed it.
    w.add("bob@configured.example", role::owner);
    auto const token = w.sign_in("bob@configured.example");
    REQUIRE(w.ask(token, "account list", {}));
    REQUIRE(w.accounts->set_role(**w.accounts->find_account("bob@configured.example"), role::none));
    CHECK(is(w.ask(token, "account list", {}), failure::kind::signed_out));
    CHECK(w.visits->size() == 0);
}

TEST_CASE("a page that follows events keeps nobody signed in")
{
    web_world w;
    w.add("ann@configured.example");
    auto const ann = w.sign_in("ann@configured.example");
    auto const used = [&] { return w.visits->look(ann, {}, wall_clock::now())->last_used; };
    auto const begun = used();
    static_cast<void>(w.ask(ann, "account events", {}));
    CHECK(used() == begun);
    auto const seen = w.ask(ann, "web session", {});
    REQUIRE(seen);
    CHECK(seen->as_object().at("login") == "ann@configured.example");
    CHECK(used() > begun);
}

TEST_CASE("SMTP AUTH that others switched off stays off")
{
    web_world w;
    w.add("ann@configured.example");
    auto const ann = w.sign_in("ann@configured.example");
    CHECK(w.ask(ann, "account smtp-auth", {{"on", false}}));
    CHECK(w.ask(ann, "account smtp-auth", {{"on", true}}));
    w.must("account smtp-auth", {{"address", "ann@configured.example"}, {"on", false}});
    CHECK(is(w.ask(ann, "account smtp-auth", {{"on", true}}), failure::kind::usage));
    // Nor by switching it off once more first.
    CHECK(w.ask(ann, "account smtp-auth", {{"on", false}}));
    CHECK(is(w.ask(ann, "account smtp-auth", {{"on", true}}), failure::kind::usage));
}

TEST_CASE("sessions are listed and ended by whose they are")
{
    web_world w;
    w.add("ann@configured.example");
    w.add("bob@configured.example");
    auto const here = w.sign_in("ann@configured.example"), there = w.sign_in("ann@configured.example");
    auto const bob = w.sign_in("bob@configured.example");
    auto const list = w.ask(here, "account session list", {});
    REQUIRE(list);
    REQUIRE(list->as_array().size() == 2);
    int marked = 0;
    for (auto const& s : list->as_array()) marked += s.as_object().at("here").as_bool() ? 1 : 0;
    CHECK(marked == 1);
    CHECK(json::serialize(*list).find(here) == std::string::npos);
    auto const id = w.ask(there, "web session", {})->as_object().at("id");
    CHECK_FALSE(w.ask(bob, "account session end", {{"id", id}}));
    CHECK_FALSE(w.ask(here, "account session end", {{"id", id}, {"all", true}}));
    CHECK(w.ask(here, "account session end", {{"id", id}}));
    CHECK(is(w.ask(there, "account show", {}), failure::kind::signed_out));
    w.sign_in("ann@configured.example");
    CHECK(w.ask(here, "account session end", {{"others", true}})->as_object().at("ended") == 1);
    CHECK(w.ask(here, "web sign-out", {}));
    CHECK(is(w.ask(here, "web session", {}), failure::kind::signed_out));
    CHECK(w.ask(bob, "web session", {}));
}

TEST_CASE("each change leaves a row in the audit log, and no secret in it")
{
    web_world w;
    w.context.caller.who = "root";
    w.context.caller.from = "/dev/pts/3";
    w.add("ann@configured.example");
    w.add("operator@configured.example", role::operating);
    auto const ann = w.sign_in("ann@configured.example"), operating = w.sign_in("operator@configured.example");
    w.must("account list");
    static_cast<void>(w.ask(ann, "account app-password add", {{"label", "phone"}}));
    static_cast<void>(w.ask(ann, "account disable", {{"address", "operator@configured.example"}}));
    static_cast<void>(
        w.ask(operating, "account password", {{"address", "ann@configured.example"}, {"password", "secret of ann"}}));
    static_cast<void>(w.ask({}, "account disable", {{"address", "ann@configured.example"}}));
    auto const rows = w.audit->list({});
    REQUIRE(rows);
    struct {
        char const *command, *who, *role, *from, *account, *outcome;
        bool own;
    } const expected[] = {
        {"account password", "operator@configured.example", "operator", "192.0.2.7", "ann@configured.example", "done",
         false},
        {"account disable", "ann@configured.example", "none", "192.0.2.7", "operator@configured.example",
         "Your account may not do that", true},
        {"account app-password add", "ann@configured.example", "", "192.0.2.7", "ann@configured.example", "done", true},
        {"account role", "root", "", "/dev/pts/3", "operator@configured.example", "done", false},
        {"account add", "root", "", "/dev/pts/3", "operator@configured.example", "done", false},
        {"account add", "root", "", "/dev/pts/3", "ann@configured.example", "done", false},
    };
    REQUIRE(rows->size() == std::size(expected));
    for (std::size_t i = 0; i < rows->size(); ++i) {
        CAPTURE(i);
        auto const& row = (*rows)[i];
        CHECK(row.command == expected[i].command);
        CHECK(row.who == expected[i].who);
        CHECK(row.role == expected[i].role);
        CHECK(row.from == expected[i].from);
        CHECK(row.account == expected[i].account);
        CHECK(row.outcome == expected[i].outcome);
        CHECK(row.own == expected[i].own);
        for (char const* hidden : {"sesame", "secret of ann"}) CHECK(row.arguments.find(hidden) == std::string::npos);
    }
    CHECK(rows->front().arguments == "{\"address\":\"ann@configured.example\",\"password\":\"(secret)\"}");
    // And they can be read by whoever may.
    CHECK(w.ask(operating, "audit list", {{"limit", 3}})->as_array().size() == 3);
    CHECK(is(w.ask({}, "audit list", {}), failure::kind::signed_out));
}

TEST_CASE("what is nobody's to read is known by its name wherever it is")
{
    for (char const* name : {"password", "lines"}) CHECK(is_secret_argument(name));
    for (char const* name : {"address", "label", "role", ""}) CHECK_FALSE(is_secret_argument(name));
}
