// Users of another program's file: found at once, new ones soon, and none lost by a bad file.
#include <fstream>

#include <doctest/doctest.h>

#include "directory/passwd_file.hpp"
#include "directory/test_directory.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

using kind = file_format::kind;

// Of "sesame"; doveadm pw, openssl passwd.
constexpr char const* salted = "{SSHA256}XHl1Kvqvwi2s6ie6EBgjWr+m4i7n2JFQCDKD7dxqoJmKDpYy";
constexpr char const* apache = "$apr1$abcdefgh$GQVaHFsauSKl0cgw4bVFJ/";
constexpr char const* crypt5 = "$5$rounds=1000$saltstring$4DN9/NvRGbFHnGzf7.OdsnJBRfN3.KiuGUWwyNsbMS0";

struct world {
    folder where;
    std::filesystem::path file = where.path() / "users";
    file_format format;

    void write(std::string const& text) const
    {
        std::ofstream out{where.path() / "next", std::ios::binary};
        out << text;
        out.close();
        std::filesystem::rename(where.path() / "next", file);
    }
    std::unique_ptr<backend> open() const
    {
        options o;
        o.folder = where.path();
        o.hash_threads = 1;
        o.configured_domains = {"example.org"};
        backend_options b;
        b.name = "office";
        b.type = "files";
        b.path = file;
        b.format = format;
        o.backends.push_back(std::move(b));
        auto d = open_embedded(std::move(o));
        if (!d) FAIL(d.error().logged);
        return std::move(*d);
    }
};

}  // namespace

TEST_CASE("users of a file log in, receive and send; the database's own come first")
{
    world w;
    w.write(std::string{"# users\nann@example.org:"} + salted + ":1000:1000::/home/ann::quota=1G\n" +
            "bob@example.org:{PLAIN}sesame\n" + "gone@example.org:" + salted + "::::::nologin=yes\n" +
            "far@example.org:" + salted + "::::::allow_nets=192.0.2.0/24\n" + "locked@example.org:!\n" +
            "old@example.org:{DES-CRYPT}abJnggxhB/yWI\n" + "own@example.org:{PLAIN}file\n");
    auto d = w.open();
    REQUIRE(d->add_account(address("own@example.org"), secret{"database"}));

    for (auto name : {"ann@example.org", "Bob@Example.Org"}) {
        CHECK(log_in(*d, name, "sesame").state == login_state::accepted);
        CHECK(log_in(*d, name, "sesamf").state == login_state::bad_credentials);
        CHECK(log_in(*d, name, "sesame").cause.starts_with("cached"));
    }
    CHECK(log_in(*d, "gone@example.org", "sesame").state == login_state::disabled);
    for (auto name : {"far@example.org", "locked@example.org", "old@example.org", "nobody@example.org"}) {
        CHECK(log_in(*d, name, "sesame").state == login_state::bad_credentials);
        CHECK(*d->find_account(name) == nullptr);
    }
    CHECK(log_in(*d, "own@example.org", "database").state == login_state::accepted);
    CHECK(log_in(*d, "own@example.org", "file").state == login_state::bad_credentials);

    auto const ann = *d->find_account("ann@example.org");
    REQUIRE(ann);
    CHECK(ann->scheme == "SSHA256");
    CHECK(*d->may_send_as(*ann, address("ann+shop@example.org")));
    CHECK_FALSE(*d->may_send_as(*ann, address("bob@example.org")));
    REQUIRE(*d->find_recipient(address("ann+shop@example.org")));
    CHECK((*d->find_recipient(address("ann+shop@example.org")))->address == "ann@example.org");
    CHECK(*d->find_recipient(address("nobody@example.org")) == nullptr);

    auto const health = d->backends();
    REQUIRE(health.size() == 1);
    CHECK(health[0].name == "office");
    CHECK(health[0].up);
    CHECK(health[0].detail == "4 users");
}

TEST_CASE("a changed file counts soon; a bad or missing one leaves the old one in force and says why")
{
    world w;
    w.write(std::string{"ann@example.org:"} + salted + "\nbob@example.org:" + salted + "\n");
    auto d = w.open();
    CHECK(log_in(*d, "ann@example.org", "sesame").state == login_state::accepted);
    CHECK(*d->find_recipient(address("bob@example.org")));

    w.write("ann@example.org:{PLAIN}other\n");
    CHECK(eventually([&] { return log_in(*d, "ann@example.org", "other").state == login_state::accepted; }));
    CHECK(log_in(*d, "ann@example.org", "sesame").state == login_state::bad_credentials);
    CHECK(*d->find_account("bob@example.org") == nullptr);
    CHECK(eventually([&] { return *d->find_recipient(address("bob@example.org")) == nullptr; }));

    w.write("ann@example.org:{PLAIN}third\nno colon\n");
    CHECK(eventually([&] { return d->backends()[0].detail.find("line 2: ") != std::string::npos; }));
    CHECK(log_in(*d, "ann@example.org", "other").state == login_state::accepted);
    CHECK(d->backends()[0].up);

    std::filesystem::remove(w.file);
    CHECK(eventually([&] { return d->backends()[0].detail.find("No such file") != std::string::npos; }));
    CHECK(log_in(*d, "ann@example.org", "other").state == login_state::accepted);

    w.write("cid@example.org:{PLAIN}fourth\n");
    CHECK(eventually([&] { return log_in(*d, "cid@example.org", "fourth").state == login_state::accepted; }));
    CHECK(d->backends()[0].detail == "1 users");
}

