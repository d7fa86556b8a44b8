#include "directory/asker.hpp"

namespace postern::directory {
namespace {

error not_asked_that()
{
    return {{4, 3, 0}, "The accounts are not available", "this kind of back end can't be asked that"};
}

}  // namespace

result<judgement> asker::verify(std::string const&, secret const&, steady_time) { return not_asked_that(); }

result<std::optional<stored_user>> asker::fetch(std::string const&, steady_time) { return not_asked_that(); }

result<bool> asker::replace_password(std::string const&, secret const&, secret const&, steady_time)
{
    return not_asked_that();
}

std::optional<result<>> asker::probe(steady_time) { return std::nullopt; }

}  // namespace postern::directory
