// DATA (RFC 5321 section 4.1.1.4) and BDAT (RFC 3030). The end of a message resets the
// transaction whatever the reply is, and so does every error of BDAT.
#include <cassert>

#include "smtp/session_state.hpp"

namespace postern::smtp {
namespace {

// Of a refused chunk where messages have no limit.
constexpr std::uint64_t discard_limit = std::uint64_t{64} << 20;

}  // namespace

action server_session::state::take_data(command const& c, std::string_view text)
{
    if (!in_transaction) return refuse_command(rules::bad_sequence, c, text);
    if (chunking) {
        // RFC 3030 section 2: the state is indeterminate then; ours is a clean one.
        forget_transaction();
        return refuse(rules::data_mixed_with_bdat, text);
    }
    if (envelope.recipients.empty()) return refuse(rules::no_valid_recipients, text);
    if (envelope.body == mail::body_type::binary_mime) return refuse(rules::data_binary, text);
    awaiting = smtp::awaiting::room;
    return begin_content{};
}

action server_session::state::take_bdat(command const& c, std::string_view text)
{
    chunk = {};
    switch (parse_chunk(c.argument, chunk)) {
        case chunk_error::none: break;
        case chunk_error::no_size: forget_transaction(); return refuse_command(rules::syntax_error, c, text);
        case chunk_error::bad_size:
            // Octets of the message follow, and nobody knows how many: they must not become commands.
            forget_transaction();
            return refuse_and_close(rules::bad_chunk_size, text);
        case chunk_error::bad_end:
            return discard(catalogue::make_verdict(rules::syntax_error, {{"command", "BDAT"}}), text);
    }
    if (needs_tls_first()) return discard(catalogue::make_verdict(rules::tls_required), text);
    if (!in_transaction) return discard(catalogue::make_verdict(rules::chunk_sequence), text);
    if (envelope.recipients.empty()) return discard(catalogue::make_verdict(rules::no_valid_recipients), text);
    if (settings.message_size != 0 && chunk.size > settings.message_size - received) {
        return discard(
            catalogue::make_verdict(rules::message_too_big, {{"limit", size_for_people(settings.message_size)}}), text);
    }
    received += chunk.size;
    if (chunking) {
        awaiting = smtp::awaiting::content;
        return read_chunk{chunk.size, chunk.last};
    }
    chunking = true;
    awaiting = smtp::awaiting::room;
    return begin_content{};
}

/// RFC 3030 section 2: the octets of a refused chunk come all the same, and are read before the reply.
action server_session::state::discard(catalogue::verdict why, std::string_view text)
{
    forget_transaction();
    if (chunk.size > (settings.message_size != 0 ? settings.message_size : discard_limit)) {
        return refuse_and_close(std::move(why), text);
    }
    if (chunk.size == 0) return refuse(std::move(why), text);
    pending = std::move(why);
    awaiting = smtp::awaiting::discarded;
    return discard_chunk{chunk.size};
}

action server_session::state::on_discarded()
{
    assert(awaiting == smtp::awaiting::discarded && pending);
    auto why = std::move(*pending);
    pending.reset();
    return refuse(std::move(why), "BDAT");
}

action server_session::state::on_content_ready(catalogue::verdict const& v)
{
    assert(awaiting == smtp::awaiting::room);
    if (!v.accepted()) {
        if (chunking) return discard(v, "BDAT");
        forget_transaction();
        return refuse(v, "DATA");
    }
    awaiting = smtp::awaiting::content;
    if (chunking) return read_chunk{chunk.size, chunk.last};
    out.append("354 Send the message, then a line with only a dot\r\n");
    return read_data{};
}

action server_session::state::on_content(catalogue::verdict const& v)
{
    assert(awaiting == smtp::awaiting::content);
    if (!v.accepted()) {
        auto const* const text = chunking ? "BDAT" : "DATA";
        forget_transaction();
        // As with commands: what follows such a message may be a smuggled one.
        if (v.why == &rules::bare_newline_in_message) return refuse_and_close(v, text);
        return refuse(v, text);
    }
    if (chunking && !chunk.last) {
        out.append("250 2.0.0 ").append(std::to_string(chunk.size));
        return say(" octets taken");
    }
    awaiting = smtp::awaiting::finished;
    return finish_message{};
}

action server_session::state::on_finished(catalogue::verdict const& v, std::string_view queue_id)
{
    assert(awaiting == smtp::awaiting::finished);
    auto const* const text = chunking ? "BDAT" : "DATA";
    forget_transaction();
    if (!v.accepted()) return refuse(v, text);
    errors = 0;  // a long session with good mail in it may have some bad addresses too
    out.append("250 2.0.0 Accepted as ");
    return say(queue_id);
}

}  // namespace postern::smtp
