#include "moving/postfix_others.hpp"

namespace postern::moving {
namespace {

constexpr auto act = weight::act;
constexpr auto differs = weight::differs;
constexpr auto lost = weight::lost;
constexpr auto fine = weight::fine;

// What is first counts: single names stand before the families that they are of.
constexpr remark remarks[] = {
    // Filters
    {"smtpd_milters", act,
     "Write a [[milter]] for each into Postern's configuration (docs/milters.md). Postern signs with DKIM itself, with "
     "OpenDKIM's keys too (docs/dkim.md), so that one may not be needed."},
    {"non_smtpd_milters", lost, "For mail of the sendmail command."},
    {"milter_*", lost, "Milters are set in [[milter]]. See smtpd_milters."},
    {"content_filter", act,
     "Postern hands mail to no filter, so it comes in unchecked. Let Postfix stay for mail from other servers "
     "(--submission-only)."},
    {"receive_override_options", lost, "Part of a content filter, which Postern has not got."},
    {"smtpd_proxy_filter", act, "Postern hands mail to no filter. See content_filter."},
    {"smtpd_proxy_*", lost, "Part of smtpd_proxy_filter."},
    {"header_checks", act,
     "Postern changes and refuses nothing by patterns. What hides the addresses of clients: "
     "submission.hide_client_address."},
    {"mime_header_checks", act, "Postern looks for no patterns in messages."},
    {"nested_header_checks", act, "Postern looks for no patterns in messages."},
    {"body_checks", act, "Postern looks for no patterns in messages."},
    {"smtp_header_checks", lost, "Postern changes nothing on the way out."},
    {"smtp_*_checks", lost, "Postern changes nothing on the way out."},
    {"*_checks_size_limit", lost, "Postern looks for no patterns in messages."},
    {"postscreen_*", lost, "Postern has no postscreen: no greet delay, no blocklists."},
    {"smtpd_policy_service_*", lost, "Postern asks no policy service."},
    {"spf_*", lost, "Of a policy service; Postern asks none."},
    {"policyd*", lost, "Of a policy service; Postern asks none."},
    {"smtpd_restriction_classes", act,
     "Postern has no classes of restrictions: all accounts are under the same rules."},
    {"smtpd_delay_reject", fine, "Postern refuses at the recipient wherever it can, too."},
    // Routes and rewriting
    {"transport_maps", act, "Write [[route]]s for what is in there."},
    {"relay_domains", act,
     "Postern relays for no domains but its own; mail for these is refused. Let Postfix stay for mail from other "
     "servers."},
    {"relay_recipient_maps", act, "Of relay_domains."},
    {"relay_transport", act, "Of relay_domains."},
    {"default_transport", lost, "All other domains go to delivery.smart_host, by a [[route]], or by MX."},
    {"fallback_relay", lost, "There is no second way when the first fails."},
    {"smtp_fallback_relay", lost, "There is no second way when the first fails."},
    {"fallback_transport*", act, "Postern has one way to mailboxes, delivery.local."},
    {"sender_dependent_*", act, "Write [[route]]s with `senders` for what is in there."},
    {"sender_bcc_maps", act, "Postern makes no copies."},
    {"recipient_bcc_maps", act, "Postern makes no copies."},
    {"always_bcc", act, "Postern makes no copies: an archive by this stops."},
    {"canonical_maps", act, "Postern rewrites no addresses."},
    {"sender_canonical_*", act, "Postern rewrites no addresses."},
    {"recipient_canonical_*", act, "Postern rewrites no addresses. Aliases of accounts may do."},
    {"canonical_classes", lost, "Postern rewrites no addresses."},
    {"generic_maps", lost, "Postern rewrites no addresses."},
    {"smtp_generic_maps", act, "Postern rewrites no addresses."},
    {"masquerade_*", act, "Postern rewrites no addresses."},
    {"relocated_maps", lost, "Postern answers that an address is unknown, not where it moved."},
    {"propagate_unmatched_extensions", fine, "Details behind the delimiter stay."},
    {"append_dot_mydomain", fine, "Postern completes no addresses."},
    {"append_at_myorigin", fine, "Postern completes no addresses."},
    {"local_header_rewrite_clients", fine, "Postern rewrites no headers."},
    {"remote_header_rewrite_domain", fine, "Postern rewrites no headers."},
    {"luser_relay", act, "Postern refuses unknown recipients."},
    {"local_recipient_maps", fine, "Who is known, the back ends and accounts say."},
    {"virtual_mailbox_maps", fine,
     "Who is known, the back ends and accounts say. Dovecot's userdb has to know them all."},
    {"unknown_*_reject_code", fine, "Postern's replies have their own codes."},
    {"*_reject_code", fine, "Postern's replies have their own codes."},
    {"smtpd_reject_unlisted_*", fine, "Postern always looks whether a local recipient exists."},
    {"smtpd_relay_before_recipient_restrictions", fine, "Order does not matter in Postern."},
    {"strict_rfc821_envelopes", fine, "Postern is strict about envelopes."},
    {"disable_vrfy_command", fine, "Postern's VRFY tells nothing."},
    {"smtpd_forbid_*", fine, "Postern takes CRLF and nothing else as the end of a line."},
    {"smtpd_forbid_bare_newline*", fine, "Postern takes CRLF and nothing else as the end of a line."},
    {"smtpd_data_*", fine, "See smtpd_*_restrictions."},
    // Logging in
    {"smtpd_sasl_security_options", fine, "Postern has no anonymous log-ins; passwords want TLS."},
    {"smtpd_sasl_tls_security_options", fine, "Postern has no anonymous log-ins; passwords want TLS."},
    {"smtpd_sasl_local_domain", differs, "Users without a domain belong to the `domain` of their [[backend]]."},
    {"smtpd_sasl_authenticated_header", differs,
     "Postern never writes the login into the message. `postern why` knows who sent it."},
    {"smtpd_sasl_exceptions_networks", lost, "Postern offers log-ins to all networks."},
    {"smtpd_sasl_*", lost, "See [auth] and [[backend]]."},
    {"cyrus_sasl_config_path", lost, "Postern does not use Cyrus SASL."},
    {"smtpd_use_tls", fine, "Postern always offers TLS."},
    {"smtpd_enforce_tls", differs, "Postern wants TLS for log-ins; strangers on port 25 may go without."},
    {"smtpd_tls_CA*", lost, "Only for clients' certificates: auth.client_authorities."},
    {"smtpd_tls_ask_ccert", act, "Clients' certificates: client_certificates of a [[listener]], docs/mechanisms.md."},
    {"smtpd_tls_req_ccert", act, "Clients' certificates: client_certificates of a [[listener]], docs/mechanisms.md."},
    {"relay_clientcerts", act, "Clients' certificates: [[auth.certificates]], docs/mechanisms.md."},
    {"smtpd_tls_security_level", fine, "Postern always offers TLS."},
    {"smtpd_tls_loglevel", fine, "Postern logs version and cipher of each session."},
    {"smtpd_tls_received_header", fine, "Postern's Received fields always say it."},
    {"smtpd_tls_session_cache_*", fine, "TLS keeps sessions in tickets."},
    {"smtpd_tls_*", differs,
     "Postern chooses ciphers, curves and parameters itself; tls.minimum sets the oldest version."},
    {"tls_*", differs, "Postern chooses ciphers, curves and parameters itself; tls.minimum sets the oldest version."},
    {"broken_sasl_auth_clients", fine, "auth_equals of the [[listener]] tables."},
    // Going out
    {"smtp_sasl_*", differs,
     "Postern takes the strongest mechanism that both sides know; `mechanisms` of a [[smart_host]]."},
    {"smtp_tls_session_cache_database", fine, "Postern needs none."},
    {"smtp_tls_CA*", fine, "transport.authorities names authorities of your own, for [[tls_policy]] and MTA-STS."},
    {"smtp_tls_loglevel", fine, "Postern logs version and cipher of each session."},
    {"smtp_use_tls", fine, "Postern uses TLS wherever the other side has it."},
    {"smtp_tls_note_starttls_offer", fine, "Only logs."},
    {"smtp_tls_policy_maps", lost,
     "Postern has [[tls_policy]] for single domains (docs/transport-security.md); delivery.require_tls is for the "
     "smart host."},
    {"smtp_tls_wrappermode", fine, "`tls` of the [[smart_host]]; on port 465 Postern speaks TLS from the start."},
    {"smtp_tls_security_level", differs,
     "Postern uses TLS wherever the other side has it, and obeys DANE and MTA-STS; more is demanded by [[tls_policy]]. "
     "delivery.require_tls is for the smart host."},
    {"smtp_dns_support_level", differs, "Postern validates DNSSEC by itself; see dns.trust_anchor."},
    {"smtp_host_lookup", fine, "Postern asks the DNS."},
    {"smtp_bind_address*", lost, "Postern goes out with the address that the system chooses."},
    {"smtp_helo_name", differs, "Postern says hostname."},
    {"smtp_address_preference", fine, "Postern tries both families."},
    {"smtp_tls_*", differs, "Postern chooses ciphers and versions itself."},
    {"smtp_destination_*", differs, "delivery.connections_per_host, and delivery.concurrency for all."},
    {"default_destination_*", differs, "delivery.connections_per_host, and delivery.concurrency for all."},
    {"*_destination_*_limit", differs, "delivery.connections_per_host, and delivery.concurrency for all."},
    {"*_destination_rate_delay", differs, "messages_per_minute of a [[smart_host]]."},
    {"initial_destination_concurrency", fine, "Postern begins slowly, too."},
    {"minimal_backoff_time", differs, "The waits between attempts: delivery.retry."},
    {"maximal_backoff_time", differs, "The waits between attempts: delivery.retry."},
    {"queue_run_delay", differs, "The waits between attempts: delivery.retry."},
    {"bounce_queue_lifetime", differs, "delivery.give_up_after is for reports, too."},
    {"lmtp_*", fine, "Postern's LMTP has no such knobs."},
    {"smtp_*", lost, "Postern's client has no such option."},
    {"bounce_*", lost, "Postern's reports have one form, with a full text for people."},
    {"notify_classes", lost, "The log and `postern status` tell of trouble."},
    {"*_notice_recipient", lost, "The log and `postern status` tell of trouble; guard.operator_address."},
    {"error_notice_recipient", lost, "The log and `postern status` tell of trouble."},
    {"double_bounce_sender", fine, "Reports have an empty sender."},
    // Limits
    {"smtpd_client_message_rate_limit", differs, "[[limits.sending]] counts by the hour and day."},
    {"smtpd_client_recipient_rate_limit", differs, "[[limits.sending]] counts by the hour and day."},
    {"smtpd_client_connection_rate_limit", lost,
     "Postern limits connections at a time, and log-ins that fail ([guard])."},
    {"smtpd_client_auth_rate_limit", differs, "[guard] slows and refuses those who guess."},
    {"smtpd_client_*", lost, "See [limits] and [guard]."},
    {"anvil_*", fine, "Postern counts by itself."},
    {"mailbox_size_limit", fine, "Dovecot's quota."},
    {"virtual_mailbox_limit*", differs, "Dovecot's quota, when it delivers."},
    {"smtpd_timeout", differs, "timeouts.command and timeouts.data."},
    {"smtpd_soft_error_limit", differs,
     "Postern does not slow down for errors; it ends the session after limits.errors."},
    {"smtpd_error_sleep_time", differs, "Postern does not slow down for errors; log-ins: auth.failure_delay."},
    {"smtpd_junk_command_limit", differs, "limits.errors."},
    {"default_process_limit", fine, "Postern has threads, and limits.connections."},
    {"smtpd_helo_required", fine, "Postern wants EHLO or HELO first, always."},
    {"smtpd_banner", differs, "Postern's greeting is its host name."},
    {"smtpd_*_login_*", fine, "See smtpd_sender_login_maps."},
    {"smtpd_discard_ehlo_*", lost, "Postern shows what it can."},
    {"smtpd_authorized_*", lost, "Postern has no such option."},
    {"smtpd_*", lost, "Postern's server has no such option."},
    // Postfix itself
    {"relayhost", fine, "Empty: mail goes by MX."},
    {"local_transport", differs, "All local mail goes to delivery.local."},
    {"mailbox_command*", act, "Is not run any more: sort mail with Dovecot's Sieve, over LMTP."},
    {"mailbox_transport*", differs, "All local mail goes to delivery.local."},
    {"home_mailbox", differs, "All local mail goes to delivery.local."},
    {"mail_spool_directory", differs, "All local mail goes to delivery.local."},
    {"forward_path", act, "Postern reads no .forward files. Dovecot's Sieve can redirect."},
    {"virtual_*", fine, "Of Postfix's delivery; mail goes to delivery.local."},
    {"dovecot_*", fine, "Of a transport to Dovecot; mail goes to delivery.local."},
    {"alias_database", fine, "Where newaliases writes."},
    {"biff", fine, "Nothing of that in Postern."},
    {"owner_request_special", lost, "Postern has no lists."},
    {"mynetworks", fine, "relay.networks."},
    {"mynetworks_style", fine, "mynetworks is set."},
    {"inet_interfaces", fine, "The addresses of the [[listener]] tables."},
    {"inet_protocols", differs, "Postern talks to other servers over IPv4 and IPv6."},
    {"smtputf8_enable", fine, "Postern has SMTPUTF8."},
    {"parent_domain_matches_subdomains", fine, "Domains are exact."},
    {"mydomain", fine, "Part of other values."},
    {"myorigin", fine, "Postern completes no addresses."},
    {"compatibility_level", fine, "Of Postfix itself."},
    {"readme_directory", fine, "Of Postfix itself."},
    {"html_directory", fine, "Of Postfix itself."},
    {"manpage_directory", fine, "Of Postfix itself."},
    {"sample_directory", fine, "Of Postfix itself."},
    {"meta_directory", fine, "Of Postfix itself."},
    {"shlib_directory", fine, "Of Postfix itself."},
    {"*_directory", fine, "Of Postfix itself."},
    {"mail_owner", fine, "Of Postfix itself; `user` is Postern's."},
    {"default_privs", fine, "Of Postfix itself."},
    {"setgid_group", fine, "Of Postfix itself."},
    {"sendmail_path", fine, "Of Postfix itself."},
    {"newaliases_path", fine, "Of Postfix itself."},
    {"mailq_path", fine, "Of Postfix itself."},
    {"mail_version", fine, "Of Postfix itself."},
    {"mail_name", fine, "Of Postfix itself."},
    {"debug*", fine, "Of Postfix itself."},
    {"maillog_*", fine, "Postern logs to standard error, which is the journal under systemd."},
    {"syslog_*", fine, "Postern logs to standard error, which is the journal under systemd."},
    {"import_environment", fine, "Of Postfix itself."},
    {"unknown_local_recipient_reject_code", fine, "Postern's replies have their own codes."},
    {"soft_bounce", act, "Postern refuses for good. Switch it off before you compare."},
    {"multi_instance_*", differs, "Postern serves all from one configuration; import the other instances one by one."},
    {"proxy_read_maps", fine, "Of Postfix's processes."},
    {"proxy_interfaces", fine, "Postern needs not know them."},
    {"default_database_type", fine, "Of Postfix itself."},
    {"enable_long_queue_ids", fine, "Of Postfix itself."},
    {"address_verify_*", lost, "Postern does not ask other servers about addresses."},
    {"resolve_*", fine, "Of Postfix itself."},
    {"swap_bangpath", fine, "Of Postfix itself."},
    {"allow_percent_hack", fine, "Of Postfix itself."},
    {"delay_notice_recipient", lost, "Senders are told."},
    {"maximal_queue_lifetime", fine, "delivery.give_up_after."},
    {"undisclosed_recipients_header", fine, "Postern adds no To field."},
    {"always_add_missing_headers", fine, "Postern adds Date and Message-ID to what accounts send."},
    {"message_drop_headers", lost, "Postern takes out Bcc only."},
    {"mailman_*", act, "Mailing lists stay with Postfix."},
};

bool matches(std::string_view pattern, std::string_view name) noexcept
{
    auto const star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == name;
    auto const head = pattern.substr(0, star);
    auto tail = pattern.substr(star + 1);
    if (!name.starts_with(head)) return false;
    name.remove_prefix(head.size());
    auto const second = tail.find('*');
    if (second == std::string_view::npos) return name.ends_with(tail);
    return name.find(tail.substr(0, second)) != std::string_view::npos;
}

}  // namespace

remark const* remark_on(std::string_view parameter) noexcept
{
    for (auto const& r : remarks)
        if (matches(r.name, parameter)) return &r;
    return nullptr;
}

}  // namespace postern::moving
