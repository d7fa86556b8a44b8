// The server as a whole: its parts in the order in which they need each other, started,
// reloaded and ended together.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "acme/office.hpp"
#include "audit/book.hpp"
#include "auth/server.hpp"
#include "cli/application.hpp"
#include "cli/web_keeper.hpp"
#include "config/settings.hpp"
#include "console/discovery_log.hpp"
#include "console/recorder.hpp"
#include "control/instance_lock.hpp"
#include "control/local_socket.hpp"
#include "control/profile_book.hpp"
#include "control/server.hpp"
#include "control/web_door.hpp"
#include "delivery/service.hpp"
#include "directory/directory.hpp"
#include "escort/office.hpp"
#include "forwarding/book.hpp"
#include "guard/keeper.hpp"
#include "ledger/ledger.hpp"
#include "login/judges.hpp"
#include "metrics/metrics.hpp"
#include "signing/dns_watch.hpp"
#include "signing/key_store.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"
#include "submission/server.hpp"

namespace postern::cli {

class running_server {
public:
    explicit running_server(std::shared_ptr<config::settings const> s) : settings_(std::move(s)) {}
    ~running_server();

    /// Binds the ports, becomes the service's user, opens everything, accepts. On an error
    /// nothing runs.
    result<> start(std::vector<submission::inherited_socket> inherited);
    /// All of the new settings or none. What only a restart takes up is logged.
    result<> reload(config::settings const& wanted);
    /// Readable when the mail ports should take up other certificates; then take_up_certificates().
    int certificate_news() const noexcept { return certificate_news_.get(); }
    /// On the thread that also reloads. Those that can't be used leave the old ones in force.
    void take_up_certificates();
    /// In error (POLLERR) when neither the pages nor their keeper is left; then give_up_pages(). -1: there are none.
    int pages_tie() const noexcept { return web_.tie(); }
    void give_up_pages();
    /// Running transactions and deliveries may end, within timeouts.drain.
    void drain();

    std::vector<submission::listening> const& listeners() const noexcept { return listeners_; }
    std::string status() const;

private:
    control::context context() const;
    result<> keep_certificates();
    void list_listeners();

    mutable std::mutex lock_;  // of the next two: commands read them, a reload replaces them
    std::shared_ptr<config::settings const> settings_;
    login::judges judges_;
    wall_time started_;
    web_keeper web_;
    std::optional<control::instance_lock> owned_;
    std::unique_ptr<guard::keeper> guard_;
    std::unique_ptr<ledger::ledger> ledger_;
    std::unique_ptr<directory::directory> accounts_;
    std::unique_ptr<spool::spool> queue_;
    std::unique_ptr<submission::notice_desk> notices_;
    std::unique_ptr<signing::signer> signer_;
    std::unique_ptr<signing::key_store> keys_;
    std::unique_ptr<forwarding::book> forwards_;
    std::unique_ptr<signing::dns_watch> key_watch_;
    std::unique_ptr<submission::conduct_watch> conduct_;
    std::unique_ptr<submission::device_watch> devices_;
    std::unique_ptr<escort::office> security_;
    std::unique_ptr<delivery::service> delivery_;
    std::unique_ptr<witness::book> checks_seen_ = std::make_unique<witness::book>();  // of `postern check`
    std::unique_ptr<control::profile_book> profiles_ = std::make_unique<control::profile_book>();
    std::unique_ptr<login::judge_keeper> judge_keeper_;
    std::unique_ptr<submission::server> gate_;
    std::unique_ptr<auth::server> auth_;
    std::vector<submission::listening> listeners_;
    control::descriptor certificate_news_;  // an eventfd
    std::unique_ptr<acme::office> certificates_;
    std::unique_ptr<visits::book> visits_;
    std::unique_ptr<audit::book> audit_;  // null: it can't be opened
    std::unique_ptr<control::server> control_;
    std::unique_ptr<control::web_door> web_door_;
    std::unique_ptr<metrics::exporter> metrics_;
    std::unique_ptr<console::discovery_log> discovery_ = std::make_unique<console::discovery_log>();
    std::unique_ptr<console::recorder> numbers_;
};

/// The back ends as the directory wants them.
std::vector<directory::backend_options> backends_of(config::settings const& s);
/// The accounts' database, without back ends.
directory::options accounts_of(config::settings const& s);

/// The log as the settings want it.
void start_log(config::settings const& s);

}  // namespace postern::cli
