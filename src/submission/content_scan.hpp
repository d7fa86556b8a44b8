// Looks over content that comes in by BDAT (RFC 3030), where no end has to be found, for
// what data_decoder notices on the way of DATA. Any cut into pieces gives the same.
#pragma once

#include <string_view>

namespace postern::submission {

class content_scan {
public:
    void add(std::string_view piece);
    /// The content ended: a CR at its very end was bare.
    void finish();

    bool bare_newline() const noexcept { return bare_newline_; }
    bool nul() const noexcept { return nul_; }
    bool lines_begin_with_dot() const noexcept { return dot_; }
    bool eight_bit() const noexcept { return eight_bit_; }
    bool ends_with_crlf() const noexcept { return line_start_; }

private:
    bool line_start_ = true;
    bool after_cr_ = false;
    bool bare_newline_ = false, nul_ = false, dot_ = false, eight_bit_ = false;
};

}  // namespace postern::submission
