// The spool: messages that are our responsibility, from the commit that allows the
// "250" to the settlement of the last recipient (RFC 5321 section 6.1). Knows nothing
// of how they arrived or will be delivered. Functions may be called from any thread;
// handlers are called on a thread of the spool and must only hand over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "mail/envelope.hpp"

namespace postern::spool {

/// Content as it came, in pieces: up to `memory_limit` in memory, beyond that in a file of
/// its own that is written as the content arrives. Destroyed without being accepted, it
/// leaves nothing behind. Used by one thread at a time.
class content_writer {
public:
    virtual ~content_writer() = default;
    /// Errors: 4.3.1 disk full, 4.3.0 others. After an error every further call fails alike.
    virtual result<> append(std::string_view octets) = 0;
    /// Puts other octets in the place of the first ones, of which there are as many.
    virtual result<> replace_front(std::string_view octets) = 0;
    virtual std::uint64_t size() const noexcept = 0;
    /// What has come so far: up to `limit` octets from `offset`; short only at the end.
    virtual result<std::string> read(std::uint64_t offset, std::size_t limit) = 0;
};

/// The content of a stored message, for reading it out; shared, immutable, safe from any thread.
/// Lines end in CRLF (but for BINARYMIME), nothing is dot-stuffed.
class content {
public:
    virtual ~content() = default;
    virtual std::uint64_t size() const noexcept = 0;
    /// All of it when it is in memory, else nothing.
    virtual std::optional<std::string_view> in_memory() const noexcept = 0;
    /// Opened for reading when it is in a file, else -1; owned by this object.
    virtual int file() const noexcept = 0;
    /// Up to `limit` octets from `offset`; short only at the end.
    virtual result<std::string> read(std::uint64_t offset, std::size_t limit) const = 0;
};

enum class recipient_state : std::uint8_t { queued, delivered, bounced, expired, removed };

struct stored_recipient {
    std::uint32_t number = 0;  // within its message, from 0
    mail::recipient to;
    recipient_state state = recipient_state::queued;
    std::uint32_t attempts = 0;
    wall_time next_attempt;
    std::string last_reply;  // what the other side said last, printable
    std::string next_hop;    // the destination of the last attempt: "mx:example.net"
};

/// What is known of a message beside its content.
struct message {
    std::string queue_id;
    mail::envelope env;  // env.recipients is empty: see `recipients`
    std::vector<stored_recipient> recipients;
    wall_time accepted_at;
    std::uint64_t size = 0;             // of the content
    std::string session;                // id of the session that brought it
    std::string account;                // who had logged in, or empty
    std::string client;                 // address of the client
    bool lines_begin_with_dot = false;  // else the content can be sent as DATA without stuffing
    bool held = false;
};

/// Who is treated fairly against others: the account that had logged in, else the reverse-path.
std::string sender_of(message const& m);

/// A message with its content, ready for delivery.
struct queued_message {
    std::shared_ptr<message const> what;
    std::shared_ptr<content const> body;
};

struct recipient_update {
    std::uint32_t number = 0;
    recipient_state state = recipient_state::queued;  // queued: deferred until next_attempt
    wall_time next_attempt;
    std::string last_reply;
};
struct settlement {
    std::string queue_id;
    std::vector<recipient_update> recipients;
    std::string next_hop{};  // the destination that was tried; empty: none
};

/// What takes the place of recipients of another message.
struct successor {
    message what;  // as for accept()
    std::unique_ptr<content_writer> body;
};

/// A row of `postern queue list`.
struct summary {
    message what;
    std::string unreadable;  // why it can't be delivered; then `what` is what could still be read. Empty: it can
    bool active = false;     // handed out: it is being delivered, or in line for that
    std::int64_t place = 0;  // in the order of arrival, for filter::after
};

enum class condition : std::uint8_t {
    any,
    active,      // handed out
    deferred,    // tried, and to be tried again
    waiting,     // not tried yet
    held,        // by the operator or a rule, until it is released
    unreadable,  // set aside
};
/// Which messages are meant. Of those with several recipients one that waits has to match; texts are
/// compared without regard to case.
struct filter {
    std::string queue_id{};  // empty: all
    std::size_t limit = 1000;
    condition state = condition::any;
    std::string domain{};                 // of a recipient
    std::string next_hop{};               // "mx:example.net", or without the part before the colon
    std::optional<std::string> sender{};  // "": reports, which have none
    std::string account{};
    std::optional<wall_time> accepted_before{}, accepted_after{};
    std::int64_t after = 0;  // only those behind this summary::place

