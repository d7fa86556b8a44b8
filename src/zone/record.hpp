// A record of the DNS as an operator publishes it. Text only; asks nobody.
#pragma once

#include <string>
#include <string_view>

namespace postern::zone {

enum class need { mail_arrives, mail_is_trusted, clients_find_us, encryption_holds };

struct record {
    std::string name;   // without trailing dot
    std::string type;   // "TXT"
    std::string value;  // of TXT: the text without quotes; else as a zone file has it
    zone::need what_for = need::mail_arrives;
    friend bool operator==(record const&, record const&) = default;
};

/// "example.com. IN TXT \"v=spf1 mx -all\"": a line of a zone file. Texts over 255 octets come in several
/// strings (RFC 1035 section 3.3.14).
std::string to_line(record const& r);

/// "example.com.": a name as a zone file has it.
std::string absolute(std::string_view name);

}  // namespace postern::zone
