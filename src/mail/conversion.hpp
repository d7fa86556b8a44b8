// 8-bit and binary content as what a server takes that knows neither (RFC 6152 section 3, RFC 3030
// section 3): parts become quoted-printable or base64, and say so. The content is gone through twice: a
// survey finds what there is to do, and whether it can be done; then the converter does it. Both take
// pieces cut anywhere. Memory: a few octets for each part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mail/mime_walker.hpp"
#include "mail/transfer_encoding.hpp"

namespace postern::mail {

/// What the other side takes: lines of 7-bit characters, or lines of any.
enum class content_need : std::uint8_t { seven_bit, eight_bit };

struct part_conversion {
    enum class encoding : std::uint8_t { none, quoted_printable, base64 };
    encoding as = encoding::none;
    std::string_view label;      // its Content-Transfer-Encoding; empty: as it was
    bool unknown_text = false;   // 8-bit text of a message that says nothing of itself (RFC 1428)
    bool names_version = false;  // it has to say that it is MIME
};

struct conversion_plan {
    std::string_view problem;          // why it can't be done; empty: it can
    bool breaks_signature = false;     // of a signed part (RFC 1847): its reader would call it forged
    std::vector<std::string> signers;  // d= of DKIM signatures, which are no good any more afterwards
    std::vector<part_conversion> parts;
};

class content_survey final : mime_walker::visitor {
public:
    void add(std::string_view octets) { walker_.add(octets); }
    void finish() { walker_.finish(); }
    conversion_plan plan(content_need need) const;

private:
    struct part {
        bool text = false, composite = false, message = false, global = false, says_type = false;
        bool in_signed = false, eight_bit_header = false, mime = false;
        transfer_encoding how = transfer_encoding::seven_bit;
        std::uint64_t size = 0, eight_bit = 0;
        bool binary = false;  // NUL, a CR or LF alone, a line that is too long
    };
    void on_header(mime_entity const& e) override;
    void on_body(std::string_view octets) override;
    void on_body_end() override;
    void on_between(std::string_view octets) override;
    static std::string_view plan_leaf(part const& p, content_need need, part_conversion& out);

    mime_walker walker_{*this};
    std::vector<part> parts_;
    std::vector<std::string> signers_;
    std::size_t signed_depth_ = SIZE_MAX;
    std::size_t line_ = 0;
    bool cr_ = false;
    bool eight_bit_between_ = false, binary_between_ = false;  // where only people without MIME would read it
};

class content_converter final : mime_walker::visitor {
public:
    /// The plan has no problem and outlives this.
    explicit content_converter(conversion_plan const& plan) : plan_(plan) {}
    void add(std::string_view octets, std::string& out);
    void finish(std::string& out);

private:
    void on_header(mime_entity const& e) override;
    void on_body(std::string_view octets) override;
    void on_body_end() override;
    void on_between(std::string_view octets) override;

    conversion_plan const& plan_;
    mime_walker walker_{*this};
    std::size_t next_ = 0;
    part_conversion now_;
    quoted_printable_encoder quoted_;
    base64_line_encoder base64_;
    std::string* out_ = nullptr;
};

}  // namespace postern::mail
