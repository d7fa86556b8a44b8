#include "help/centre.hpp"

#include <deque>
#include <functional>
#include <set>
#include <vector>

#include <doctest/doctest.h>
#include <pugixml.hpp>

#include "catalogue/rules.hpp"
#include "help/pages.hpp"
#include "setup/programs.hpp"

namespace postern::help {
namespace {

facts example()
{
    facts f;
    f.name = "Example Mail";
    f.contact = "help@example.com";
    f.server = "mail.example.com";
    f.implicit_port = 465;
    f.starttls_port = 587;
    f.imap = "imap.example.com:993";
    f.domain = "example.com";
    return f;
}

http::request get(std::string_view target)
{
    http::request r;
    auto const mark = target.find('?');
    r.path = target.substr(0, mark);
    if (mark != std::string_view::npos) r.query = target.substr(mark + 1);
    return r;
}

std::string body_of(std::string_view target, facts const& f = example())
{
    auto const r = answer(get(target), f);
    REQUIRE_MESSAGE(r.has_value(), target);
    return r->body;
}

/// Every page that there is, in one language.
std::vector<std::string> all_targets(std::string_view language)
{
    auto const lang = "?lang=" + std::string{language};
    std::vector<std::string> targets{"/" + lang,
                                     "/setup" + lang,
                                     "/help" + lang,
                                     "/what-is-smtp-auth" + lang,
                                     "/profile/0123abcd" + lang,
                                     "/help" + lang + "&said=0x800CCC92",
                                     "/help" + lang + "&said=no+such+thing",
                                     "/help" + lang + "&said=(K7Q2M9TX4WZA.1)",
                                     "/setup" + lang + "&address=ann%40example.com",
                                     "/setup" + lang + "&address=nonsense"};
    for (auto const& p : setup::all()) {
        targets.push_back("/setup/" + std::string{p.id} + lang);
        targets.push_back("/setup/" + std::string{p.id} + lang + "&how=starttls&address=ann%40example.com");
    }
    for (auto const& r : catalogue::all()) targets.push_back("/help/" + std::string{r.name} + lang);
    return targets;
}

void for_each_element(pugi::xml_node n, std::function<void(pugi::xml_node)> const& f)
{
    for (auto const child : n.children()) {
        if (child.type() == pugi::node_element) f(child);
        for_each_element(child, f);
    }
}

bool exists(std::string target)
{
    target = target.substr(0, target.find('#'));
    // Other rooms' pages.
    for (std::string_view const other : {"/account", "/why/"})
        if (target.starts_with(other)) return true;
    static std::set<std::string> known;
    if (known.contains(target)) return true;
    auto const r = answer(get(target), example());
    if (r && (r->status == 200 || r->status == 302)) known.insert(target);
    return known.contains(target);
}

/// What must hold of each page, whoever asked for it.
void check_page(std::string const& target, std::string const& body, std::string_view language)
{
    CAPTURE(target);
    CHECK(body.find('\x01') == std::string::npos);
    CHECK(body.ends_with("</html>\n"));
    pugi::xml_document page;
    auto const parsed = page.load_string(body.c_str(), pugi::parse_full);
    REQUIRE_MESSAGE(parsed, target << ": " << parsed.description() << " at "
                                   << body.substr(static_cast<std::size_t>(parsed.offset), 80));
    auto const html = page.child("html");
    CHECK(html.attribute("lang").value() == language);
    CHECK_FALSE(std::string_view{html.child("head").child("title").text().get()}.starts_with(" ·"));
    std::set<std::string> ids, labelled, fields;
    int level = 0, first_headings = 0;
    for_each_element(html, [&](pugi::xml_node e) {
        std::string_view const name = e.name();
        // The policy of the pages allows no style and no script but our own files (CSP).
        CHECK_FALSE(e.attribute("style"));
        for (auto const a : e.attributes()) CHECK_FALSE(std::string_view{a.name()}.starts_with("on"));
        if (name == "script") CHECK(e.attribute("src"));
        if (auto const id = e.attribute("id")) CHECK_MESSAGE(ids.insert(id.value()).second, id.value());
        if (name == "label") labelled.insert(e.attribute("for").value());
        std::string_view const type = e.attribute("type").value();
        if ((name == "input" && type != "hidden") || name == "textarea") fields.insert(e.attribute("id").value());
        if (name == "img") CHECK(e.attribute("alt"));
        if (name == "a")
            CHECK_MESSAGE((e.attribute("href").value()[0] != '/' || exists(e.attribute("href").value())),
                          e.attribute("href").value());
        if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
            int const l = name[1] - '0';
            first_headings += l == 1;
            CHECK_MESSAGE(l <= level + 1, e.text().get());
            level = l;
        }
    });
    CHECK(first_headings == 1);
    CHECK(fields == labelled);
}

}  // namespace

