#include "directory/sqlite.hpp"

#include <utility>

namespace postern::directory {
namespace {

using postern::store::step_result;

constexpr postern::store::texts told{"The account database is not available", "The account database is not available"};

}  // namespace

error connection::failed(error e)
{
    if (inner_.last_trouble() == postern::store::trouble::lasting) lost_ = true;
    e.logged = "account database: " + e.logged;
    return e;
}

result<bool> statement::step()
{
    step_result const now = inner_.step();
    if (now == step_result::failed) return owner_->failed(owner_->inner_.failure("a query"));
    return now == step_result::row;
}

result<> statement::run()
{
    bool const went_well = inner_.run();
    if (!went_well) {
        error e = owner_->failed(owner_->inner_.failure("a change"));
        inner_.forget_parameters();
        return e;
    }
    inner_.forget_parameters();
    return done{};
}

void statement::reset() noexcept
{
    inner_.reset();
    inner_.forget_parameters();
}

result<std::unique_ptr<connection>> connection::open(std::filesystem::path const& file, mode m, int busy_milliseconds)
{
    auto opened = postern::store::connection::open(file, m, told, busy_milliseconds);
    if (!opened) return std::move(opened).error();
    std::unique_ptr<connection> c{new connection{std::move(*opened)}};
    c->inner_.distrust_schema();
    if (auto set = c->execute("PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON"); !set)
        return std::move(set).error();
    return c;
}

result<> connection::execute(char const* sql)
{
    auto done = inner_.execute(sql);
    if (!done) return failed(std::move(done).error());
    return done;
}

result<statement> connection::prepare(char const* sql)
{
    auto prepared = inner_.prepare(sql);
    if (!prepared) return failed(std::move(prepared).error());
    statement s;
    s.inner_ = std::move(*prepared);
    s.owner_ = this;
    return s;
}

result<transaction> transaction::begin(connection& c)
{
    auto begun = postern::store::transaction::begin(c.inner_);
    if (!begun) return c.failed(std::move(begun).error());
    return transaction{c, std::move(*begun)};
}

result<> transaction::commit()
{
    auto committed = inner_.commit();
    if (!committed) return owner_->failed(std::move(committed).error());
    return committed;
}

}  // namespace postern::directory
