#include "web/problem.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace postern::web {
namespace problems {

problem const malformed{400, "web-malformed", "This request makes no sense",
                        "What came here is no proper HTTP request. If a program sent it, look at its settings; if a "
                        "browser did, go back and try the link again."};
problem const unknown_host{400, "web-unknown-host", "This request does not say whom it is for",
                           "The Host field of the request is missing, is there twice, or is no name."};
problem const not_found{404, "web-not-found", "There is no such page",
                        "The address may be misspelt, or the page may have moved. Begin at the start page."};
problem const wrong_method{405, "web-wrong-method", "That can't be done here",
                           "This address is there, but not for what was asked of it."};
problem const too_slow{408, "web-too-slow", "This request took too long",
                       "The request did not arrive in time. Try again."};
problem const too_large{413, "web-too-large", "That is too much", "What was sent is larger than this address takes."};
problem const head_too_large{431, "web-head-too-large", "The head of this request is too large",
                             "Its address and its fields together are larger than we take. Deleting the cookies of "
                             "this site helps when a browser sent it."};
problem const failed{500, "web-failed", "Something went wrong here",
                     "It is not your fault. The server's log says more; tell its operator when it happened."};
problem const not_done{400, "web-not-done", "That was not done", ""};
problem const signed_out{401, "web-signed-out", "Nobody is signed in", ""};
problem const forbidden{403, "web-not-allowed", "That is not for this account", ""};
problem const put_off{429, "web-put-off", "Too many attempts", ""};
problem const unavailable{503, "web-server-away", "The mail server can't be asked just now",
                          "These pages get what they show from the mail server, which does not answer at the moment. "
                          "It may be starting. Try again in a little while; mail itself is not lost."};

}  // namespace problems

namespace {

namespace json = boost::json;

bool is_for_programs(std::string_view path) noexcept { return path.starts_with("/api/"); }

http::response make(problem const& p, std::string_view text, std::string_view path)
{
    http::response r;
    if (is_for_programs(path)) {
        json::object const error{{"rule", p.rule}, {"text", p.title}, {"remedy", text}};
        r = http::answer(p.status, "application/json", json::serialize(json::object{{"error", error}}));
    } else {
        std::string page =
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
            "content=\"width=device-width, initial-scale=1\">\n<title>";
        page += p.title;
        page += "</title>\n<link rel=\"stylesheet\" href=\"/assets/postern.css\">\n</head>\n<body>\n<main>\n<h1>";
        page += p.title;
        page += "</h1>\n<p>" + http::escaped(text) +
                "</p>\n<p><a href=\"/\">Start page</a></p>\n</main>\n</body>\n</html>\n";
        r = http::answer(p.status, "text/html; charset=utf-8", std::move(page));
    }
    if (p.status == 503 || p.status == 429) r.fields.emplace_back("retry-after", "10");
    r.fields.emplace_back("cache-control", "no-store");
    return r;
}

}  // namespace

http::response answer_for(problem const& p, std::string_view path) { return make(p, p.text, path); }

http::response answer_for(control::failure const& f, std::string_view path)
{
    using kind = control::failure::kind;
    switch (f.why) {
        case kind::unavailable: return make(problems::unavailable, problems::unavailable.text, path);
        case kind::signed_out: return make(problems::signed_out, f.text, path);
        case kind::forbidden: return make(problems::forbidden, f.text, path);
        case kind::put_off: return make(problems::put_off, f.text, path);
        case kind::usage:
        case kind::problem: break;
    }
    return make(problems::not_done, f.text, path);
}

}  // namespace postern::web