TEST_CASE("every page is well-formed, filled, labelled, and leads to pages that exist")
{
    for (auto const& l : languages())
        for (auto const& target : all_targets(l.code)) check_page(target, body_of(target), l.code);
}

TEST_CASE("the pages that refuse a request are as good as the others, and say what the mail server said as text")
{
    int count = 0;
    for (auto const& p : pages()) {
        if (!p.name.starts_with("problem/")) continue;
        ++count;
        auto const* const why = catalogue::find(p.name.substr(8));
        REQUIRE(why != nullptr);
        auto const r = refuse(*why, 400, p.language, "<b>said</b>");
        check_page(std::string{p.name}, r.body, p.language);
        CHECK(r.body.find("&lt;b&gt;said&lt;/b&gt;") != std::string::npos);
        CHECK(http::find(r.fields, "content-language") == p.language);
    }
    CHECK(count >= 2 * 18);
}

TEST_CASE("what a stranger writes is shown as text, wherever it stands")
{
    std::string const evil = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%27%26";
    for (std::string const target : {"/?address=", "/setup?address=", "/setup/thunderbird?address=", "/help?said=",
                                     "/help?program=", "/setup?lang=", "/setup/mutt?how=", "/help?said=x&program=",
                                     "/help?said=x&how=", "/setup/php?address=a%27b%40example.com&lang="}) {
        auto const body = body_of(target + evil);
        CAPTURE(target);
        CHECK(body.find("<script>") == std::string::npos);
        CHECK(body.find("\">\"") == std::string::npos);
        check_page(target, body, "en");
    }
    auto r = get("/setup");
    r.fields = {
        {"user-agent", "<script>Windows</script>"}, {"accept-language", "<b>"}, {"sec-ch-ua-platform", "\"><i>"}};
    CHECK(answer(r, example())->body.find("<script>W") == std::string::npos);
    CHECK(explain_refusal(get("/why/x"), example(), "\"><script>", nullptr).body.find("<script>") == std::string::npos);
    auto f = example();
    f.name = f.contact = f.server = f.imap = f.domain = "<script>\"'&";
    for (std::string const target : {"/", "/setup", "/setup/thunderbird", "/setup/mutt", "/help"})
        CHECK(body_of(target, f).find("<script>\"") == std::string::npos);
}

TEST_CASE("the reader's values stand in the guide, and nothing is said of the mailbox")
{
    auto const body = body_of("/setup/thunderbird?address=ann%40example.com");
    CHECK(body.find(">ann@example.com<") != std::string::npos);
    CHECK(body.find(">mail.example.com<") != std::string::npos);
    CHECK(body.find(">465<") != std::string::npos);
    CHECK(body.find("ann%40example.com") != std::string::npos);  // in the links
    auto const other = body_of("/setup/thunderbird?address=bob%40example.com");
    std::string same = body;
    for (auto at = same.find("ann"); at != std::string::npos; at = same.find("ann", at + 1)) {
        bool const value = same.compare(at, 4, "ann@") == 0 || same.compare(at, 6, "ann%40") == 0;
        if (value) same.replace(at, 3, "bob");
    }
    CHECK(same == other);
}

TEST_CASE("the port follows what the server listens on and the program can")
{
    auto f = example();
    CHECK(body_of("/setup/outlook2010", f).find("how=starttls") != std::string::npos);
    CHECK(body_of("/setup/outlook2010?how=starttls", f).find(">587<") != std::string::npos);
    CHECK(body_of("/setup/go", f).find("mail.example.com:587") != std::string::npos);  // STARTTLS only
    f.starttls_port = 0;
    CHECK(body_of("/setup/outlook2010?how=starttls", f).find(">465<") != std::string::npos);
    CHECK(body_of("/setup/go", f).find("notice beware") != std::string::npos);
    f = example();
    f.implicit_port = 0;
    CHECK(body_of("/setup/outlook2010", f).find(">587<") != std::string::npos);
}

