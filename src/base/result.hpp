// Values or failures, and the three things that can go wrong: a refusal is a
// reply (catalogue/verdict.hpp), a failure is an `error`, a bug stops the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace postern {

/// Enhanced status code, RFC 3463. The class alone decides retry or bounce.
struct status {
    std::uint8_t klass = 0;
    std::uint16_t subject = 0;
    std::uint16_t detail = 0;

    constexpr bool temporary() const noexcept { return klass == 4; }
    constexpr bool empty() const noexcept { return klass == 0; }
    friend constexpr bool operator==(status const&, status const&) = default;
};

/// "5.7.1"; nothing for the empty status.
std::string to_string(status code);

/// Text a stranger may read. Only a literal converts to it, so a path, an
/// address or a password cannot get here by accident.
class public_text {
public:
    consteval public_text(char const* literal) : text_(literal) {}
    constexpr std::string_view view() const noexcept { return text_; }

private:
    std::string_view text_;
};

/// A failure of ours: of a disk, a database, a back end, a peer.
struct error {
    status code;
    public_text told = "";  // for the wire and the delivery report
    std::string logged;     // for the log only: errno, file name, SQL state
};

/// The value of a result that has none.
struct done {};

/// What std::expected will be (not in clang 16 with the library of g++ 12).
template <class T, class E>
class [[nodiscard]] basic_result {
public:
    using value_type = T;
    using error_type = E;

    basic_result() : state_(std::in_place_index<0>) {}
    basic_result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    basic_result(E failure) : state_(std::in_place_index<1>, std::move(failure)) {}

    explicit operator bool() const noexcept { return state_.index() == 0; }
    bool has_value() const noexcept { return state_.index() == 0; }
    T& value() & { return std::get<0>(state_); }
    T const& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    E& error() & { return std::get<1>(state_); }
    E const& error() const& { return std::get<1>(state_); }
    E&& error() && { return std::get<1>(std::move(state_)); }
    T* operator->() { return &value(); }
    T const* operator->() const { return &value(); }
    T& operator*() & { return value(); }
    T const& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }

private:
    std::variant<T, E> state_;
};

template <class T = done>
using result = basic_result<T, error>;

}  // namespace postern
