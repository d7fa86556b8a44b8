#include "porter/qr.hpp"

#include <memory>

#include <qrencode.h>

#include "http/message.hpp"

namespace postern::porter {
namespace {

constexpr std::size_t longest = 600;
constexpr int quiet_zone = 4;

}  // namespace

std::optional<std::string> qr_code(std::string_view text, std::string_view title)
{
    if (text.empty() || text.size() > longest) return std::nullopt;
    std::unique_ptr<QRcode, decltype(&QRcode_free)> const code{
        QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<unsigned char const*>(text.data()), 0,
                          QR_ECLEVEL_M),
        &QRcode_free};
    if (!code) return std::nullopt;
    auto const side = std::to_string(code->width + 2 * quiet_zone);
    std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side + ' ' + side +
                      "\" role=\"img\" shape-rendering=\"crispEdges\"><title>" + http::escaped(title) +
                      "</title><rect width=\"" + side + "\" height=\"" + side +
                      "\" fill=\"#fff\"/><path fill=\"#000\" d=\"";
    // One bar for each run of dark modules in a row.
    for (int y = 0; y < code->width; ++y) {
        auto const* const row = code->data + y * code->width;
        for (int x = 0; x < code->width;) {
            int end = x;
            while (end < code->width && (row[end] & 1) != 0) ++end;
            if (end > x) {
                auto const run = std::to_string(end - x);
                svg += 'M' + std::to_string(x + quiet_zone) + ' ' + std::to_string(y + quiet_zone) + 'h' + run +
                       "v1h-" + run + 'z';
            }
            x = end > x ? end : x + 1;
        }
    }
    return svg + "\"/></svg>";
}

}  // namespace postern::porter
