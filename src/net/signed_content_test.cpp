#include "net/signed_content.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include <openssl/cms.h>

using namespace postern;

TEST_CASE("what is signed can be read again, and is known by the certificate")
{
    auto const folder = std::filesystem::temp_directory_path() / ("postern-signed-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    net::certificate_files const files{folder / "own.crt", folder / "own.key"};
    REQUIRE(net::ensure_self_signed(files, {"mail.example.test"}));

    std::string const text = "one\ntwo\r\nthree\0four";
    auto const made = net::sign_content(files, text);
    REQUIRE(made);
    BIO* const in = BIO_new_mem_buf(made->data(), static_cast<int>(made->size()));
    CMS_ContentInfo* const cms = d2i_CMS_bio(in, nullptr);
    REQUIRE(cms != nullptr);
    BIO* const out = BIO_new(BIO_s_mem());
    // Nobody vouches for it; the signature itself is right.
    CHECK(CMS_verify(cms, nullptr, nullptr, nullptr, out, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1);
    char* data = nullptr;
    auto const size = BIO_get_mem_data(out, &data);
    CHECK(std::string(data, static_cast<std::size_t>(size)) == text);
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    BIO_free(in);

    // A key of another one, and files that aren't there.
    net::certificate_files const other{folder / "other.crt", folder / "other.key"};
    REQUIRE(net::ensure_self_signed(other, {"mail.example.test"}));
    CHECK_FALSE(net::sign_content({files.chain, other.private_key}, text));
    CHECK_FALSE(net::sign_content({folder / "none", files.private_key}, text));
    CHECK_FALSE(net::sign_content({files.chain, folder / "none"}, text));
    std::filesystem::remove_all(folder);
}
