#include "signing/message_signing.hpp"

#include "base/log.hpp"

namespace postern::signing {

message_signing::message_signing(std::shared_ptr<keyring const> keys)
    : keys_(std::move(keys)), body_(keys_->rules().body)
{
}

std::unique_ptr<message_signing> message_signing::begin(std::shared_ptr<keyring const> keys,
                                                        std::vector<mail::header_field> const& fields, wall_time now)
{
    if (keys->empty()) return nullptr;
    auto const author = author_domain(fields);
    if (!author) return nullptr;
    auto const* const found = keys->find(*author);
    if (found == nullptr && keys->problem().empty()) return nullptr;
    std::unique_ptr<message_signing> made{new message_signing{std::move(keys)}};
    if (found == nullptr) {
        made->problem_ = made->keys_->problem();
        return made;
    }
    made->domain_ = found->name;
    if (found->keys.empty()) made->problem_ = found->problem;
    for (auto const& k : found->keys)
        made->parts_.push_back({&k, {found->name, k.selector, k.key, made->keys_->rules(), fields, now}});
    return made;
}

std::string message_signing::placeholder() const
{
    std::string out;
    for (auto const& p : parts_) out += p.signature.placeholder();
    return out;
}

std::optional<std::string> message_signing::sign()
{
    if (parts_.empty()) return std::nullopt;
    auto const body = body_.finish();
    std::string out;
    for (auto& p : parts_) {
        auto const made = p.key->key.sign(p.signature.digest(body));
        if (!made) {
            problem_ = "the cryptographic library can't sign with the key " + p.key->selector + " of " + domain_;
            return std::nullopt;
        }
        out += p.signature.finished(*made);
    }
    return out;
}

std::string message_signing::description() const
{
    std::string out;
    for (auto const& p : parts_) out += (out.empty() ? domain_ + '/' : ",") + p.key->selector;
    return out;
}

std::string signatures_for(std::shared_ptr<keyring const> const& keys, std::string_view message, wall_time now)
{
    if (keys->empty()) return {};
    auto rest = message;
    mail::header_collector header{message.size()};
    if (header.add(rest) != mail::header_collector::state::complete) {
        rest = {};
        if (header.finish() != mail::header_collector::state::complete) return {};
    }
    auto const fields = mail::parse_fields(header.text());
    auto const signing = fields ? message_signing::begin(keys, *fields, now) : nullptr;
    if (!signing) return {};
    signing->add_body(header.body_start());
    signing->add_body(rest);
    if (auto made = signing->sign()) return std::move(*made);
    log::event(log::level::warning, "dkim_unsigned", {{"problem", signing->problem()}});
    return {};
}

}  // namespace postern::signing
