// Conversations with the server half of Dovecot's protocol: C is what the client sends, S what
// it must read, ? what the session asks for, ! how the test answers that.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "dovecot/server_session.hpp"
#include "sasl/client_mechanism.hpp"

using namespace postern;
using namespace postern::dovecot;
namespace rules = catalogue::rules;

namespace {

server_options options()
{
    return {.process = 77,
            .connection = 5,
            .cookie = "c00c1e",
            .mechanisms = {"SCRAM-SHA-256", "CRAM-MD5", "OAUTHBEARER", "PLAIN", "LOGIN"},
            .host = "mail.example",
            .most_requests = 3};
}

/// Answers each question as a directory that knows ann with the password "pw" would.
class player {
public:
    explicit player(server_options o) : session(std::move(o)) {}

    server_session session;
    std::vector<std::string> asked;
    bool unsure = false;  // whose keys they are

    std::string say(std::string_view octets)
    {
        input_.append(octets);
        for (;;) {
            std::string_view in{input_};
            auto e = session.on_input(in);
            input_.erase(0, input_.size() - in.size());
            if (std::holds_alternative<nothing>(e)) break;
            settle(std::move(e));
        }
        return std::exchange(session.output(), {});
    }

private:
    void settle(event e)
    {
        while (auto* const q = std::get_if<question>(&e)) e = answer(*q);
        auto const* const f = std::get_if<failure>(&e);
        if (f == nullptr) return;
        asked.push_back(std::string{"refused "} + std::string{f->why->name});
        session.fail(f->ticket, catalogue::make_verdict(*f->why), "ID.1");
    }

    event answer(question& q)
    {
        if (auto const* v = std::get_if<sasl::verify_password>(&q.what)) {
            asked.push_back("password of " + v->authcid);
            if (v->authcid == "down") return session.refuse(q.ticket, rules::auth_unavailable);
            if (v->authcid == "off") return session.refuse(q.ticket, rules::auth_account_disabled);
            if (v->authcid == "web") return session.refuse(q.ticket, rules::auth_smtp_off);
            if (v->authcid != "ann" || v->password.reveal() != "pw")
                return session.refuse(q.ticket, rules::auth_failed);
            session.succeed(q.ticket, "ann@example.org");
            return nothing{};
        }
        if (auto const* v = std::get_if<sasl::verify_token>(&q.what)) {
            asked.push_back("token of " + v->identity);
            return session.on_token_refused(q.ticket, "{\"status\":\"invalid_token\"}");
        }
        if (auto const* v = std::get_if<sasl::context_step>(&q.what)) return step_context(q.ticket, *v);
        if (auto const* v = std::get_if<sasl::accepted>(&q.what)) {
            asked.push_back("login of " + v->authcid);
            session.succeed(q.ticket, v->authcid);
            return nothing{};
        }
        if (std::holds_alternative<sasl::fetch_scram>(q.what) && unsure)
            return session.on_scram(q.ticket, {.salt = "saltsalt",
                                               .iterations = 4096,
                                               .stored_key = std::string(32, 's'),
                                               .server_key = std::string(32, 'k'),
                                               .unsure = true});
        asked.emplace_back("something else");
        return session.refuse(q.ticket, rules::auth_unavailable);
    }

    /// A Kerberos library that wants one more token, and protects nothing.
    event step_context(std::uint64_t ticket, sasl::context_step const& step)
    {
        using state = sasl::context_answer::state;
        asked.push_back("context: " + step.octets);
        sasl::context_answer a{.what = state::done, .octets = step.octets};
        if (step.what == sasl::context_step::kind::begin) a.what = state::more;
        if (step.what == sasl::context_step::kind::go_on) {
            a = {.what = state::established, .octets = {}, .account = "ann@example.org"};
            if (step.octets != "two") a = {.what = state::refused, .note = "no good"};
        }
        return session.on_context(ticket, a);
    }

