#include "delivery/converting.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "mail/header_section.hpp"
#include "mail/tag_list.hpp"
#include "signing/message_signing.hpp"

namespace postern::delivery {

namespace {

constexpr std::size_t piece_size = 256u << 10;
constexpr std::size_t memory_limit = 128u << 10;
constexpr std::size_t header_limit = 1u << 20, most_fields = 5000;

error disk_failure(char const* doing)
{
    return {{4, 3, 0}, "", std::string{doing} + ": " + std::generic_category().message(errno)};
}

int open_nameless(std::filesystem::path const& folder)
{
    int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return file;
    // Not every file system has them.
    std::string name = (folder / "converted-XXXXXX").string();
    file = ::mkostemp(name.data(), O_CLOEXEC);
    if (file >= 0) ::unlink(name.c_str());
    return file;
}

// In memory, or in a file without a name.
class scratch final : public spool::content {
public:
    explicit scratch(std::filesystem::path folder) : folder_(std::move(folder)) {}
    ~scratch() override
    {
        if (file_ >= 0) ::close(file_);
    }
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;

    result<> append(std::string_view octets)
    {
        if (file_ < 0 && size_ + octets.size() > memory_limit) {
            file_ = open_nameless(folder_);
            if (file_ < 0) return disk_failure("a converted message");
            auto const kept = write(0, text_);
            if (!kept) return kept;
            std::string{}.swap(text_);
        }
        lines_begin_with_dot_ = lines_begin_with_dot_ || (at_line_start_ && octets.starts_with('.')) ||
                                (last_ == '\r' && octets.starts_with("\n.")) ||
                                octets.find("\r\n.") != std::string_view::npos;
        if (!octets.empty()) {
            at_line_start_ = octets.ends_with("\r\n") || (octets == "\n" && last_ == '\r');
            last_ = octets.back();
        }
        auto const written = write(size_, octets);
        size_ += octets.size();
        return written;
    }
    /// Over what is there.
    result<> write(std::uint64_t at, std::string_view octets)
    {
        if (file_ < 0) {
            text_.resize(std::max<std::size_t>(text_.size(), at + octets.size()));
            text_.replace(static_cast<std::size_t>(at), octets.size(), octets);
            return done{};
        }
        while (!octets.empty()) {
            auto const n = ::pwrite(file_, octets.data(), octets.size(), static_cast<off_t>(at));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return disk_failure("a converted message");
            octets.remove_prefix(static_cast<std::size_t>(n));
            at += static_cast<std::uint64_t>(n);
        }
        return done{};
    }
    bool lines_begin_with_dot() const noexcept { return lines_begin_with_dot_; }

    std::uint64_t size() const noexcept override { return size_; }
    std::optional<std::string_view> in_memory() const noexcept override
    {
        return file_ < 0 ? std::optional<std::string_view>{text_} : std::nullopt;
    }
    int file() const noexcept override { return file_; }
    result<std::string> read(std::uint64_t offset, std::size_t limit) const override
    {
        if (offset >= size_) return std::string{};
        if (file_ < 0) return text_.substr(static_cast<std::size_t>(offset), limit);
        std::string out(std::min<std::uint64_t>(limit, size_ - offset), '\0');
        std::size_t had = 0;
        while (had < out.size()) {
            auto const n = ::pread(file_, out.data() + had, out.size() - had, static_cast<off_t>(offset + had));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return disk_failure("a converted message");
            had += static_cast<std::size_t>(n);
        }
        return out;
    }

private:
    std::filesystem::path folder_;
    std::string text_;
    int file_ = -1;
    std::uint64_t size_ = 0;
    bool lines_begin_with_dot_ = false, at_line_start_ = true;
    char last_ = 0;
};

// Calls it with all of the content, in pieces.
template <class Take>
result<> read_all(spool::content const& from, Take take)
{
    for (std::uint64_t at = 0; at < from.size();) {
        auto const piece = from.read(at, piece_size);
        if (!piece) return piece.error();
        if (piece->empty()) return error{{4, 3, 0}, "", "content that ends too early"};
        at += piece->size();
        if (auto taken = take(std::string_view{*piece}); !taken) return taken;
    }
    return done{};
}

std::string domain_of(signing::message_signing const& s)
{
    std::string const text = s.description();
    return text.substr(0, text.find('/'));
}

bool is_by(mail::header_field const& f, std::string const& domain)
{
    if (!f.is("DKIM-Signature")) return false;
    std::string const value = f.unfolded();
    for (std::string_view rest = value; !rest.empty();) {
        std::string_view tag = mail::take_until(rest, ';');
        if (mail::take_until(tag, '=') == "d") return mail::trimmed(tag) == domain;
    }
    return false;
}

// Takes what is converted, as it comes.
class copy_writer {
public:
    copy_writer(std::shared_ptr<signing::keyring const> keys, std::filesystem::path const& folder, wall_time now)
        : keys_(std::move(keys)), now_(now), out_(std::make_shared<scratch>(folder))
    {
    }

