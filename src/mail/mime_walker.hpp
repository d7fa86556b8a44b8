// Walks through the parts of a message (RFC 2046) as its octets come, in pieces cut anywhere, and tells
// a visitor what each of them is: header sections, leaves, and what is between them. All octets are
// told, in order and unchanged. Memory: one header section and one line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mail/content_type.hpp"
#include "mail/header_section.hpp"

namespace postern::mail {

enum class transfer_encoding : std::uint8_t { seven_bit, eight_bit, binary, quoted_printable, base64, other };

/// An entity that begins; views that are good while it is told.
struct mime_entity {
    std::string_view section;  // its header section, each field with its CRLF, without the empty line behind it
    std::vector<header_field> const& fields;
    content_type const& type;
    transfer_encoding how;
    std::size_t depth;  // how many multiparts it is in
    bool composite;     // it has parts, or is a message in the message
    bool blank_line;    // told next; else the body begins without
};

class mime_walker {
public:
    class visitor {
    public:
        virtual ~visitor() = default;
        virtual void on_header(mime_entity const& e) = 0;
        /// Of the leaf that began last.
        virtual void on_body(std::string_view octets) = 0;
        virtual void on_body_end() = 0;
        /// Empty lines behind header sections, delimiters, what stands before the first and behind the last.
        virtual void on_between(std::string_view octets) = 0;
    };

    explicit mime_walker(visitor& v) : visitor_(v) {}

    void add(std::string_view octets);
    void finish();
    /// Why nothing more was told; empty: all is well.
    std::string_view problem() const noexcept { return problem_; }
    /// How many entities there were.
    std::size_t entities() const noexcept { return entities_; }

private:
    enum class place : std::uint8_t { header, leaf, between };
    enum class delimiter : std::uint8_t { none, next, last };

    void take_line(std::string_view line, bool ended);
    void take_header_line(std::string_view line, bool ended);
    void end_header(bool blank_line);
    delimiter match(std::string_view line, std::size_t& depth) const;
    void tell(std::string_view octets);
    void leave_leaf();
    void fail(std::string_view why);

    visitor& visitor_;
    std::string line_;    // the one under way
    std::string header_;  // of the entity under way
    bool in_long_line_ = false;
    bool held_break_ = false;  // a line end that may belong to a delimiter
    place place_ = place::header;
    std::vector<std::string> boundaries_;
    std::size_t entities_ = 0;
    std::string_view problem_;
};

}  // namespace postern::mail