    std::string input_;
};

std::string plain(std::string_view name, std::string_view password)
{
    std::string text(1, '\0');
    text.append(name).append(1, '\0').append(password);
    return base64_encode(text);
}

constexpr std::string_view handshake_old = "VERSION\t1\t0\nCPID\t9\n";
constexpr std::string_view handshake_new = "VERSION\t1\t2\nCPID\t9\n";

}  // namespace

TEST_CASE("The greeting says what the server is and can")
{
    server_session s{options()};
    s.on_connect();
    CHECK(s.output() ==
          "VERSION\t1\t2\nMECH\tSCRAM-SHA-256\tmutual-auth\nMECH\tCRAM-MD5\tdictionary\tactive\n"
          "MECH\tOAUTHBEARER\tplaintext\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n"
          "SPID\t77\nCUID\t5\nCOOKIE\tc00c1e\nDONE\n");
}

TEST_CASE("A Kerberos ticket takes several steps, and may fail at each")
{
    auto o = options();
    o.mechanisms = {"GSSAPI"};
    auto const coded = [](std::string_view octets) { return base64_encode(octets); };
    player p{o};
    p.session.on_connect();
    CHECK(p.say("").find("MECH\tGSSAPI\tmutual-auth\n") != std::string::npos);
    p.say(handshake_new);
    // No initial response, and no TLS: nothing in it is of use to who listens.
    CHECK(p.say("AUTH\t1\tGSSAPI\tservice=imap\n") == "CONT\t1\t\n");
    CHECK(p.say("CONT\t1\t" + coded("one") + "\n") == "CONT\t1\t" + coded("one") + "\n");
    CHECK(p.say("CONT\t1\t" + coded("two") + "\n") == "CONT\t1\t" + coded({"\1\0\0\0", 4}) + "\n");
    CHECK(p.say("CONT\t1\t" + coded({"\1\0\0\0", 4}) + "\n") == "OK\t1\tuser=ann@example.org\n");
    CHECK(p.asked.back() == "login of ann@example.org");
    // The first token comes with the request; the second one is wrong.
    CHECK(p.say("AUTH\t2\tGSSAPI\tservice=imap\tresp=" + coded("one") + "\n") == "CONT\t2\t" + coded("one") + "\n");
    CHECK(p.say("CONT\t2\t" + coded("bad") + "\n") == "FAIL\t2\n");
    CHECK(p.asked.back() == "refused auth-ticket-refused");
    CHECK(p.say("AUTH\t3\tGSSAPI\tservice=imap\tresp==\n").starts_with("FAIL\t3\treason="));
    CHECK(p.session.requests() == 0);
}

