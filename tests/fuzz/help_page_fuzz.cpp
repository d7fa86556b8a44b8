// What strangers send to the help centre: the path, the query, the browser's fields. Each answer is whole, and nothing of it
// stands in the page as markup.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "help/centre.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace postern;
    std::string_view rest{reinterpret_cast<char const*>(data), size};
    auto const line = [&] {
        auto const end = rest.find('\n');
        auto const text = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        return text;
    };
    http::request r;
    r.path = line();
    r.query = line();
    r.fields = {{"accept-language", std::string{line()}},
                {"user-agent", std::string{line()}},
                {"sec-ch-ua-platform", std::string{line()}}};
    help::facts f;
    f.server = "mail.example.com";
    f.implicit_port = 465;
    f.starttls_port = 587;
    auto const whole = [](http::response const& a) {
        bool const page = http::find(a.fields, "content-type").starts_with("text/html");
        if (page && (!a.body.ends_with("</html>\n") || a.body.find("<script>") != std::string::npos)) std::abort();
        if (http::find(a.fields, "location").find_first_of("\r\n") != std::string_view::npos) std::abort();
    };
    if (auto const a = help::answer(r, f)) whole(*a);
    whole(help::explain_refusal(r, f, r.path, nullptr));
    return 0;
}
