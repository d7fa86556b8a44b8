// The numbers, as families of Prometheus.
#include <algorithm>
#include <map>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "base/counters.hpp"
#include "metrics/metrics.hpp"

namespace postern::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

constexpr std::size_t most_destinations = 100'000;

class collection {
public:
    void counter(char const* name, char const* help, double value) { add(name, help, MetricType::Counter, {}, value); }
    void gauge(char const* name, char const* help, double value) { add(name, help, MetricType::Gauge, {}, value); }
    void add(char const* name, char const* help, MetricType type, labels l, double value)
    {
        ClientMetric m;
        m.label = std::move(l);
        (type == MetricType::Counter ? m.counter.value : m.gauge.value) = value;
        family(name, help, type).metric.push_back(std::move(m));
    }
    void counters(char const* name, char const* help, char const* label, counters::family const& f)
    {
        family(name, help, MetricType::Counter);
        for (auto const& [text, n] : f.values())
            add(name, help, MetricType::Counter, {{label, text}}, static_cast<double>(n));
    }
    void histogram(char const* name, char const* help, counters::histogram const& h)
    {
        ClientMetric m;
        auto const counts = h.counts();
        for (std::size_t i = 0; i < counts.size(); ++i) {
            m.histogram.sample_count += counts[i];
            double const bound = i < h.bounds.size() ? h.bounds[i] : std::numeric_limits<double>::infinity();
            m.histogram.bucket.push_back({m.histogram.sample_count, bound});
        }
        m.histogram.sample_sum = h.sum();
        family(name, help, MetricType::Histogram).metric.push_back(std::move(m));
    }
    std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

private:
    MetricFamily& family(char const* name, char const* help, MetricType type)
    {
        auto const known =
            std::find_if(families_.begin(), families_.end(), [&](auto const& f) { return f.name == name; });
        if (known != families_.end()) return *known;
        MetricFamily& f = families_.emplace_back();
        f.name = name;
        f.help = help;
        f.type = type;
        return f;
    }
    std::vector<MetricFamily> families_;
};

double number(std::uint64_t n) { return static_cast<double>(n); }

void add_logins(collection& c)
{
    for (auto const& [text, n] : counters::totals.logins.values()) {
        auto const blank = std::min(text.find(' '), text.size());
        c.add("postern_logins_total", "Log-ins by mechanism and result.", MetricType::Counter,
              {{"mechanism", text.substr(0, blank)}, {"result", blank < text.size() ? text.substr(blank + 1) : ""}},
              number(n));
    }
}

void add_queue(collection& c, spool::spool& queue)
{
    constexpr char const* help = "Messages in the queue by state; active ones may be counted under another state, too.";
    if (auto const all = queue.look_over()) {
        std::pair<char const*, std::uint64_t> const states[] = {
            {"active", all->active}, {"deferred", all->deferred},     {"waiting", all->waiting},
            {"held", all->held},     {"unreadable", all->unreadable},
        };
        for (auto const& [state, n] : states)
            c.add("postern_queue_messages", help, MetricType::Gauge, {{"state", state}}, number(n));
        c.gauge("postern_queue_size", "All messages in the queue.", number(all->messages));
        c.gauge("postern_queue_recipients", "Recipients that wait for an attempt.", number(all->recipients));
        double const age = all->oldest ? std::chrono::duration<double>(wall_clock::now() - *all->oldest).count() : 0.0;
        c.gauge("postern_queue_oldest_seconds", "Age of the oldest message in the queue.", std::max(0.0, age));
    }
    auto const did = queue.observe();
    c.counter("postern_spool_commits_total", "Transactions of the spool.", number(did.commits));
    c.counter("postern_spool_committed_total", "Messages, settlements and changes that these stored.",
              number(did.in_commits));
    c.counter("postern_spool_commit_seconds_total", "Time that these took.", number(did.commit_microseconds) * 1e-6);
    c.gauge("postern_spool_log_octets", "Size of the write-ahead log that is not in the database yet.",
            number(did.octets_in_log));
}

void add_destinations(collection& c, delivery::service& delivery)
{
    std::size_t down = 0, in_line = 0, connections = 0;
    for (auto const& d : delivery.destinations(most_destinations)) {
        down += d.down_until ? 1 : 0;
        in_line += d.waiting;
        connections += d.connections;
    }
    c.gauge("postern_destinations_down", "Destinations that do not work at the moment.", number(down));
    c.gauge("postern_delivery_connections", "Connections for delivery.", number(connections));
    c.gauge("postern_delivery_in_line", "Messages in line for a connection.", number(in_line));
}

void add_guard(collection& c, guard::keeper const& guard)
{
    auto const f = guard.count();
    std::pair<char const*, std::size_t> const tables[] = {
        {"places", f.places}, {"networks", f.networks}, {"accounts", f.accounts}, {"successes", f.successes}};
    for (auto const& [table, n] : tables)
        c.add("postern_guard_entries", "Entries of the guard's tables.", MetricType::Gauge, {{"table", table}},
              number(n));
    c.counter("postern_guard_evicted_total", "Entries that made room for others before their time.", number(f.evicted));
}

}  // namespace

std::string text_of(sources const& from)
{
    collection c;
    auto const& t = counters::totals;
    c.add("postern_info", "The program.", MetricType::Gauge, {{"version", from.version}}, 1);
    c.gauge("postern_start_time_seconds", "When the server started, since 1970-01-01 UTC.",
            std::chrono::duration<double>(from.started.time_since_epoch()).count());
    c.counter("postern_connections_total", "Connections of clients.", number(t.connections.value()));
    c.gauge("postern_sessions", "Sessions of clients now.", number(from.gate.sessions()));
    c.counters("postern_sessions_by_tls_total", "Sessions that have ended, by version of TLS.", "version",
               t.tls_versions);
    add_logins(c);
    c.counters("postern_refusals_total", "Replies of 4xx and 5xx by rule of the catalogue.", "rule", t.refusals);
    c.counter("postern_messages_accepted_total", "Messages accepted.", number(t.messages.value()));
    c.counter("postern_recipients_accepted_total", "Recipients of these.", number(t.recipients.value()));
    c.counter("postern_octets_accepted_total", "Octets of these.", number(t.octets.value()));
    c.counters("postern_deliveries_total", "Attempts for one recipient each, by result.", "result", t.deliveries);
    c.histogram("postern_delivery_seconds", "From the acceptance of a message to the delivery to a recipient.",
                t.delivery_time);
    add_queue(c, from.queue);
    add_destinations(c, from.delivery);
    c.gauge("postern_password_checks_waiting", "Password checks that wait for a thread.",
            static_cast<double>(t.hash_waiting.value()));
    c.gauge("postern_password_checks_running", "Password checks under way.",
            static_cast<double>(t.hash_running.value()));
    add_guard(c, from.guard);
    return c.text();
}

}  // namespace postern::metrics