TEST_CASE("One request and its answer")
{
    struct row {
        char const* name;
        std::string line;
        std::string answer;
    };
    std::string const auth = "AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=";
    row const rows[] = {
        {"right", auth + plain("ann", "pw"), "OK\t1\tuser=ann@example.org\n"},
        {"a mechanism in small letters", "AUTH\t1\tplain\tservice=smtp\tsecured=tls\tresp=" + plain("ann", "pw"),
         "OK\t1\tuser=ann@example.org\n"},
        {"words that nobody knows", "AUTH\t1\tPLAIN\tservice=smtp\tfoo\tbar=1\tsecured\tresp=" + plain("ann", "pw"),
         "OK\t1\tuser=ann@example.org\n"},
        {"wrong", auth + plain("ann", "x"), "FAIL\t1\tuser=ann\n"},
        {"a name with a tab", auth + plain("a\tb", "x"),
         "FAIL\t1\treason=The login did not have the form that its mechanism asks for (ID.1)\n"},
        {"switched off", auth + plain("off", "pw"),
         "FAIL\t1\tuser=off\tuser_disabled\tcode=user_disabled\treason=This account is switched off; ask the "
         "administrator (ID.1)\n"},
        {"may not send", auth + plain("web", "pw"),
         "FAIL\t1\tuser=web\tauthz\tcode=authz_fail\treason=Sending with a mail program is switched off for this "
         "account; ask the administrator (ID.1)\n"},
        {"nobody can tell", auth + plain("down", "pw"),
         "FAIL\t1\tuser=down\ttemp\tcode=temp_fail\treason=The password can't be checked at the moment; it may well "
         "be right, try again in a minute (ID.1)\n"},
        {"not base64", auth + "%%",
         "FAIL\t1\tcode=invalid_base64\treason=That part of the login was not valid base64 (ID.1)\n"},
        {"no TLS", "AUTH\t1\tPLAIN\tservice=smtp\tresp=" + plain("ann", "pw"),
         "FAIL\t1\treason=Encrypt before logging in: choose STARTTLS or SSL/TLS in the mail program (ID.1)\n"},
        {"a mechanism that is not offered", "AUTH\t1\tNTLM\tservice=smtp\tsecured",
         "FAIL\t1\treason=This server does not have that way of logging in; choose \"Normal password\" (ID.1)\n"},
        {"no response yet", "AUTH\t1\tLOGIN\tservice=smtp\tsecured", "CONT\t1\tVXNlcm5hbWU6\n"},
        {"CONT for nothing", "CONT\t8\tAAAA", "FAIL\t8\treason=There is no such log-in under way\n"},
        {"CANCEL for nothing", "CANCEL\t8", ""},
    };
    for (auto const& r : rows) {
        CAPTURE(r.name);
        player p{options()};
        p.say(handshake_new);
        CHECK(p.say(r.line + "\n") == r.answer);
        CHECK(p.session.broken().empty());
        // However the octets are cut.
        player q{options()};
        std::string all;
        for (char c : std::string{handshake_new} + r.line + "\n") all += q.say(std::string_view{&c, 1});
        CHECK(all == r.answer);
    }
}

TEST_CASE("What breaks the protocol ends the connection")
{
    std::string const endless(longest_line, 'x');
    std::string const auth = "AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=";
    struct row {
        std::string first, then;
    };
    row const rows[] = {
        {"VERSION\t2\t0\nCPID\t9\n", {}},
        {"VERSION\t1\nCPID\t9\n", {}},
        {"CPID\t9\n", {}},
        {"VERSION\t1\t2\nCPID\t0\n", {}},
        {"VERSION\t1\t2\nVERSION\t1\t2\n", {}},
        {"VERSION\t1\t2\nAUTH\t1\tPLAIN\tservice=smtp\n", {}},
        {"GET / HTTP/1.1\n", {}},
        {endless, {}},
        {std::string{handshake_new}, endless},
        {std::string{handshake_new}, endless + "\n"},
        {std::string{handshake_new}, "\n"},
        {std::string{handshake_new}, "NOOP\n"},
        {std::string{handshake_new}, "AUTH\t0\tPLAIN\tservice=smtp\n"},
        {std::string{handshake_new}, "AUTH\t4294967296\tPLAIN\tservice=smtp\n"},
        {std::string{handshake_new}, "AUTH\t-1\tPLAIN\tservice=smtp\n"},
        {std::string{handshake_new}, "AUTH\t1\n"},
        {std::string{handshake_new}, "AUTH\t1\tPLAIN\tresp=AA==\n"},
        {std::string{handshake_new}, auth + "AA==\tsecured\n"},
        {std::string{handshake_new}, "AUTH\t1\tLOGIN\tservice=smtp\tsecured\nAUTH\t1\tLOGIN\tservice=smtp\tsecured\n"},
        {std::string{handshake_new}, "CONT\n"},
        {std::string{handshake_new}, "CANCEL\tx\n"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.first.substr(0, 60));
        CAPTURE(r.then.substr(0, 60));
        player p{options()};
        p.say(r.first);
        if (!r.then.empty()) {
            CHECK(p.session.broken().empty());
            p.say(r.then);
        }
        CHECK_FALSE(p.session.broken().empty());
    }
}

