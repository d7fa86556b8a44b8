// Sends a mail with postern::client, and says what to do when that fails:
//
//     send HOST PORT USER FROM TO < message.txt       the password is in $SMTP_PASSWORD
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>

#include <postern/client.hpp>

int main(int argc, char** argv)
{
    if (argc != 6) {
        std::cerr << "send HOST PORT USER FROM TO < message.txt\n";
        return 2;
    }
    namespace smtp = postern::client;

    smtp::server server;
    server.host = argv[1];
    server.port = static_cast<std::uint16_t>(std::stoi(argv[2]));
    if (char const* const authorities = std::getenv("SMTP_AUTHORITIES")) server.authorities = authorities;

    smtp::account account;
    account.user = argv[3];
    if (char const* const password = std::getenv("SMTP_PASSWORD")) account.password = password;

    smtp::message message;
    message.from = argv[4];
    message.to = {argv[5]};
    message.subject = "Sent with postern::client " + std::string{smtp::version()};
    message.text.assign(std::istreambuf_iterator<char>{std::cin}, {});

    auto const report = smtp::send(server, account, message);
    if (report.sent()) {
        std::cout << "sent: " << report.text << '\n';
        return 0;
    }
    std::cout << "not sent (" << report.stage << "): " << report.text << '\n'
              << report.why.what << '\n'
              << "-> " << report.why.remedy << " [" << report.why.rule << "]\n";
    return 1;
}
