// The parameters behind the path of MAIL and RCPT, RFC 5321 section 4.1.2: keyword or
// keyword=value, separated by blanks.
#pragma once

#include <optional>
#include <string_view>

namespace postern::smtp {

struct parameter {
    std::string_view keyword;
    std::optional<std::string_view> value;
};

/// Goes through the text behind a path; `next` gives nothing at its end or when it is malformed.
class parameter_reader {
public:
    explicit parameter_reader(std::string_view text) : rest_(text) {}
    std::optional<parameter> next();
    bool malformed() const noexcept { return malformed_; }

private:
    std::string_view rest_;
    bool malformed_ = false;
};

}  // namespace postern::smtp
