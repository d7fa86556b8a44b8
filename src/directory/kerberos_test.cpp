// The Kerberos library with keytabs good and bad. What tickets do is tested against a real KDC
// (tests/e2e/test_kerberos.py).
#include "directory/kerberos.hpp"

#include <atomic>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <krb5.h>

#include "support/throw_away_folder.hpp"

// The library keeps a table of its error codes in memory that it never gives back.
extern "C" char const* __lsan_default_suppressions();
extern "C" char const* __lsan_default_suppressions() { return "leak:libgssapi_krb5\n"; }

using namespace postern;
using namespace postern::directory;
using state = sasl::context_answer::state;
using kind = sasl::context_step::kind;

namespace {

void add_keys(std::filesystem::path const& file, std::vector<std::string> const& principals)
{
    krb5_context library = nullptr;
    REQUIRE(krb5_init_context(&library) == 0);
    krb5_keytab keytab = nullptr;
    REQUIRE(krb5_kt_resolve(library, ("FILE:" + file.string()).c_str(), &keytab) == 0);
    for (auto const& name : principals) {
        krb5_keytab_entry e{};
        REQUIRE(krb5_parse_name(library, name.c_str(), &e.principal) == 0);
        e.vno = 1;
        REQUIRE(krb5_c_make_random_key(library, ENCTYPE_AES256_CTS_HMAC_SHA1_96, &e.key) == 0);
        REQUIRE(krb5_kt_add_entry(library, keytab, &e) == 0);
        krb5_free_keytab_entry_contents(library, &e);
    }
    krb5_kt_close(library, keytab);
    krb5_free_context(library);
}

struct fixture {
    testing::throw_away_folder folder;
    kerberos_options options;

    fixture()
    {
        options.keytab = folder.path() / "keytab";
        options.replays = folder.path() / "seen";
        options.rules.realms.push_back({"EXAMPLE.COM", "example.com"});
    }
};

result<kerberos_answer> begin(kerberos& k, std::string token)
{
    std::promise<result<kerberos_answer>> told;
    std::shared_ptr<kerberos_context> context;
    k.step(context, {kind::begin, std::move(token)}, [&](result<kerberos_answer> a) { told.set_value(std::move(a)); });
    return told.get_future().get();
}

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a keytab that can't be used is said to be one, in plain words")
{
    fixture f;
    CHECK(has(check_kerberos(f.options), "No such file"));
    std::filesystem::create_directory(f.options.keytab);
    CHECK(has(check_kerberos(f.options), "is no file"));
    std::filesystem::remove(f.options.keytab);
    std::ofstream{f.options.keytab} << "this is no keytab";
    CHECK(has(check_kerberos(f.options), "keytab"));
    std::filesystem::remove(f.options.keytab);
    add_keys(f.options.keytab, {"imap/mail.example.com@EXAMPLE.COM", "smtp@EXAMPLE.COM"});
    CHECK(has(check_kerberos(f.options), "no key of smtp/HOST, only of imap/mail.example.com@EXAMPLE.COM (kvno 1)"));
    add_keys(f.options.keytab, {"smtp/Mail.example.com@EXAMPLE.COM"});
    CHECK(check_kerberos(f.options).empty());
    f.options.hostname = "mail.example.com";
    CHECK(check_kerberos(f.options).empty());
    f.options.hostname = "mx.example.com";
    CHECK(has(check_kerberos(f.options), "no key of smtp/mx.example.com"));
    f.options.hostname.clear();
    std::filesystem::permissions(f.options.keytab, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    CHECK(has(check_kerberos(f.options), "everybody on this machine"));
}

TEST_CASE("without a keytab nothing is refused, only put off; and the file is looked at again")
{
    fixture f;
    kerberos k{f.options};
    CHECK_FALSE(k.usable());
    auto answer = begin(k, "garbage");
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code.temporary());
    CHECK(has(answer.error().logged, "No such file"));
    add_keys(f.options.keytab, {"smtp/mail.example.com@EXAMPLE.COM"});
    answer = begin(k, "garbage");
    REQUIRE(answer);
    CHECK(answer->what.what == state::defective);
    CHECK(k.usable());
    std::filesystem::remove(f.options.keytab);
    CHECK_FALSE(begin(k, "garbage"));
    CHECK_FALSE(k.usable());
}

TEST_CASE("more tickets than can wait are put off, and each is answered once")
{
    fixture f;
    add_keys(f.options.keytab, {"smtp/mail.example.com@EXAMPLE.COM"});
    constexpr int many = 2000;
    std::atomic<int> judged{0};
    std::atomic<int> put_off{0};
    {
        kerberos k{f.options};
        std::vector<std::shared_ptr<kerberos_context>> contexts(many);
        for (auto& c : contexts)
            k.step(c, {kind::begin, "garbage"}, [&](result<kerberos_answer> a) { ++(a ? judged : put_off); });
        // The end of it answers those that still wait.
    }
    CHECK(judged + put_off == many);
    CHECK(put_off > 0);
}
