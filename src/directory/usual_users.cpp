#include "directory/usual_users.hpp"

#include <functional>

#include "base/numbers.hpp"
#include "directory/verifier.hpp"
#include "sasl/scram.hpp"

namespace postern::directory {
namespace {

constexpr std::string_view dummy_word = "dummy ";
constexpr std::string_view shape_word = "scram ";

/// The text up to the next `end`, which is taken away, too.
std::string_view take(std::string_view& rest, char end)
{
    auto const at = std::min(rest.find(end), rest.size());
    auto const text = rest.substr(0, at);
    rest.remove_prefix(std::min(at + 1, rest.size()));
    return text;
}

}  // namespace

void usual_users::count(stored_account const& a)
{
    auto const who = static_cast<std::uint64_t>(std::hash<std::string>{}(a.who.address));
    std::lock_guard lock{lock_};
    if (a.problem == nullptr) {
        auto const cost = cost_of(a.verifier);
        costs_.cast(who, cost);
        // The same one as long as it costs the same: memories of unknown names depend on it.
        if (auto const& most = costs_.winner(); most && cost == *most && *most != dummy_cost_) {
            dummy_ = make_dummy(a.verifier);
            dummy_cost_ = *most;
            changed_ = true;
        }
    }
    for (hash const h : a.who.scram_hashes)
        changed_ |= shapes_[static_cast<std::size_t>(h)].cast(who, {a.scram[h].iterations, a.scram[h].salt.size()});
}

std::string usual_users::dummy() const
{
    std::lock_guard lock{lock_};
    return dummy_;
}

std::optional<scram_shape> usual_users::shape(hash h) const
{
    std::lock_guard lock{lock_};
    auto const& most = shapes_[static_cast<std::size_t>(h)].winner();
    if (!most) return std::nullopt;
    return scram_shape{most->first, most->second};
}

std::optional<std::string> usual_users::news()
{
    std::lock_guard lock{lock_};
    if (!std::exchange(changed_, false)) return std::nullopt;
    std::string text;
    if (!dummy_.empty()) text.append(dummy_word).append(dummy_) += '\n';
    for (hash const h : scram_set::hashes)
        if (auto const& most = shapes_[static_cast<std::size_t>(h)].winner())
            text.append(shape_word).append(std::to_string(digest_size(h))) +=
                ' ' + std::to_string(most->first) + ' ' + std::to_string(most->second) + '\n';
    return text;
}

void usual_users::remember(std::string_view text)
{
    std::lock_guard lock{lock_};
    while (!text.empty()) {
        auto line = take(text, '\n');
        if (line.starts_with(dummy_word)) {
            line.remove_prefix(dummy_word.size());
            dummy_ = line;
            dummy_cost_ = cost_of(line);
            costs_.set(dummy_cost_);
        } else if (line.starts_with(shape_word)) {
            line.remove_prefix(shape_word.size());
            auto const octets = parse_number<std::size_t>(take(line, ' '));
            auto const iterations = parse_number<std::uint32_t>(take(line, ' '));
            auto const salt = parse_number<std::size_t>(line);
            if (!octets || !iterations || !salt || *salt == 0 || *salt > sasl::scram::longest_salt) continue;
            for (hash const h : scram_set::hashes)
                if (digest_size(h) == *octets) shapes_[static_cast<std::size_t>(h)].set({*iterations, *salt});
        }
    }
}

}  // namespace postern::directory