    result<> add(std::string_view octets)
    {
        if (!in_body_) {
            auto const state = header_.add(octets);
            if (state == mail::header_collector::state::more) return done{};
            if (auto r = begin_body(); !r) return r;
        }
        return body(octets);
    }
    result<> finish()
    {
        if (!in_body_) {
            header_.finish();
            if (auto r = begin_body(); !r) return r;
        }
        if (!signing_) return done{};
        auto const fields = signing_->sign();
        // What is left of the place is a field that means nothing.
        if (!fields || fields->size() != place_) {
            signing_.reset();
            return done{};
        }
        return out_->write(0, *fields);
    }
    std::shared_ptr<scratch> const& out() const { return out_; }
    /// Whose signature it has now, or nobody's.
    std::string signed_by() const { return signing_ ? domain_of(*signing_) : std::string{}; }

private:
    result<> begin_body()
    {
        in_body_ = true;
        auto const fields = mail::parse_fields(header_.text(), most_fields);
        if (keys_ && fields) signing_ = signing::message_signing::begin(keys_, *fields, now_);
        std::string head;
        if (signing_) {
            head = signing_->placeholder();
            place_ = head.size();
            if (place_ == 0) signing_.reset();
        }
        if (signing_) {
            auto const domain = domain_of(*signing_);
            for (auto const& f : *fields)
                if (!is_by(f, domain)) head += f.octets;
        } else {
            head += header_.text();
        }
        if (auto r = out_->append(head + "\r\n"); !r) return r;
        return body(header_.body_start());
    }
    result<> body(std::string_view octets)
    {
        if (signing_) signing_->add_body(octets);
        return out_->append(octets);
    }

    std::shared_ptr<signing::keyring const> keys_;
    wall_time now_;
    std::shared_ptr<scratch> out_;
    mail::header_collector header_{header_limit};
    std::unique_ptr<signing::message_signing> signing_;
    std::size_t place_ = 0;
    bool in_body_ = false;
};

}  // namespace

result<conversion> convert(spool::content const& from, mail::content_need need,
                           std::shared_ptr<signing::keyring const> keys, std::filesystem::path const& folder,
                           wall_time now)
{
    conversion c;
    mail::content_survey survey;
    auto const surveyed = read_all(from, [&](std::string_view piece) {
        survey.add(piece);
        return result<>{done{}};
    });
    if (!surveyed) return surveyed.error();
    survey.finish();
    auto const plan = survey.plan(need);
    c.problem = plan.problem;
    if (c.problem.empty() && plan.breaks_signature) c.problem = "a part is signed, and would not be any more";
    if (!c.problem.empty()) return c;

    mail::content_converter converter{plan};
    // Without signatures there is nothing to sign anew.
    copy_writer writer{plan.signers.empty() ? nullptr : std::move(keys), folder, now};
    std::string some;
    auto const converted = read_all(from, [&](std::string_view piece) {
        converter.add(piece, some);
        auto written = writer.add(some);
        some.clear();
        return written;
    });
    if (!converted) return converted.error();
    converter.finish(some);
    if (auto written = writer.add(some); !written) return written.error();
    if (auto written = writer.finish(); !written) return written.error();
    c.signed_anew = writer.signed_by();
    for (auto const& who : plan.signers)
        if (who != c.signed_anew) c.broken += (c.broken.empty() ? "" : ",") + who;
    auto copy = std::make_shared<converted_copy>();
    copy->body = writer.out();
    copy->as = need == mail::content_need::seven_bit ? mail::body_type::seven_bit : mail::body_type::eight_bit_mime;
    copy->lines_begin_with_dot = writer.out()->lines_begin_with_dot();
    c.made = std::move(copy);
    return c;
}

}  // namespace postern::delivery
