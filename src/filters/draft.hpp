// A message that has come in whole and that nobody has accepted yet, open for changes: its header
// fields in memory, its body where it was written to. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mail/header_section.hpp"
#include "spool/spool.hpp"

namespace postern::filters {

class draft {
public:
    struct field {
        std::string octets;  // with the last CRLF
        bool ours = false;   // of this server: nobody else is shown it, or changes it
        std::string_view name() const noexcept;
        /// All behind the colon, without the last CRLF.
        std::string_view value() const noexcept;
    };

    /// Of content that begins with a header section and an empty line, as message_intake leaves it;
    /// its first field is ours (Received).
    static result<std::unique_ptr<draft>> open(std::unique_ptr<spool::content_writer> content,
                                               std::size_t header_limit);

    std::vector<field> const& fields() const noexcept { return fields_; }
    /// `at`: before the field that is there; beyond the end: at the end.
    void insert(std::size_t at, field f);
    void replace(std::size_t at, std::string octets);
    void remove(std::size_t at);
    /// The header section as it is now, without the empty line.
    std::string header() const;

    std::uint64_t body_size() const noexcept { return body_->size() - body_at_; }
    result<std::string> read_body(std::uint64_t offset, std::size_t limit) const
    {
        return body_->read(body_at_ + offset, limit);
    }
    /// All of it is body.
    void set_body(std::unique_ptr<spool::content_writer> body);

    bool changed() const noexcept { return changed_; }
    /// Where nothing was changed: the content as it came.
    std::unique_ptr<spool::content_writer> take() { return std::move(body_); }

private:
    draft(std::unique_ptr<spool::content_writer> content, std::uint64_t body_at)
        : body_(std::move(content)), body_at_(body_at)
    {
    }

    std::unique_ptr<spool::content_writer> body_;
    std::uint64_t body_at_ = 0;
    std::vector<field> fields_;
    bool changed_ = false;
};

/// Takes a body in pieces from somebody who is not sure about line ends: each LF, CR or CRLF
/// becomes CRLF, and the last line gets one.
class mended_lines {
public:
    explicit mended_lines(spool::content_writer& out) : out_(out) {}
    result<> add(std::string_view piece);
    result<> finish();
    bool nul() const noexcept { return nul_; }

private:
    spool::content_writer& out_;
    bool after_cr_ = false;
    bool line_open_ = false;
    bool nul_ = false;
};

}  // namespace postern::filters
