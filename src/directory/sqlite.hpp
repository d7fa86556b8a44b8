// The account database's view of the store room: every failure is a result in its own
// words, and a connection remembers whether only opening the file anew can help.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace postern::directory {

class connection;

/// A prepared statement. Parameters count from 1, columns from 0.
class statement {
public:
    statement() = default;

    /// What is bound is copied.
    void bind(int parameter, std::string_view text) { inner_.bind_text_copy(parameter, text); }
    void bind(int parameter, std::int64_t number) { inner_.bind(parameter, number); }
    void bind_blob(int parameter, std::string_view octets) { inner_.bind_blob_copy(parameter, octets); }
    void bind_null(int parameter) { inner_.bind_null(parameter); }
    /// True: a row is there; false: done.
    result<bool> step();
    /// Steps a statement that gives no rows, then resets it.
    result<> run();
    /// Ends the read; parameters are forgotten too.
    void reset() noexcept;

    std::string text(int column) const { return std::string{inner_.blob(column)}; }  // blobs too; NULL is empty
    std::int64_t number(int column) const { return inner_.integer(column); }
    bool is_null(int column) const { return inner_.is_null(column); }

private:
    friend class connection;
    postern::store::statement inner_;
    connection* owner_ = nullptr;
};

using reset_at_end = postern::store::reset_after<statement>;

class connection {
public:
    using mode = postern::store::access;
    static result<std::unique_ptr<connection>> open(std::filesystem::path const& file, mode m, int busy_milliseconds);

    void set_patience(int milliseconds) noexcept { inner_.set_patience(milliseconds); }
    result<> execute(char const* sql);
    result<statement> prepare(char const* sql);
    std::int64_t changes() const noexcept { return inner_.changes(); }
    std::int64_t last_row() const noexcept { return inner_.last_row(); }
    /// Whether something failed in a way that means: the file is gone, replaced or
    /// damaged, and only opening it anew can help.
    bool lost() const noexcept { return lost_; }

private:
    friend class statement;
    friend class transaction;
    explicit connection(postern::store::connection inner) : inner_(std::move(inner)) {}
    error failed(error e);
    postern::store::connection inner_;
    bool lost_ = false;
};

/// Begins at once as a writer; rolls back unless committed.
class transaction {
public:
    static result<transaction> begin(connection& c);
    result<> commit();

private:
    transaction(connection& owner, postern::store::transaction inner) : owner_(&owner), inner_(std::move(inner)) {}
    connection* owner_;
    postern::store::transaction inner_;
};

}  // namespace postern::directory
