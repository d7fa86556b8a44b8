// The dispatcher's care for content that a server does not take: a copy is made on a helper's thread, and
// sent in the place of the message. Who signed it, and whether that still holds, is said in the log.
#include <utility>

#include "base/log.hpp"
#include "catalogue/rules.hpp"
#include "delivery/dispatcher.hpp"

namespace postern::delivery {

namespace rules = catalogue::rules;

void dispatcher::convert(std::shared_ptr<destination> const& d, job j, mail::content_need need)
{
    auto const& m = *j.of->what;
    // Somebody's who logged in: the signature was ours.
    auto keys = world_.signer != nullptr && !m.account.empty() ? world_.signer->keys() : nullptr;
    ++mailbox_jobs_;
    mailbox_workers_.post([bell = bell_, d, as = d->as, j = std::move(j), need, keys = std::move(keys),
                           folder = plan_->data_dir, now = world_.now()]() mutable {
        auto made = delivery::convert(*j.of->body, need, std::move(keys), folder, now);
        bell->ring([d, as, j = std::move(j), made = std::move(made)](dispatcher& self) {
            --self.mailbox_jobs_;
            // The line may be somebody else's by now.
            if (as != d->as && !self.stopping_) return self.route_anew(j);
            self.converted(d, j, made);
        });
    });
}

void dispatcher::converted(std::shared_ptr<destination> const& d, job j, result<conversion> const& made)
{
    if (stopping_ || !made) {
        under_way_ -= j.recipients.size();
        if (stopping_) return;
        log::event(log::level::error, "conversion_failed",
                   {{"queue_id", j.of->what->queue_id}, {"error", made.error().logged}});
        return settler_.put_off(j, own_finding(rules::delivery_overloaded, d->domain, made.error().logged), *plan_);
    }
    if (!made->made) return settle_all(j, own_finding(rules::remote_needs_seven_bit, d->domain, made->problem), d->key);
    bool const broken = !made->broken.empty();
    log::event(broken ? log::level::warning : log::level::info, "converted",
               {{"queue_id", j.of->what->queue_id},
                {"next_hop", d->key},
                {"to", made->made->as == mail::body_type::seven_bit ? "7bit" : "8bit"},
                {"signed_anew", made->signed_anew},
                {"breaks_signature_of", made->broken}});
    j.copy = made->made;
    d->waiting.put_back(std::move(j));
    put_to_work(d);
}

}  // namespace postern::delivery
