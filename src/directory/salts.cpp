// Salts that are made up: for names that nobody has, and for accounts of ours from the first day on, so that neither an
// account that is made nor a password that is changed shows. Where several kinds of users share a domain, a name
// that nobody has looks like one of them, always the same.
#include "base/crypto.hpp"
#include "directory/embedded.hpp"
#include "directory/import.hpp"
#include "directory/names.hpp"

namespace postern::directory {

std::string embedded::whole_name(std::string_view text) const { return with_domain(any_name_key(text)); }

/// The back end that is asked first and knows names without a domain puts its own behind them.
std::string embedded::with_domain(std::string const& name) const
{
    if (name.empty() || name.find('@') != std::string::npos) return name;
    auto const whole = [&](auto const& all) -> std::optional<std::string> {
        for (auto const& b : all)
            if (auto address = b->address_of(name); address != name) return address;
        return std::nullopt;
    };
    if (auto address = whole(sources_)) return *address;
    return whole(authenticators_).value_or(name);
}

scram_salt embedded::made_up_salt(std::string const& name, hash h) const
{
    return made_up_salt(name, h, {scram_iterations, scram_salt_size});
}

scram_salt embedded::made_up_salt(std::string const& name, hash h, scram_shape const& shape) const
{
    std::string text{"salt"};
    text += '\0';
    text += with_domain(name);
    std::string const key = store_->server_secret();
    std::string octets = hmac(h, key, text);
    while (octets.size() < shape.salt_size) octets += hmac(h, key, text + octets);
    octets.resize(shape.salt_size);
    return {std::move(octets), shape.iterations};
}

/// What an account of ours begins with, and goes on with when its password changes. Too few iterations of another
/// program's become ours, unless app passwords share the keys' salt.
scram_salt embedded::salt_to_be(std::string const& address, hash h, stored_account const* before) const
{
    auto salt = before != nullptr ? exchange_salt(*before, h) : std::nullopt;
    if (!salt) return made_up_salt(address, h);
    if (before->app_keys.empty()) salt->iterations = std::max(salt->iterations, scram_iterations);
    return *salt;
}

/// Of a name that is no account's: those of a back end's users may be of another shape than ours.
scram_salt embedded::strangers_salt(std::string const& name, hash h) const
{
    auto const whole = with_domain(name);
    std::vector<scram_shape> shapes;
    auto const own = own_shapes_.get();
    if (auto const found = own->find(whole.substr(whole.rfind('@') + 1)); found != own->end())
        shapes = found->second[static_cast<std::size_t>(h)];
    for (auto const& s : sources_)
        if (auto const shape = s->usual_shape(whole, h)) shapes.push_back(*shape);
    for (auto const& a : authenticators_)
        if (a->tells() && a->covers(whole))
            if (auto const shape = a->usual_shape(h)) shapes.push_back(*shape);
    if (shapes.empty()) return made_up_salt(whole, h);
    // One of them by lot, which falls the same way as long as it is among them.
    std::string const key = store_->server_secret();
    scram_shape chosen;
    std::string highest;
    for (auto const& s : shapes) {
        auto lot = hmac(hash::sha256, key,
                        "shape " + std::to_string(s.iterations) + ' ' + std::to_string(s.salt_size) + ' ' + whole);
        if (lot <= highest) continue;
        highest = std::move(lot);
        chosen = s;
    }
    return made_up_salt(whole, h, chosen);
}

sasl::scram_keys embedded::made_up_keys(std::string const& name, hash h) const
{
    std::string const secret_key = store_->server_secret();
    auto const derive = [&](std::string_view purpose) {
        std::string text{purpose};
        text += '\0';
        text += with_domain(name);
        return hmac(h, secret_key, text);
    };
    sasl::scram_keys keys;
    auto salt = strangers_salt(name, h);
    keys.salt = std::move(salt.octets);
    keys.iterations = salt.iterations;
    keys.stored_key = derive("stored key");
    keys.server_key = derive("server key");
    return keys;
}

}  // namespace postern::directory
