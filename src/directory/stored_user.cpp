#include "directory/stored_user.hpp"

#include "directory/import.hpp"
#include "directory/names.hpp"
#include "directory/passwd_file.hpp"
#include "directory/verifier.hpp"

namespace postern::directory {

bool take_scram(std::string const& verifier, stored_account& a)
{
    for (hash const h : scram_set::hashes) {
        auto keys = scram_keys_of(verifier, h);
        if (!keys.real) continue;
        if (!a.scram[h].real) a.who.scram_hashes.push_back(h);
        a.scram.set(h, std::move(keys));
        return true;
    }
    return false;
}

void take_facts(user_facts const& facts, account& who)
{
    who.smtp_auth = facts.smtp_auth;
    for (auto const& text : facts.aliases)
        if (auto key = login_key(text)) who.aliases.push_back(std::move(*key));
    for (auto const& text : facts.send_as)
        if (auto key = sender_key(text)) who.send_as.push_back(std::move(*key));
}

std::shared_ptr<stored_account> account_of(stored_user const& told, std::string const& address)
{
    auto a = std::make_shared<stored_account>();
    a->who.address = address;
    a->who.enabled = told.enabled;
    take_facts(told.user, a->who);
    a->who.created = wall_clock::now();
    a->who.password_set = a->who.created;
    if (!told.problem.empty()) {
        // Nothing lets that one in: neither a password nor what was proven elsewhere.
        a->who.enabled = false;
        a->problem = "what the back end has of the user can't be used; the log says why at backend_user_skipped";
        return a;
    }
    a->problem = "the back end has no password for the user";
    bool whole = false;  // there is a verifier that is no SCRAM keys
    for (auto const& text : told.passwords) {
        if (is_locked(text.reveal())) continue;
        auto const reading = read_import(text.reveal());
        if (reading.problem != nullptr) {
            if (a->verifier.empty()) a->problem = reading.problem;
            continue;
        }
        auto verifier = reading.verifier.empty() ? digest_verifier(reading.password) : reading.verifier;
        bool const scram = take_scram(verifier, *a);
        if (whole || (scram && !a->verifier.empty())) continue;
        whole = !scram;
        a->verifier = std::move(verifier);
        a->who.scheme = reading.verifier.empty() ? "plain" : scheme_of(a->verifier);
        a->text = text;
        a->problem = nullptr;
    }
    return a;
}

}  // namespace postern::directory
