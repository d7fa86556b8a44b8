#include "porter/note.hpp"

namespace postern::porter {

boost::json::object to_json(note const& n, wall_time when)
{
    auto answer = n.answer;
    if (!n.secure) answer += ", in the clear";
    if (n.password_sent) answer += "; a password came along, and was not looked at";
    boost::json::object o;
    o["time"] = to_rfc3339(when);
    o["client"] = n.client.to_string();
    o["host"] = n.host;
    o["path"] = n.path;
    o["kind"] = n.kind;
    o["domain"] = n.domain;
    o["user_agent"] = n.user_agent;
    o["status"] = n.status;
    o["answer"] = std::move(answer);
    return o;
}

}  // namespace postern::porter