TEST_CASE("programs are found by loose names, failures by id")
{
    auto r = get("/setup/Outlook 2010 on Windows?lang=de");
    CHECK(http::find(answer(r, example())->fields, "location") == "/setup/outlook2010?lang=de");
    CHECK(http::find(answer(get("/help/d-69"), example())->fields, "location") == "/help/auth-failed");
    CHECK(answer(get("/help/nonsense"), example())->status == 404);
    CHECK(answer(get("/help/nonsense"), example())->body.ends_with("</html>\n"));
    CHECK(answer(get("/setup/nonsense"), example())->status == 404);
    CHECK_FALSE(answer(get("/elsewhere"), example()).has_value());
    CHECK_FALSE(answer(get("/help/a/b"), example()).has_value());
}

TEST_CASE("the list has every program, in every language")
{
    for (auto const& l : languages()) {
        auto const body = body_of("/setup?lang=" + std::string{l.code});
        for (auto const& p : setup::all())
            CHECK_MESSAGE(body.find("\"/setup/" + std::string{p.id} + '?') != std::string::npos, p.id);
    }
}

TEST_CASE("the reader's own system comes first")
{
    struct row {
        std::string_view field, value, first;
    };
    for (auto const& t :
         std::vector<row>{{"user-agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", "/setup/iphone"},
                          {"user-agent", "Mozilla/5.0 (Linux; Android 14; Pixel 8)", "/setup/android-gmail"},
                          {"user-agent", "Mozilla/5.0 (X11; Linux x86_64)", "/setup/evolution"},
                          {"sec-ch-ua-platform", "\"Windows\"", "/setup/outlook2016"}}) {
        auto r = get("/setup");
        r.fields.emplace_back(t.field, t.value);
        auto const body = answer(r, example())->body;
        auto const yours = body.find("For this device"), others = body.find("For other devices");
        auto const program = body.find(std::string{"href=\""} + std::string{t.first});
        CAPTURE(t.first);
        CHECK(yours < program);
        CHECK(program < others);
        r.path = "/";
        CHECK(answer(r, example())->body.find(t.first) != std::string::npos);
    }
}

TEST_CASE("a refusal that tells something looks like an id that nobody knows")
{
    auto const r = get("/why/K7Q2M9TX4WZA.1");
    auto const unknown = explain_refusal(r, example(), "K7Q2M9TX4WZA.1", nullptr);
    CHECK(unknown.status == 200);
    CHECK(unknown.body.find("K7Q2M9TX4WZA.1") != std::string::npos);
    CHECK(unknown.body.find("/account#/why/K7Q2M9TX4WZA.1\"") != std::string::npos);
    check_page("/why/", unknown.body, "en");
    auto const known = explain_refusal(r, example(), "K7Q2M9TX4WZA.1", &catalogue::rules::message_too_big);
    check_page("/why/", known.body, "en");
    CHECK(known.body.find("What you can do") != std::string::npos);
    CHECK(known.body != unknown.body);
}

TEST_CASE("pasted errors lead to the rows that they mean")
{
    struct row {
        std::string_view said, rule;
    };
    for (auto const& t :
         std::vector<row>{{"Send test e-mail message: 0x800CCC78", "auth-required"},
                          {"535 5.7.8 Error: authentication failed", "auth-failed"},
                          {"The server said: 530-5.7.0 Authentication Required", "auth-required"},
                          {"D-69", "auth-failed"},
                          {"auth-failed", "auth-failed"},
                          {"Login to server mail.example.com with username ann failed.", "auth-failed"},
                          {"User name or password is wrong; the user name is the full mail address (K7Q2M9TX4WZA.1)",
                           "auth-failed"}}) {
        http::request r = get("/help");
        r.query = "said=" + http::percent_encoded(t.said);
        auto const body = answer(r, example())->body;
        auto const found = body.find("id=\"found\"");
        CAPTURE(t.said);
        REQUIRE(found != std::string::npos);
        auto const link = body.find("/help/" + std::string{t.rule}, found);
        CHECK(link < body.find("<details"));
    }
    CHECK(body_of("/help?said=see+https://mail.example.com/why/K7Q2M9TX4WZA.1").find("\"/why/K7Q2M9TX4WZA.1") !=
          std::string::npos);
}

