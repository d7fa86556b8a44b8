#include "sendmail/options.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::sendmail;

namespace {

using words = std::vector<std::string>;

options good(words const& arguments, std::string const& program = "sendmail")
{
    auto o = parse_options(program, arguments);
    REQUIRE_MESSAGE(o.has_value(), o.error().logged);
    return *o;
}

}  // namespace

TEST_CASE("what PHP, cron, git and mail programs give")
{
    auto php = good({"-t", "-i"});
    CHECK(php.from_header);
    CHECK(php.dot_is_text);
    CHECK(php.recipients.empty());

    auto const wordpress = good({"-t", "-i", "-fwordpress@example.com"});
    CHECK(wordpress.sender == "wordpress@example.com");

    auto const cron = good({"-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root"});
    CHECK(cron.full_name == "CronDaemon");
    CHECK(cron.recipients == words{"root"});
    CHECK(cron.dot_is_text);
    CHECK_FALSE(cron.from_header);

    auto const git = good({"-i", "anna@example.com", "bert@example.net"});
    CHECK(git.recipients == words{"anna@example.com", "bert@example.net"});

    auto const mailx = good({"-oi", "-f", "anna@example.com", "-t"});
    CHECK(mailx.sender == "anna@example.com");
    CHECK(mailx.from_header);

    for (words const& dots : {words{"-O", "IgnoreDots=true"}, words{"-OIgnoreDots=True"}, words{"-O", "ignoredots"},
                              words{"-O", "IgnoreDots=y"}, words{"-oi"}})
        CHECK(good(dots).dot_is_text);
    for (words const& none : {words{"-O", "IgnoreDots=false"}, words{"-O", "DeliveryMode=b"}})
        CHECK_FALSE(good(none).dot_is_text);
    auto const old = good({"-em", "-c", "-ee", "root"});
    CHECK(old.recipients == words{"root"});

    auto const several = good({"-tiv", "-odb", "-om"});
    CHECK(several.from_header);
    CHECK(several.dot_is_text);
    CHECK(several.verbose);
}

TEST_CASE("modes")
{
    CHECK(good({}).mode == mode::deliver);
    CHECK(good({"-bm", "a@b.example"}).mode == mode::deliver);
    CHECK(good({"-bs"}).mode == mode::talk_smtp);
    CHECK(good({"-bp"}).mode == mode::list_queue);
    CHECK(good({}, "mailq").mode == mode::list_queue);
    CHECK(good({}, "newaliases").mode == mode::new_aliases);
    CHECK(good({"-bi"}).mode == mode::new_aliases);
    CHECK(good({"-q"}).mode == mode::run_queue);
    CHECK(good({"-q30m"}).mode == mode::run_queue);
    for (auto const* refused : {"-bd", "-bt", "-bv", "-bx", "-Z"}) CHECK_FALSE(parse_options("sendmail", {refused}));
}

TEST_CASE("senders, reports and the end of options")
{
    CHECK(good({"-f", "<>"}).sender == "");
    CHECK(good({"-f", ""}).sender == "");
    CHECK_FALSE(good({}).sender.has_value());
    CHECK(good({"-r", "a@b.example"}).sender == "a@b.example");
    CHECK(good({"--", "-odd@b.example"}).recipients == words{"-odd@b.example"});
    CHECK(good({"a@b.example", "--", "-t"}).recipients == words{"a@b.example", "-t"});
    auto const behind = good({"a@b.example", "-f", "me@c.example", "-i", "d@e.example"});
    CHECK(behind.recipients == words{"a@b.example", "d@e.example"});
    CHECK(behind.sender == "me@c.example");
    CHECK(behind.dot_is_text);
    CHECK(good({"a@b.example", "-"}).recipients == words{"a@b.example", "-"});

    auto const reports = good({"-N", "success,delay", "-R", "hdrs", "-V", "batch-7"});
    CHECK(reports.notify.success);
    CHECK(reports.notify.delay);
    CHECK_FALSE(reports.notify.failure);
    CHECK(reports.ret == mail::dsn_return::headers);
    CHECK(reports.envelope_id == "batch-7");
    CHECK(good({"-Nnever"}).notify.never);
    for (words const& refused :
         {words{"-N", "never,failure"}, words{"-N", "often"}, words{"-N", ""}, words{"-R", "x"}, words{"-f"}})
        CHECK_FALSE(parse_options("sendmail", refused));
}
