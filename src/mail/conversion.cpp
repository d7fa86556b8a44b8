#include "mail/conversion.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "mail/tag_list.hpp"

namespace postern::mail {
namespace {

// RFC 5322 section 2.1.1.
constexpr std::size_t longest_line = 998;
constexpr std::size_t most_signers = 20;
// Of text, more than one in so many octets: then base 64 is shorter.
constexpr std::uint64_t many = 4;

bool is_eight_bit(char c) { return static_cast<unsigned char>(c) > 127; }

std::string signer_of(header_field const& f)
{
    std::string const value = f.unfolded();
    for (std::string_view rest = value; !rest.empty();) {
        std::string_view tag = take_until(rest, ';');
        if (take_until(tag, '=') == "d") return printable(trimmed(tag), 255);
    }
    return "?";
}

}  // namespace

void content_survey::on_header(mime_entity const& e)
{
    if (e.depth <= signed_depth_) signed_depth_ = SIZE_MAX;
    part p;
    p.how = e.how;
    p.text = e.type.type == "text";
    p.composite = e.composite;
    p.message = e.type.type == "message";
    p.global = p.message && e.type.subtype.starts_with("global");
    p.says_type = find_first(e.fields, "Content-Type") != nullptr;
    p.mime = find_first(e.fields, "MIME-Version") != nullptr;
    p.eight_bit_header = std::any_of(e.section.begin(), e.section.end(), is_eight_bit);
    p.in_signed = signed_depth_ != SIZE_MAX;
    if (parts_.empty())
        for (auto const& f : e.fields)
            if (f.is("DKIM-Signature") && signers_.size() < most_signers) signers_.push_back(signer_of(f));
    if (e.type.is_multipart() && e.type.subtype == "signed" && signed_depth_ == SIZE_MAX) signed_depth_ = e.depth;
    parts_.push_back(p);
    line_ = 0;
    cr_ = false;
}

void content_survey::on_body(std::string_view octets)
{
    part& p = parts_.back();
    p.size += octets.size();
    for (char const c : octets) {
        if (is_eight_bit(c)) ++p.eight_bit;
        if (cr_ != (c == '\n') || c == '\0') p.binary = true;
        cr_ = c == '\r';
        line_ = c == '\n' ? 0 : line_ + 1;
        // With its CR.
        if (line_ > longest_line + 1) p.binary = true;
    }
}

void content_survey::on_body_end()
{
    if (cr_) parts_.back().binary = true;
    cr_ = false;
}

void content_survey::on_between(std::string_view octets)
{
    eight_bit_between_ = eight_bit_between_ || std::any_of(octets.begin(), octets.end(), is_eight_bit);
    binary_between_ =
        binary_between_ || octets.size() > longest_line + 2 || octets.find('\0') != std::string_view::npos;
}

std::string_view content_survey::plan_leaf(part const& p, content_need need, part_conversion& out)
{
    bool const too_much = p.binary || (need == content_need::seven_bit && p.eight_bit != 0);
    if (!too_much) {
        bool const says_more = p.how == transfer_encoding::binary ||
                               (p.how == transfer_encoding::eight_bit && need == content_need::seven_bit);
        if (says_more) out.label = p.eight_bit != 0 ? "8bit" : "7bit";
        return {};
    }
    bool const as_it_is = p.how == transfer_encoding::seven_bit || p.how == transfer_encoding::eight_bit ||
                          p.how == transfer_encoding::binary;
    if (!as_it_is) return "a part is not what its Content-Transfer-Encoding says";
    // RFC 2046 section 5.2: they have no other encoding.
    if (p.message && !p.global) return "a part may not be encoded";
    bool const readable = p.text && p.eight_bit * many <= p.size;
    out.as = readable ? part_conversion::encoding::quoted_printable : part_conversion::encoding::base64;
    out.label = readable ? "quoted-printable" : "base64";
    return {};
}

conversion_plan content_survey::plan(content_need need) const
{
    conversion_plan out;
    out.signers = signers_;
    out.problem = walker_.problem();
    bool const odd = binary_between_ || (eight_bit_between_ && need == content_need::seven_bit);
    if (out.problem.empty() && odd) out.problem = "there is 8-bit text between the parts";
    out.parts.reserve(parts_.size());
    for (std::size_t i = 0; i < parts_.size() && out.problem.empty(); ++i) {
        part const& p = parts_[i];
        part_conversion& c = out.parts.emplace_back();
        if (p.eight_bit_header && need == content_need::seven_bit) {
            out.problem = "the header has 8-bit characters";
        } else if (!p.composite) {
            out.problem = plan_leaf(p, need, c);
        } else if (p.how == transfer_encoding::eight_bit || p.how == transfer_encoding::binary) {
            c.label = need == content_need::seven_bit ? "7bit" : "8bit";
        }
        if (i == 0) {
            c.names_version = !c.label.empty() && !p.mime;
            c.unknown_text = c.as != part_conversion::encoding::none && !p.says_type;
        }
        // The encoding of a signed part belongs to what is signed.
        out.breaks_signature = out.breaks_signature || (p.in_signed && !c.label.empty());
    }
    return out;
}

void content_converter::add(std::string_view octets, std::string& out)
{
    out_ = &out;
    walker_.add(octets);
}

void content_converter::finish(std::string& out)
{
    out_ = &out;
    walker_.finish();
}

void content_converter::on_header(mime_entity const& e)
{
    now_ = next_ < plan_.parts.size() ? plan_.parts[next_] : part_conversion{};
    ++next_;
    if (now_.label.empty()) {
        *out_ += e.section;
        return;
    }
    for (auto const& f : e.fields)
        if (!f.is("Content-Transfer-Encoding")) *out_ += f.octets;
    if (now_.names_version) *out_ += "MIME-Version: 1.0\r\n";
    if (now_.unknown_text) *out_ += "Content-Type: text/plain; charset=unknown-8bit\r\n";
    out_->append("Content-Transfer-Encoding: ").append(now_.label).append("\r\n");
    if (!e.blank_line) *out_ += "\r\n";
}

void content_converter::on_body(std::string_view octets)
{
    switch (now_.as) {
        case part_conversion::encoding::none: *out_ += octets; break;
        case part_conversion::encoding::quoted_printable: quoted_.add(octets, *out_); break;
        case part_conversion::encoding::base64: base64_.add(octets, *out_); break;
    }
}

void content_converter::on_body_end()
{
    if (now_.as == part_conversion::encoding::quoted_printable) quoted_.finish(*out_);
    if (now_.as == part_conversion::encoding::base64) base64_.finish(*out_);
}

void content_converter::on_between(std::string_view octets) { *out_ += octets; }

}  // namespace postern::mail
