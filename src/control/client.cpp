#include "control/client.hpp"

#include <cerrno>
#include <cstring>

#include "control/local_socket.hpp"

namespace postern::control {

std::optional<outcome> ask_server(std::filesystem::path const& data_dir, std::string_view command,
                                  boost::json::object const& arguments, std::chrono::seconds patience,
                                  std::string_view terminal)
{
    auto attempt = connect_to_control_socket(data_dir);
    if (!attempt.socket) {
        if (attempt.error_number == ENOENT || attempt.error_number == ECONNREFUSED) return std::nullopt;
        if (attempt.error_number == EACCES || attempt.error_number == EPERM) {
            return failure{failure::kind::unavailable,
                           "this user may not use " + data_dir.string() +
                               ": run the command as root or as the user that the server runs as",
                           {}};
        }
        return failure{failure::kind::unavailable,
                       "can't reach the server of " + data_dir.string() + ": " + std::strerror(attempt.error_number),
                       {}};
    }
    auto const deadline = steady_clock::now() + patience;
    auto const request = print_request(command, arguments, terminal);
    if (request.size() > longest_request)
        return failure{failure::kind::usage, "this is too much at once for the running server; split it", {}};
    if (auto sent = write_all(attempt.socket.get(), request.reveal(), deadline); !sent)
        return failure{failure::kind::unavailable, "can't ask the running server: " + sent.error().logged, {}};
    auto line = read_line(attempt.socket.get(), longest_response, deadline);
    if (!line) {
        return failure{failure::kind::unavailable,
                       "the running server gave no answer (" + line.error().logged + "); its log may tell why",
                       {}};
    }
    auto const answer = secret::take(*line);
    return parse_response(answer.reveal());
}

}  // namespace postern::control