TEST_CASE("a file that was never read is an outage, not an unknown user")
{
    world w;
    auto d = w.open();
    REQUIRE(d->add_account(address("own@example.org"), secret{"sesame"}));
    CHECK_FALSE(d->backends()[0].up);
    auto const l = log_in(*d, "ann@example.org", "sesame");
    CHECK(l.state == login_state::unsure);
    CHECK(l.cause.find("office") != std::string::npos);
    CHECK_FALSE(d->find_recipient(address("ann@example.org")));
    CHECK(log_in(*d, "own@example.org", "sesame").state == login_state::accepted);

    w.write(std::string{"ann@example.org:"} + salted + "\n");
    CHECK(eventually([&] {
        auto const again = try_log_in(*d, "ann@example.org", "sesame");
        return again && again->state == login_state::accepted;
    }));
}

TEST_CASE("htpasswd and shadow: names without a domain, locked and expired users")
{
    world w;
    w.format.domain = "example.org";
    SUBCASE("htpasswd")
    {
        w.format.what = kind::htpasswd;
        w.write(std::string{"ann:"} + apache + "\nbob:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=\n");
        auto d = w.open();
        for (auto name : {"ann", "ann@example.org", "bob", "BOB@example.org"})
            CHECK(log_in(*d, name, "sesame").state == login_state::accepted);
        CHECK(log_in(*d, "ann@example.com", "sesame").state == login_state::bad_credentials);
        CHECK(log_in(*d, "ann", "sesame").who->address == "ann@example.org");
    }
    SUBCASE("shadow")
    {
        w.format.what = kind::shadow;
        w.write(std::string{"root:*:19000:0:99999:7:::\nsystemd-network:!*:19000::::::\nann:"} + crypt5 +
                ":19000:0:99999:7:::\nbob:!" + crypt5 + ":19000:0:99999:7:::\ncid:" + crypt5 +
                ":19000:0:99999:7::19001:\ndan:" + crypt5 + ":19000:0:99999:7::99999:\n");
        auto d = w.open();
        CHECK(log_in(*d, "ann", "sesame").state == login_state::accepted);
        CHECK(log_in(*d, "bob", "sesame").state == login_state::bad_credentials);
        CHECK(log_in(*d, "cid", "sesame").state == login_state::disabled);
        CHECK(log_in(*d, "dan", "sesame").state == login_state::accepted);
        CHECK(log_in(*d, "root", "*").state == login_state::bad_credentials);
    }
}

TEST_CASE("users are imported from htpasswd and shadow, all or none")
{
    folder where;
    auto d = open(where, {"example.org"});
    std::vector<std::string> problems;
    file_format f;
    f.domain = "example.org";
    SUBCASE("htpasswd")
    {
        f.what = kind::htpasswd;
        CHECK(*d->import_accounts(std::string{"ann:"} + apache + "\nbob:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=\n", f,
                                  problems) == 2);
        CHECK(log_in(*d, "ann@example.org", "sesame").state == login_state::accepted);
    }
    SUBCASE("shadow: the system's own users stay out")
    {
        f.what = kind::shadow;
        CHECK(*d->import_accounts(std::string{"root:*:19000:0:99999:7:::\nann:"} + crypt5 + ":19000:0:99999:7:::\n", f,
                                  problems) == 1);
        CHECK(log_in(*d, "ann@example.org", "sesame").state == login_state::accepted);
    }
    SUBCASE("who may not log in there must not be able to here")
    {
        CHECK_FALSE(d->import_accounts(std::string{"a:"} + salted + "::::::nologin\nb:" + salted +
                                           "::::::allow_nets=192.0.2.1\nc:" + salted + "\n",
                                       f, problems));
        REQUIRE(problems.size() == 2);
        CHECK(problems[0].starts_with("line 1: a: may not log in"));
        CHECK(problems[1].starts_with("line 2: b: "));
        CHECK(d->list_accounts()->empty());
    }
    SUBCASE("hashes with a scheme said once for all")
    {
        f.scheme = "SHA256";
        CHECK(*d->import_accounts("a:0MBPSxlR5K6q7IIj7SA55ULzqugFpvp/bXlOWv/10nI=\nb:{PLAIN}x\n", f, problems) == 2);
        CHECK(log_in(*d, "a@example.org", "sesame").state == login_state::accepted);
    }
    CHECK((problems.empty() || problems.size() == 2));
}
