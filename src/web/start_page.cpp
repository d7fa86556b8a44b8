#include "web/start_page.hpp"

namespace postern::web {
namespace {

constexpr std::string_view page = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Postern</title>
<link rel="stylesheet" href="/assets/postern.css">
</head>
<body>
<main>
<h1>Mail, set up</h1>
<ul>
<li><a href="/setup">Set up a mail program</a></li>
<li><a href="/account">Your account</a></li>
<li><a href="/help/">What an error means</a></li>
<li><a href="/what-is-smtp-auth">What SMTP authentication is</a></li>
</ul>
</main>
</body>
</html>
)";

http::response start(call const&) { return http::answer(200, "text/html; charset=utf-8", std::string{page}); }

}  // namespace

void add_start_page(router& table) { table.add(http::method::get, "/", start); }

}  // namespace postern::web
