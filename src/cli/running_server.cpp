#include "cli/running_server.hpp"

#include <cassert>
#include <thread>

#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.hpp"
#include "base/log_listener.hpp"
#include "cli/backend.hpp"
#include "cli/log_options.hpp"
#include "cli/machine.hpp"
#include "cli/privileges.hpp"
#include "console/event_ring.hpp"
#include "submission/logins.hpp"
#include "submission/smart_host_notice.hpp"

namespace postern::cli {
namespace {

result<control::instance_lock> own(std::filesystem::path const& data_dir)
{
    std::string holder;
    // A command that works on the files is soon done.
    auto lock = control::instance_lock::take(data_dir, holder, std::chrono::seconds{5});
    if (!lock) return std::move(lock.error());
    if (!*lock) {
        return error{{4, 3, 0},
                     "",
                     "data_dir " + data_dir.string() + " is in use by another process" +
                         (holder.empty() ? "" : " (" + holder + ")") + ": only one server can run on it"};
    }
    return std::move(**lock);
}

/// What `postern guard deny` and `allow` left.
result<> read_guard_lists(std::filesystem::path const& data_dir, guard::keeper& guard)
{
    auto lists = guard::load_lists(data_dir);
    if (!lists) return std::move(lists.error());
    guard.set_lists(std::move(*lists));
    return {};
}

/// What a reload brings into force: the new settings, but for those that only a restart takes up.
config::settings without_restart(config::settings const& running, config::settings wanted)
{
    wanted.data_dir = running.data_dir;
    wanted.threads = running.threads;
    wanted.user = running.user;
    wanted.listeners = running.listeners;
    wanted.auth.hash_threads = running.auth.hash_threads;
    wanted.auth.hash_queue = running.auth.hash_queue;
    wanted.auth.cache_life = running.auth.cache_life;
    wanted.backends = running.backends;
    wanted.auth.upgrade_hashes = running.auth.upgrade_hashes;
    wanted.limits.free_space = running.limits.free_space;
    wanted.web.address = running.web.address;
    wanted.web.http_address = running.web.http_address;
    wanted.web.user = running.web.user;
    wanted.web.socket = running.web.socket;
    wanted.dns = running.dns;
    wanted.transport.authorities = running.transport.authorities;
    wanted.sendmail.socket = running.sendmail.socket;
    wanted.sendmail.mode = running.sendmail.mode;
    wanted.sendmail.group = running.sendmail.group;
    wanted.metrics = running.metrics;
    wanted.mx.check_threads = running.mx.check_threads;
    // The table of options says which these are.
    assert(config::needs_restart(running, wanted).empty());
    return wanted;
}

directory::ldap_options ldap_of(config::backend const& b)
{
    directory::ldap_options o;
    o.urls = b.ldap.urls;
    o.starttls = b.ldap.tls == config::tls_mode::starttls;
    o.plaintext = b.ldap.plaintext;
    o.authorities = b.ldap.authorities;
    o.service_dn = b.ldap.service_dn;
    o.password_file = b.password_file;
    o.base = b.ldap.base;
    o.filter = b.ldap.filter;
    o.recipient_filter = b.ldap.recipient_filter;
    o.bind_dn = b.ldap.bind_dn;
    o.decoy_dn = b.ldap.decoy_dn;
    o.fetch = b.ldap.passwords == "fetch";
    o.password_attribute = b.ldap.password_attribute;
    o.address_attribute = b.ldap.address_attribute;
    o.aliases_attribute = b.ldap.aliases_attribute;
    o.smtp_auth_attribute = b.ldap.smtp_auth_attribute;
    return o;
}

}  // namespace

std::vector<directory::backend_options> backends_of(config::settings const& s)
{
    std::vector<directory::backend_options> list;
    for (auto const& b : s.backends) {
        directory::backend_options o;
        o.name = b.name;
        o.type = b.type;
        o.path = b.path;
        o.format.what = b.format == "shadow"     ? directory::file_format::kind::shadow
                        : b.format == "htpasswd" ? directory::file_format::kind::htpasswd
                                                 : directory::file_format::kind::dovecot;
        o.format.domain = b.domain;
        o.format.scheme = b.scheme;
        o.users = b.users;
        o.service = b.service;
        o.timeout = b.timeout;
        o.threads = b.threads;
        o.remember = b.remember;
        o.sql = {b.connection,    b.password_file, b.user_query,  b.recipient_query,
                 b.aliases_query, b.senders_query, b.update_query};
        o.ldap = ldap_of(b);
        list.push_back(std::move(o));
    }
    return list;
}

directory::options accounts_of(config::settings const& s)
{
    directory::options o;
    o.folder = s.data_dir;
    o.hash_threads = s.auth.hash_threads;
    o.hash_queue = s.auth.hash_queue;
    o.cache_life = s.auth.cache_life;
    o.upgrade_hashes = s.auth.upgrade_hashes;
    o.configured_domains = s.domains.local;
    o.basic_passwords = s.auth.basic_passwords;
    o.recipient_delimiter = s.submission.recipient_delimiter;
    o.scram_hashes = directory::scram_hashes_of(config::all_mechanisms(s));
    return o;
}

void start_log(config::settings const& s)
{
    auto o = log_options_of(s.log.format, s.log.level);
    o.history = s.data_dir / "history";
    o.history_size = s.log.history_size;
    log::start(std::move(o));
}

running_server::~running_server()
{
    // docs/architecture.md, "How it ends". Who asks first, and commands: they use all the rest.
    web_.stop();
    if (certificates_) certificates_->stop();  // a command may wait for it
    metrics_.reset();
    control_.reset();
    if (web_door_) web_door_->stop();
    numbers_.reset();
    certificates_.reset();
    key_watch_.reset();
    // The I/O threads. Their contexts, with the sessions that are left, stay: answers may still be
    // posted to them, which then nobody hears.
    if (auth_) auth_->stop();
    if (gate_) gate_->stop();
    // Everybody whose threads post such answers.
    if (judge_keeper_) judge_keeper_->stop();
    delivery_.reset();
    if (security_) security_->stop();
    if (notices_) notices_->stop();
    if (signer_) signer_->stop();
    queue_.reset();
    accounts_.reset();
    // No thread but ours is left that knows the contexts.
    web_door_.reset();
    auth_.reset();
    gate_.reset();
}

control::context running_server::context() const
{
    control::context c;
    {
        std::scoped_lock guard{lock_};
        c.settings = settings_;
        c.listeners = listeners_;
        c.judges = judges_;
    }
    c.accounts = accounts_.get();
    c.queue = queue_.get();
    c.gate = gate_.get();
    c.delivery = delivery_.get();
    c.guard = guard_.get();
    c.sending = ledger_ ? &ledger_->sending() : nullptr;
    c.conduct = ledger_ ? &ledger_->conduct() : nullptr;
    c.keys = keys_.get();
    c.security = security_.get();
    c.forwards = forwards_.get();
    c.key_watch = key_watch_.get();
    c.certificates = certificates_.get();
    c.signer = signer_.get();
    c.checks_seen = checks_seen_.get();
    c.events = &console::events_of_this_process();
    c.numbers = numbers_.get();
    c.discovery = discovery_.get();
    c.profiles = profiles_.get();
    c.visits = visits_.get();
    c.audit = audit_.get();
    c.started = started_;
    return c;
}

void running_server::list_listeners()
{
    auto all = gate_->listeners();
    for (auto const& l : auth_->listeners()) all.push_back({l.address, l.role, "none"});
    std::scoped_lock guard{lock_};
    listeners_ = std::move(all);
}

result<> running_server::start(std::vector<submission::inherited_socket> inherited)
{
    auto const& s = *settings_;
    started_ = wall_clock::now();

    // As root, where we are: ports below 1024, and a folder for the service's user.
    raise_descriptor_limit();
    ::umask(077);
    auto sockets = submission::bind_listeners(s, std::move(inherited));
    if (!sockets) return std::move(sockets.error());
    auto doors = auth::bind_doors(s);
    if (!doors) return std::move(doors.error());
    std::vector<net::socket_handle> numbers;
    if (!s.metrics.address.empty()) {
        auto bound = net::bind_sockets(s.metrics.address, false, 1);
        if (!bound) return std::move(bound.error());
        numbers = std::move(*bound);
    }
    if (auto made = make_data_dir(s); !made) return made;
    std::optional<control::bound_web_door> web;
    auto const bind_web_door = [&]() -> result<> {
        auto bound = control::bind_web_door(s);
        if (!bound) return std::move(bound.error());
        web = std::move(*bound);
        return {};
    };
    if (!control::is_in_data_dir(s))
        if (auto bound = bind_web_door(); !bound) return bound;
    web_ = start_web(s);
    if (auto dropped = drop_privileges(s.user); !dropped) return dropped;

    auto lock = own(s.data_dir);
    if (!lock) return std::move(lock.error());
    owned_.emplace(std::move(*lock));
    start_log(s);
    log::listen(&console::events_of_this_process());
    if (control::is_in_data_dir(s))
        if (auto bound = bind_web_door(); !bound) return bound;

    guard_ = std::make_unique<guard::keeper>(steady_clock::now());
    if (auto read = read_guard_lists(s.data_dir, *guard_); !read) return read;

    ledger::options counted;
    counted.folder = s.data_dir;
    auto ledger = ledger::open(std::move(counted));
    if (!ledger) return std::move(ledger.error());
    ledger_ = std::move(*ledger);

    auto accounts = accounts_of(s);
    accounts.backends = backends_of(s);
    auto opened = directory::open_embedded(std::move(accounts));
    if (!opened) return std::move(opened.error());
    accounts_ = std::move(*opened);

    spool::options spool;
    spool.folder = s.data_dir;
    spool.free_space_floor = s.limits.free_space;
    auto queue = spool::open(std::move(spool));
    if (!queue) return std::move(queue.error());
    queue_ = std::move(*queue);

    signer_ = std::make_unique<signing::signer>(std::thread::hardware_concurrency());
    keys_ = std::make_unique<signing::key_store>(s, signer_.get());
    key_watch_ = std::make_unique<signing::dns_watch>(*keys_, [this] { return context().settings; });

    auto forwards = forwarding::book::open(s.data_dir, started_);
    if (!forwards) return std::move(forwards.error());
    forwards_ = std::move(*forwards);
    configure(*forwards_, s);

    notices_ = std::make_unique<submission::notice_desk>(*accounts_, *queue_, *signer_);
    conduct_ = std::make_unique<submission::conduct_watch>(ledger_->conduct(), *notices_);
    devices_ = std::make_unique<submission::device_watch>(*notices_);
    escort::office_options office;
    office.folder = s.data_dir;
    office.authorities = s.transport.authorities;
    office.make_resolver = escort::resolver_of(s);
    auto security = escort::office::open(std::move(office), s, *queue_, *signer_);
    if (!security) return std::move(security.error());
    security_ = std::move(*security);
    auto delivery = delivery::make_service(
        s, *accounts_, *queue_, *signer_, *security_, *forwards_,
        [this](std::string const& account, std::uint32_t n) { conduct_->on_bounces(*context().settings, account, n); },
        [this](std::string const& host, std::string const& user, std::string const& reply, catalogue::rule const& why) {
            submission::tell_of_smart_host(*notices_, *context().settings, {host, user, reply, &why});
        });
    if (!delivery) return std::move(delivery.error());
    delivery_ = std::move(*delivery);

    judge_keeper_ = std::make_unique<login::judge_keeper>();
    judges_ = judge_keeper_->make(s);
    auto gate = submission::make_server(s, judges_, *accounts_, *queue_,
                                        {*guard_, ledger_->sending(), *conduct_, *devices_, *checks_seen_}, *signer_,
                                        *forwards_, std::move(*sockets));
    if (!gate) return std::move(gate.error());
    gate_ = std::move(*gate);
    auth_ = auth::make_server(s, judges_, submission::services_for_logins(*accounts_, *guard_, *conduct_, *devices_),
                              std::move(*doors));
    list_listeners();

    auto book = console::number_book::open(s.data_dir);
    if (!book) return std::move(book.error());
    numbers_ = std::make_unique<console::recorder>(std::move(*book), [this] {
        console::recorder::now_there there;
        if (auto const queued = queue_->count()) there.queue = *queued;
        there.sessions = gate_->sessions();
        return there;
    });

    if (auto kept = keep_certificates(); !kept) return kept;
    auto visits = visits::book::open(s.data_dir, started_);
    if (!visits) return std::move(visits.error());
    visits_ = std::move(*visits);
    if (auto audit = audit::book::open(s.data_dir); audit) {
        audit_ = std::move(*audit);
    } else {
        log::event(log::level::error, "audit_unavailable",
                   {{"problem", audit.error().logged}, {"text", "what is changed is in this log only"}});
    }
    auto control = control::make_server(s.data_dir, [this] { return context(); });
    if (!control) return std::move(control.error());
    control_ = std::move(*control);
    if (web)
        web_door_ = control::make_web_door(std::move(*web),
                                           submission::services_for_logins(*accounts_, *guard_, *conduct_, *devices_),
                                           [this] { return context(); });

    if (!numbers.empty())
        metrics_ = metrics::serve(std::move(numbers.front()),
                                  {*queue_, *delivery_, *gate_, *guard_, POSTERN_VERSION, started_});

    delivery_->start();
    gate_->start();
    auth_->start();
    if (web_door_) web_door_->start();
    return {};
}

result<> running_server::keep_certificates()
{
    certificate_news_ = control::descriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!certificate_news_) return error{{4, 3, 0}, "", "no descriptor is free"};
    acme::office_options o;
    // Not by context(): this object is not all there yet when the thread begins.
    o.settings = [this] {
        std::scoped_lock guard{lock_};
        return settings_;
    };
    o.local_domains = [this] { return accounts_->list_domains(); };
    o.make_resolver = escort::resolver_of(*settings_);
    o.changed = [this] {
        std::uint64_t const one = 1;
        // Fails only when it was told so often that nobody can miss it.
        [[maybe_unused]] auto const told = ::write(certificate_news_.get(), &one, sizeof one);
    };
    auto opened = acme::office::open(std::move(o));
    if (!opened) return std::move(opened.error());
    certificates_ = std::move(*opened);
    return {};
}