TEST_CASE("reply codes and errors are found as they are written, ports are not taken for codes")
{
    auto const leads_to = [](std::string_view said, std::string_view rule) {
        http::request r = get("/help");
        r.query = "said=" + http::percent_encoded(said);
        auto const body = answer(r, example())->body;
        auto const found = body.find("id=\"found\"");
        return found != std::string::npos && body.find("/help/" + std::string{rule}, found) < body.find("<details");
    };
    CHECK(leads_to("530", "auth-required"));
    CHECK(leads_to("(535)", "auth-failed"));
    CHECK(leads_to("Mail can\u2019t verify the identity of the server", "certificate-unknown-issuer"));
    CHECK(leads_to("800CCC92", "auth-failed"));
    CHECK(body_of("/help?said=port+587").find("id=\"found\" class=\"notice\"") != std::string::npos);
}

TEST_CASE("whose address is of another domain is told so, with the settings of that provider where they are known")
{
    auto f = example();
    CHECK(body_of("/setup/thunderbird?address=bob%40gmail.com", f).find("does not send for") == std::string::npos);
    f.foreign = "gmail.com";
    for (auto const& l : languages()) {
        auto const target = "/setup/thunderbird?address=bob%40gmail.com&lang=" + std::string{l.code};
        auto const body = body_of(target, f);
        check_page(target, body, l.code);
        CHECK(body.find("<b>gmail.com</b>") != std::string::npos);
        CHECK(body.find("<code>smtp.gmail.com</code>") != std::string::npos);
    }
    f.foreign = "nobody-knows.example";
    auto const unknown = body_of("/setup?address=bob%40nobody-knows.example", f);
    CHECK(unknown.find("does not send for <b>nobody-knows.example</b>") != std::string::npos);
    CHECK(unknown.find("smtp.gmail.com") == std::string::npos);
}

TEST_CASE("what goes wrong between a program and the server names this server, what goes wrong later does not")
{
    CHECK(body_of("/help").find("of mail.example.com; port 465 is open") != std::string::npos);
    CHECK(body_of("/setup/k9").find("of mail.example.com; port 465 is open") != std::string::npos);
    CHECK(body_of("/help").find("mail.example.com lets new senders wait") == std::string::npos);
    // Outlook's many versions are one line, and so are its numbers that mean the same.
    auto const failed = body_of("/help/auth-failed");
    CHECK(failed.find("Outlook, all versions") != std::string::npos);
    CHECK(failed.find("/setup/outlook2007") == std::string::npos);
    CHECK(body_of("/help/message-too-big").find("slanted") == std::string::npos);
}

TEST_CASE("a guide shows how an account is added, and which fields it takes for optional")
{
    auto const phone = body_of("/setup/iphone");
    CHECK(phone.find(">imap.example.com<") != std::string::npos);
    CHECK(phone.find("class=\"hint\"") != std::string::npos);
    auto f = example();
    f.imap.clear();
    CHECK(body_of("/setup/iphone", f).find(">your incoming server<") != std::string::npos);
    auto const outlook = body_of("/setup/outlook2010");
    for (std::string_view const part :
         {"Internet E-mail Settings", ">Connection<", "Log on using", "Test Account Settings",
          "Send test e-mail message", "Press <strong>Finish</strong>", "/setup/outlook2007"})
        CHECK_MESSAGE(outlook.find(part) != std::string::npos, part);
}

TEST_CASE("languages: the chosen one, else the browser's, else English")
{
    auto r = get("/");
    CHECK(http::find(answer(r, example())->fields, "content-language") == "en");
    r.fields.emplace_back("accept-language", "de-AT,de;q=0.9,en;q=0.5");
    CHECK(http::find(answer(r, example())->fields, "content-language") == "de");
    r.query = "lang=en";
    CHECK(http::find(answer(r, example())->fields, "content-language") == "en");
    CHECK(answer(r, example())->body.find("href=\"/setup?lang=en\"") != std::string::npos);
    r.query = "lang=xx";
    CHECK(http::find(answer(r, example())->fields, "content-language") == "de");
}

}  // namespace postern::help
