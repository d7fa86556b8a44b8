#include "smtp/client_session.hpp"

namespace postern::smtp {

void dot_stuffer::add(std::string_view piece, std::string& out)
{
    std::size_t written = 0;
    std::size_t i = 0;
    while (i < piece.size()) {
        char const c = piece[i];
        switch (at_) {
            case at::line_start:
                if (c == '.') {
                    out.append(piece.substr(written, i - written)).push_back('.');
                    written = i;
                }
                at_ = c == '\r' ? at::cr : at::in_line;
                ++i;
                break;
            case at::cr:
                at_ = c == '\n' ? at::line_start : c == '\r' ? at::cr : at::in_line;
                ++i;
                break;
            case at::in_line: {
                std::size_t const cr = piece.find('\r', i);
                if (cr == std::string_view::npos) {
                    i = piece.size();
                } else {
                    at_ = at::cr;
                    i = cr + 1;
                }
                break;
            }
        }
    }
    out.append(piece.substr(written));
}

void dot_stuffer::finish(std::string& out)
{
    if (at_ == at::in_line) out += "\r\n";
    if (at_ == at::cr) out += '\n';
    out += ".\r\n";
    at_ = at::line_start;
}

}  // namespace postern::smtp