void running_server::give_up_pages()
{
    web_.stop();
    log::event(log::level::error, "web_gone",
               {{"text", "neither the pages nor the process that keeps them is left"},
                {"remedy", "mail is served all the same; restart to have the pages back"}});
}

void running_server::take_up_certificates()
{
    std::uint64_t told = 0;
    if (::read(certificate_news_.get(), &told, sizeof told) != sizeof told) return;
    auto const c = context();
    if (auto taken = gate_->reload(*c.settings, c.judges); !taken) {
        log::event(log::level::error, "certificates_not_taken_up", {{"problem", taken.error().logged}});
    } else {
        log::event(log::level::info, "certificates_taken_up");
    }
}

result<> running_server::reload(config::settings const& wanted)
{
    auto const before = context().settings;
    auto const in_force = without_restart(*before, wanted);
    if (auto read = read_guard_lists(in_force.data_dir, *guard_); !read) return read;
    auto judges = judge_keeper_->make(in_force);
    if (auto taken = gate_->reload(in_force, judges); !taken) return taken;
    if (auto taken = delivery_->reload(in_force); !taken) {
        // Both or none. The old settings were good, so this is not expected to fail.
        if (auto back = gate_->reload(*before, judges_); !back)
            log::event(log::level::error, "reload_not_undone", {{"problem", back.error().logged}});
        return taken;
    }
    if (auto taken = auth_->reload(in_force, judges); !taken) {
        // The same: here a new socket may well fail.
        if (auto back = gate_->reload(*before, judges_); !back)
            log::event(log::level::error, "reload_not_undone", {{"problem", back.error().logged}});
        if (auto back = delivery_->reload(*before); !back)
            log::event(log::level::error, "reload_not_undone", {{"problem", back.error().logged}});
        return taken;
    }
    list_listeners();
    keys_->reload(in_force);
    security_->reload(in_force);
    configure(*forwards_, in_force);
    accounts_->set_configured_domains(in_force.domains.local);
    accounts_->set_configured_basic_passwords(in_force.auth.basic_passwords);
    accounts_->set_recipient_delimiter(in_force.submission.recipient_delimiter);
    accounts_->set_scram_hashes(directory::scram_hashes_of(config::all_mechanisms(in_force)));
    for (auto const& name : config::needs_restart(*before, wanted))
        log::event(log::level::warning, "needs_restart", {{"option", name}});
    start_log(in_force);
    {
        std::scoped_lock guard{lock_};
        settings_ = std::make_shared<config::settings const>(in_force);
        judges_ = std::move(judges);
    }
    certificates_->wake();
    return {};
}

void running_server::drain()
{
    auto const limit = context().settings->timeouts.drain;
    // The pages, and commands, which may change accounts and the queue, end first. Then mail stops coming in,
    // and what goes out may finish.
    web_.let_go();
    certificates_->stop();
    metrics_.reset();
    control_->stop();
    if (web_door_) web_door_->stop();
    auth_->drain();
    gate_->drain();
    delivery_->stop(limit);
}

std::string running_server::status() const
{
    std::string text = "Listens on";
    for (auto const& l : listeners_) text += " " + l.address;
    return text;
}

}  // namespace postern::cli
