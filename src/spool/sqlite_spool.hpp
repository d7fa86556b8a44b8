// The spool on SQLite: questions go through the reader, changes through the writer.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "spool/browser.hpp"
#include "spool/content.hpp"
#include "spool/guards.hpp"
#include "spool/handouts.hpp"
#include "spool/reader.hpp"
#include "spool/spool.hpp"
#include "spool/tables.hpp"
#include "spool/workers.hpp"
#include "spool/writer.hpp"

namespace postern::spool {

class sqlite_spool final : public spool {
public:
    sqlite_spool(options o, store::file_lock lock, std::shared_ptr<content_files> files, std::shared_ptr<reader> source,
                 tables db, std::int64_t next_id, std::uint64_t count)
        : options_(std::move(o)),
          lock_(std::move(lock)),
          files_(std::move(files)),
          budget_(std::make_shared<memory_budget>(memory_for_content)),
          source_(std::move(source)),
          browser_(options_.folder / "spool.db"),
          room_(options_.folder, options_.free_space_floor),
          helpers_(sync_threads),
          writer_(
              writer::shared{options_.folder / "spool.db", options_.log_size, files_, budget_, source_, out_, helpers_},
              std::move(db), next_id, count)
    {
    }
    // Files that are being synced still become messages; then the writer does the rest.
    ~sqlite_spool() override { helpers_.finish(); }

    result<> room_for(std::uint64_t octets) override
    {
        if (auto const trouble = writer_.trouble()) return *trouble;
        return room_.check(octets, room_.floor() + writer_.octets_in_log());
    }

    std::unique_ptr<content_writer> new_content() override
    {
        return std::make_unique<buffered_content>(files_, options_.memory_limit);
    }

    void accept(message what, std::unique_ptr<content_writer> body, accept_handler handler) override;
    void on_arrival(arrival_handler handler) override { writer_.on_arrival(std::move(handler)); }
    result<std::vector<queued_message>> take_due(wall_time now, std::size_t limit) override;
    result<std::optional<wall_time>> next_due() override;
    void settle(settlement what, std::optional<std::pair<message, std::string>> bounce,
                accept_handler handler) override;
    void replace(settlement what, std::vector<successor> by, accept_handler handler) override;
    result<std::vector<summary>> list(filter const& f) override;
    result<queued_message> find(std::string_view queue_id) override;
    result<> hold(std::string_view queue_id, bool held) override;
    result<> retry_now(std::string_view queue_id) override;
    result<> remove(std::string_view queue_id) override;
    result<std::uint64_t> count() override { return writer_.count(); }
    result<portion> apply(wish w, filter const& f) override;
    result<std::optional<queued_message>> take(std::string_view queue_id) override;
    void hurry(std::string next_hop, std::int64_t after, std::size_t limit,
               std::function<void(portion)> handler) override;
    result<std::vector<destination_load>> destinations(std::size_t limit) override
    {
        return browser_.destinations(limit);
    }
    result<totals> look_over() override;
    activity observe() override { return writer_.observe(); }

private:
    // Content of messages that are out for delivery and were small; beyond it, it is read when needed.
    static constexpr std::uint64_t memory_for_content = 64u << 20;
    static constexpr unsigned sync_threads = 4;

    incoming take_in(message what, std::unique_ptr<content_writer> body, accept_handler handler);
    static void put_on_disk(incoming& m);
    void have_out(std::string const& queue_id);
    /// Id of a message, handed out or not.
    result<std::optional<std::int64_t>> id_of(std::string_view queue_id);
    result<std::vector<summary>> list_one(std::string_view queue_id);
    /// With those that only their first attempt knows of.
    result<std::vector<found_message>> select(filter const& f, bool with_files);
    result<std::vector<summary>> list_matching(filter const& f);
    /// Those set aside, with their filter's limit; `walked` says how far that went.
    result<std::vector<stored_message>> select_unreadable(filter const& f, portion& walked);
    summary summarize(stored_message m);
    result<portion> apply_to_unreadable(wish w, filter const& f);
    result<std::uint64_t> remove_recipients(std::vector<found_message> const& from, filter const& f);
    /// Why a message is not: it is unreadable, or not here.
    error not_on_its_way(std::string_view queue_id);
    result<> retry_unreadable(std::string_view queue_id, wall_time now);
    result<> remove_unreadable(std::string_view queue_id);
    result<queued_message> ready_for_delivery(stored_message& m);
    void set_aside(stored_message const& m);
    void forget_missing(std::int64_t id);
    void give_back(std::int64_t id);
    result<> hand_out(std::int64_t id, wall_time now, std::vector<queued_message>& to);
    /// Messages that could not be read just now: not asked for again for a while.
    void put_off(std::vector<std::int64_t> const& ids, steady_clock::duration how_long);
    /// One of them, or all.
    void put_off_no_longer(std::optional<std::int64_t> id);
    bool is_put_off(std::int64_t id);
    std::optional<wall_time> end_of_put_off();

    options options_;
    store::file_lock lock_;
    std::shared_ptr<content_files> files_;
    std::shared_ptr<memory_budget> budget_;
    std::shared_ptr<reader> source_;
    browser browser_;
    room room_;
    handouts out_;
    std::mutex taking_;
    std::mutex put_off_mutex_;
    std::unordered_map<std::int64_t, steady_time> put_off_;
    std::mutex next_due_mutex_;
    std::optional<std::optional<wall_time>> next_due_;
    std::uint64_t next_due_as_of_ = 0;
    workers helpers_;
    writer writer_;
};

}  // namespace postern::spool