    /// Whether it is about some of a message's recipients.
    bool by_recipient() const { return !domain.empty() || !next_hop.empty(); }
    /// Whether it leaves out anything but by queue id and place.
    bool selects() const
    {
        return state != condition::any || by_recipient() || sender || !account.empty() || accepted_before ||
               accepted_after;
    }
};
bool matches(filter const& f, stored_recipient const& r);

/// What an operator may want of many messages.
enum class wish : std::uint8_t { retry, hold, release, remove };
struct portion {
    std::uint64_t messages = 0;  // for which it was done
    std::int64_t after = 0;      // where the next one begins
    bool finished = false;       // there is no next one
};

/// What waits for one destination.
struct destination_load {
    std::string next_hop;  // empty: not tried yet, for this domain
    std::string domain;
    std::uint64_t recipients = 0;
    wall_time oldest;
    std::string last_reply;  // of the oldest
};
struct totals {
    std::uint64_t messages = 0, active = 0, deferred = 0, waiting = 0, held = 0, unreadable = 0;
    std::uint64_t recipients = 0;  // that wait, of messages that were tried or put off
    std::optional<wall_time> oldest, next_attempt;
};
/// What the spool did since it was opened, for those who watch it.
struct activity {
    std::uint64_t commits = 0, in_commits = 0;  // and what they stored altogether
    std::uint64_t commit_microseconds = 0;
    std::uint64_t handed_out = 0, octets_in_log = 0;  // now
};

using accept_handler = std::function<void(result<>)>;
/// Called once per commit with what it made ours, content included where it is in memory or
/// in a file; `due` now. Called with nothing when messages became due that are not handed out
/// by this (released, hurried, or too many under way already): then take_due() has them.
using arrival_handler = std::function<void(std::vector<queued_message>)>;

struct options {
    std::filesystem::path folder;  // holds spool.db and content/
    std::size_t memory_limit = 128u << 10;
    std::uint64_t free_space_floor = 64u << 20;  // below: 452 4.3.1 before DATA
    std::uint64_t log_size = 32u << 20;          // about how far the write-ahead log grows; made at the start
};

class spool {
public:
    virtual ~spool() = default;

    // -- taking in --

    /// Whether a message of about this size would fit now: 4.3.1 when not (RFC 1870 section 6.1).
    virtual result<> room_for(std::uint64_t octets) = 0;
    virtual std::unique_ptr<content_writer> new_content() = 0;
    /// Makes a message ours: puts its envelope (env.recipients) and content on stable storage,
    /// then calls the handler; success is the permission to say 250. what.queue_id is given by
    /// the caller; with what.held it waits for hold(queue_id, false). After a failure nothing of the message remains.
    virtual void accept(message what, std::unique_ptr<content_writer> body, accept_handler handler) = 0;

    // -- sending out --

    /// Replaces the handler (an empty one: nobody delivers); the old one is not being called any
    /// more when this returns. Not to be called by a handler.
    virtual void on_arrival(arrival_handler handler) = 0;
    /// Messages with a recipient that is due at `now` and not held or already handed out;
    /// at most `limit`, earliest first. What is handed out stays so until settle() or release().
    virtual result<std::vector<queued_message>> take_due(wall_time now, std::size_t limit) = 0;
    /// When take_due() will have something, if ever.
    virtual result<std::optional<wall_time>> next_due() = 0;
    /// Records fates, within some 10 ms on stable storage; a message whose last recipient
    /// is settled is gone. `bounce`, a report to the sender, becomes ours in the same transaction.
    /// The handler (may be empty) is called when it is on stable storage. May be called for some of
    /// the recipients first, for others later: the message stays handed out until something was
    /// said of each that was due. When it can't be stored, it is tried again until it can.
    virtual void settle(settlement what, std::optional<std::pair<message, std::string>> bounce,
                        accept_handler handler) = 0;
    /// Records fates, and in the same transaction makes messages ours that take the recipients' place: all of
    /// it, or after a failure nothing. That one of them was settled by others meanwhile is a failure, too.
    virtual void replace(settlement what, std::vector<successor> by, accept_handler handler) = 0;
    /// Gives a message back untried, with all recipients of which nothing was said: it is due again.
    void release(std::string queue_id) { settle(settlement{std::move(queue_id), {}}, std::nullopt, {}); }

    // -- operating --

    /// In order of arrival; those that are unreadable even if others are left out for them.
    virtual result<std::vector<summary>> list(filter const& f) = 0;
    virtual result<queued_message> find(std::string_view queue_id) = 0;
    virtual result<> hold(std::string_view queue_id, bool held) = 0;
    /// Empty: all. One that was unreadable is looked at once more; so its content can be put back from a backup.
    virtual result<> retry_now(std::string_view queue_id) = 0;
    virtual result<> remove(std::string_view queue_id) = 0;
    virtual result<std::uint64_t> count() = 0;

    /// Does it for the next f.limit messages that match, in one transaction. `remove` takes only the matching
    /// recipients out when the filter is about recipients.
    virtual result<portion> apply(wish w, filter const& f) = 0;
    /// Hands this one out, due or not; nothing when it is handed out already.
    virtual result<std::optional<queued_message>> take(std::string_view queue_id) = 0;
    /// Makes the next messages due, behind that place and up to `limit`, that wait for this destination, which
    /// works again; calls the handler with how many there were, and where the next ones begin.
    virtual void hurry(std::string next_hop, std::int64_t after, std::size_t limit,
                       std::function<void(portion)> handler) = 0;
    /// The `limit` destinations that most waits for.
    virtual result<std::vector<destination_load>> destinations(std::size_t limit) = 0;
    virtual result<totals> look_over() = 0;
    virtual activity observe() = 0;
};

/// Opens or creates the spool, sweeps content that was never accepted. Errors: in use by another
/// process, damaged, of a newer version, no room.
result<std::unique_ptr<spool>> open(options o);

}  // namespace postern::spool
