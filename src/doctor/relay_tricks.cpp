#include "doctor/relay_tricks.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace postern::doctor {
namespace {

using namespace std::string_literals;

std::string in_brackets(std::string const& address) { return '<' + address + '>'; }

class list {
public:
    explicit list(relay_names const& n)
        : n_(n),
          domain_(n.local.empty() ? std::string{} : n.local.front()),
          target_("victim@" + n.outside),
          stranger_("<stranger@example.net>")
    {
    }

    std::vector<relay_trick> take()
    {
        senders();
        recipients();
        routes();
        octets();
        if (!domain_.empty()) through(domain_);
        if (n_.hostname != domain_) through(n_.hostname);
        through('[' + n_.address + ']');
        claims();
        return std::move(all_);
    }

private:
    void add(std::string name, std::string to, std::string const& domain = {})
    {
        add(std::move(name), stranger_, std::move(to), domain);
    }
    void add(std::string name, std::string from, std::string to, std::string const& domain)
    {
        bool const ours = std::find(n_.local.begin(), n_.local.end(), domain) != n_.local.end();
        all_.push_back({std::move(name), {}, {}, std::move(from), std::move(to), ours ? domain : std::string{}});
    }
    /// Who the sender claims to be must not matter.
    void senders()
    {
        auto const to = in_brackets(target_);
        add("nothing special", to);
        add("the null sender", "<>", to, {});
        add("a sender without domain", "<stranger>", to, {});
        add("the server's host name as sender", "<postmaster@" + n_.hostname + '>', to, {});
        add("an address literal as sender", "<stranger@[" + n_.address + "]>", to, {});
        add("this machine as sender", "<root@localhost>", to, {});
        add("a source route as sender", "<@" + n_.hostname + ":stranger@example.net>", to, {});
        add("a sender without brackets", "stranger@example.net", to, {});
        if (domain_.empty()) return;
        add("a local sender", "<postmaster@" + domain_ + '>', to, {});
        add("a local sender in capitals", "<POSTMASTER@" + to_upper(domain_) + '>', to, {});
        add("a local sender with a dot at the end", "<postmaster@" + domain_ + ".>", to, {});
        add("AUTH= that names a local account", "<postmaster@" + domain_ + "> AUTH=postmaster@" + domain_, to, {});
        add("a local quoted sender", "<\"postmaster\"@" + domain_ + '>', to, {});
    }
    void recipients()
    {
        add("a recipient in capitals", in_brackets(to_upper(target_)));
        add("a recipient without brackets", target_);
        add("a dot behind the domain", in_brackets(target_ + '.'));
        add("two dots behind the domain", in_brackets(target_ + ".."));
        add("a blank inside the brackets", "< " + target_ + '>');
        add("a blank behind the address", '<' + target_ + " >");
        add("two pairs of brackets", "<<" + target_ + ">>");
        add("a comment in the address", "<victim(comment)@" + n_.outside + '>');
        add("a quoted local part", "<\"victim\"@" + n_.outside + '>');
        add("a quoted address without domain", "<\"" + target_ + "\">");
        add("percent without domain", "<victim%" + n_.outside + '>');
        add("a bang path without domain", '<' + n_.outside + "!victim>");
        add("a list with semicolon", '<' + target_ + ";postmaster>");
        add("an address literal", "<victim@[192.0.2.66]>");
        add("an IPv6 literal", "<victim@[IPv6:2001:db8::66]>");
        add("a bare IPv4 address", "<victim@192.0.2.66>");
        add("an unknown kind of literal", "<victim@[x400:66]>");
        add("parameters of DSN", in_brackets(target_) + " NOTIFY=NEVER ORCPT=rfc822;" + target_);
        add("a domain with UTF-8", "<victim@\xc3\xa4." + n_.outside + '>');
        if (domain_.empty()) return;
        add("a name below the local domain", "<victim@relay-test." + domain_ + '>', "relay-test." + domain_);
        add("the local domain in front of another", "<victim@" + domain_ + '.' + n_.outside + '>');
        add("two signs @, ours first", "<victim@" + domain_ + '@' + n_.outside + '>');
        add("a list with comma", "<postmaster@" + domain_ + ',' + target_ + '>');
        add("our domain in a comment", '<' + target_ + '(' + domain_ + ")>");
    }
    /// RFC 5321 appendix F.2: to be ignored, and then the address is somebody else's.
    void routes()
    {
        for (auto const& via : {domain_, n_.hostname, '[' + n_.address + ']'}) {
            if (via.empty()) continue;
            add("a source route by " + via, "<@" + via + ':' + target_ + '>');
        }
        add("a source route of two", "<@" + n_.hostname + ",@example.net:" + target_ + '>');
        add("a source route without colon", "<@" + n_.hostname + ' ' + target_ + '>');
    }
    void octets()
    {
        if (domain_.empty()) return;
        add("NUL in front of the local domain", '<' + target_ + "\0@"s + domain_ + '>');
        add("NUL behind the local part", "<victim\0@"s + n_.outside + '>');
        add("NUL behind the address", '<' + target_ + "\0>"s);
        add("8-bit in front of the local domain", '<' + target_ + "\xff@" + domain_ + '>');
        add("a tab in the address", "<victim\t@" + n_.outside + '>');
    }
    /// Addresses in addresses, for a server that takes them apart once it has found its own name.
    void through(std::string const& ours)
    {
        add("percent hack by " + ours, "<victim%" + n_.outside + '@' + ours + '>', ours);
        add("percent hack twice by " + ours, "<victim%" + n_.outside + '%' + ours + '@' + ours + '>', ours);
        add("bang path by " + ours, '<' + n_.outside + "!victim@" + ours + '>', ours);
        add("an address as quoted local part by " + ours, "<\"" + target_ + "\"@" + ours + '>', ours);
        add("a quoted percent hack by " + ours, "<\"victim%" + n_.outside + "\"@" + ours + '>', ours);
        add("two signs @ by " + ours, '<' + target_ + '@' + ours + '>', ours);
        add("an escaped @ by " + ours, "<victim\\@" + n_.outside + '@' + ours + '>', ours);
        add("a bang path to " + ours + " first", '<' + ours + '!' + n_.outside + "!victim@" + ours + '>', ours);
    }
    /// What a client says of itself must not matter.
    void claims()
    {
        auto const to = in_brackets(target_);
        for (auto const* name : {"localhost", "[127.0.0.1]"}) {
            all_.push_back({"EHLO "s + name, {}, name, stranger_, to, {}});
        }
        all_.push_back({"EHLO with the server's own name", {}, n_.hostname, stranger_, to, {}});
        all_.push_back({"XCLIENT", "XCLIENT ADDR=127.0.0.1 NAME=localhost LOGIN=postmaster", {}, stranger_, to, {}});
        all_.push_back({"XFORWARD", "XFORWARD ADDR=127.0.0.1 SOURCE=LOCAL", {}, stranger_, to, {}});
        all_.push_back({"a PROXY header", "PROXY TCP4 127.0.0.1 127.0.0.1 1 25", {}, stranger_, to, {}});
        all_.push_back({"X-header in place of a command", "X-Originating-IP: [127.0.0.1]", {}, stranger_, to, {}});
    }

    relay_names const& n_;
    std::string domain_, target_, stranger_;
    std::vector<relay_trick> all_;
};

}  // namespace

std::vector<relay_trick> relay_tricks(relay_names const& n) { return list{n}.take(); }

std::string nobody_at(std::string const& domain)
{
    return '<' + to_lower(make_session_id()) + "-nobody@" + domain + '>';
}

std::string shown(std::string const& raw) { return printable(raw, 200); }

}  // namespace postern::doctor