TEST_CASE("Clients from before version 1.2")
{
    SUBCASE("an empty response is none")
    {
        player p{options()};
        p.say(handshake_old);
        CHECK(p.say("AUTH\t1\tLOGIN\tservice=smtp\tsecured\tresp=\n") == "CONT\t1\tVXNlcm5hbWU6\n");
    }
    SUBCASE("and from there on it is an empty one")
    {
        player p{options()};
        p.say(handshake_new);
        CHECK(p.say("AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=\n").starts_with("FAIL\t1\t"));
    }
    SUBCASE("show their user the reason")
    {
        player p{options()};
        p.say(handshake_old);
        CHECK(p.say("AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + plain("ann", "x") + "\n") ==
              "FAIL\t1\tuser=ann\treason=User name or password is wrong; the user name is the full mail address "
              "(ID.1)\n");
    }
    SUBCASE("are told \"not now\" by hanging up, since they take FAIL for a wrong password")
    {
        player p{options()};
        p.say(handshake_old);
        CHECK(p.say("AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + plain("down", "pw") + "\n").empty());
        CHECK(p.session.broken() == "not now");
    }
}

TEST_CASE("Several exchanges at a time, each for itself")
{
    player p{options()};
    p.say(handshake_new);
    CHECK(p.say("AUTH\t1\tLOGIN\tservice=smtp\tsecured\n") == "CONT\t1\tVXNlcm5hbWU6\n");
    CHECK(p.say("AUTH\t2\tLOGIN\tservice=imap\tsecured\n") == "CONT\t2\tVXNlcm5hbWU6\n");
    CHECK(p.say("CONT\t2\t" + base64_encode("ann") + "\n") == "CONT\t2\tUGFzc3dvcmQ6\n");
    CHECK(p.say("CONT\t1\t" + base64_encode("bob") + "\n") == "CONT\t1\tUGFzc3dvcmQ6\n");
    CHECK(p.say("CONT\t1\t" + base64_encode("pw") + "\n") == "FAIL\t1\tuser=bob\n");
    CHECK(p.say("CONT\t2\t" + base64_encode("pw") + "\n") == "OK\t2\tuser=ann@example.org\n");
    CHECK(p.session.requests() == 0);
    // Numbers may be used again.
    CHECK(p.say("AUTH\t1\tLOGIN\tservice=smtp\tsecured\n") == "CONT\t1\tVXNlcm5hbWU6\n");
    CHECK(p.say("CANCEL\t1\n").empty());
    CHECK(p.say("AUTH\t1\tLOGIN\tservice=smtp\tsecured\n") == "CONT\t1\tVXNlcm5hbWU6\n");
    CHECK(p.session.requests() == 1);
}

TEST_CASE("A response that nobody asked for ends its exchange")
{
    server_session s{options()};
    std::string line = std::string{handshake_new} +
                       "AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + plain("ann", "pw") + "\nCONT\t1\tAAAA\n";
    std::string_view in{line};
    auto const e = s.on_input(in);
    REQUIRE(std::holds_alternative<question>(e));
    CHECK(std::holds_alternative<nothing>(s.on_input(in)));
    CHECK(s.output() == "FAIL\t1\treason=Nobody asked for a response\n");
    s.output().clear();
    s.succeed(std::get<question>(e).ticket, "ann@example.org");
    CHECK(s.output().empty());
    CHECK(s.requests() == 0);
}

TEST_CASE("There is a limit to what is under way")
{
    player p{options()};
    p.say(handshake_new);
    for (char c : {'1', '2', '3'})
        CHECK(p.say(std::string{"AUTH\t"} + c + "\tLOGIN\tservice=smtp\tsecured\n").starts_with("CONT"));
    CHECK(p.say("AUTH\t4\tLOGIN\tservice=smtp\tsecured\n").starts_with("FAIL\t4\ttemp\tcode=temp_fail\t"));
    CHECK(p.session.requests() == 3);
    SUBCASE("and what nobody goes on with is forgotten")
    {
        p.session.sweep();
        CHECK(p.say("CONT\t2\t" + base64_encode("ann") + "\n").starts_with("CONT\t2\t"));
        p.session.sweep();
        CHECK(p.session.requests() == 1);
        CHECK(p.say("CONT\t1\tAAAA\n").starts_with("FAIL\t1\t"));
        CHECK(p.say("CONT\t2\t" + base64_encode("pw") + "\n") == "OK\t2\tuser=ann@example.org\n");
    }
}

TEST_CASE("A token that is not taken: the reason first, then the failure, however the client ends it")
{
    auto const token = base64_encode("n,,\001auth=Bearer abc\001\001");
    for (bool cancels : {false, true}) {
        player p{options()};
        p.say(handshake_new);
        CHECK(p.say("AUTH\t1\tOAUTHBEARER\tservice=smtp\tsecured\tresp=" + token + "\n") ==
              "CONT\t1\t" + base64_encode("{\"status\":\"invalid_token\"}") + "\n");
        auto const end = p.say(cancels ? "CANCEL\t1\n" : "CONT\t1\tAQ==\n");
        if (cancels)
            CHECK(end.empty());
        else
            CHECK(end == "FAIL\t1\n");
        CHECK(p.asked.back() == "refused auth-failed");
        CHECK(p.session.requests() == 0);
    }
}

TEST_CASE("What the client says of its own client")
{
    server_session s{options()};
    std::string const line = std::string{handshake_new} +
                             "AUTH\t1\tPLAIN\tservice=imap\tlip=192.0.2.1\trip=2001:db8::7\tlport=143\trport=999\t"
                             "secured=tls\tsession=a\001tb\tnologin\tresp=" +
                             plain("ann", "pw") + "\n";
    std::string_view in{line};
    auto const e = s.on_input(in);
    REQUIRE(std::holds_alternative<question>(e));
    auto const& f = s.find(std::get<question>(e).ticket)->facts;
    CHECK(f.service == "imap");
    CHECK(f.remote == ip_address::parse("2001:db8::7"));
    CHECK(f.remote_port == 999);
    CHECK(f.secured);
    CHECK(f.tls == "TLS");
    CHECK(f.session == "a\tb");
    CHECK(f.no_login);
    CHECK(s.client_process() == 9);
}

TEST_CASE("Passwords in the clear are taken from the networks that may send them so")
{
    auto o = options();
    o.plaintext_networks = {*network::parse("192.0.2.0/24")};
    std::string const end = "\tresp=" + plain("ann", "pw") + "\n";
    player p{std::move(o)};
    p.say(handshake_new);
    CHECK(p.say("AUTH\t1\tPLAIN\tservice=smtp\trip=192.0.2.9" + end).starts_with("OK"));
    CHECK(p.say("AUTH\t2\tPLAIN\tservice=smtp\trip=192.0.3.9" + end).starts_with("FAIL"));
    CHECK(p.say("AUTH\t3\tPLAIN\tservice=smtp" + end).starts_with("FAIL"));
    // What shows no secret needs no TLS.
    CHECK(p.say("AUTH\t4\tCRAM-MD5\tservice=smtp\n").starts_with("CONT\t4\t"));
}

TEST_CASE("A proof that does not fit what may be out of date is not wrong")
{
    player p{options()};
    p.unsure = true;
    p.say(handshake_new);
    auto c = sasl::make_client_mechanism("SCRAM-SHA-256", {"ann", "", secret{"pw"}}, {});
    auto const say = [&](std::string const& before, std::optional<std::string_view> challenge) {
        return p.say(before + base64_encode(std::get<sasl::respond>(c->step(challenge)).octets) + "\n");
    };
    auto const first = say("AUTH\t1\tSCRAM-SHA-256\tservice=smtp\tsecured\tresp=", std::nullopt);
    REQUIRE(first.starts_with("CONT\t1\t"));
    auto const challenge = base64_decode(std::string_view{first}.substr(7, first.size() - 8));
    REQUIRE(challenge);
    CHECK(say("CONT\t1\t", *challenge).starts_with("FAIL\t1\tuser=ann\ttemp\tcode=temp_fail\t"));
    CHECK(p.asked.back() == "refused auth-unavailable");
}
