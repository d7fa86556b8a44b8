// Final delivery into a Maildir: written in tmp/, synced, linked into new/, directories
// synced; so a reader sees the whole message or none, and what was reported as delivered
// survives a loss of power. Blocks; runs on threads made for that.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "spool/spool.hpp"

namespace postern::delivery {

/// The folder that the pattern (%d domain, %n local part, %u address, %% a percent sign) gives
/// for an account's address; nothing when a part of the address can't be part of a path: empty,
/// "." or "..", with a slash or a control character, too long.
std::optional<std::filesystem::path> maildir_folder(std::string_view pattern, std::string_view address);

/// "1795331051.M123456Q....R0.mail.example.com": the same for every attempt of a recipient, so
/// that an attempt after a crash finds what the one before it left.
std::string maildir_name(wall_time accepted_at, std::string_view queue_id, std::uint32_t recipient,
                         std::string_view hostname);

struct maildir_letter {
    std::filesystem::path folder;  // made, with 0700, when missing
    std::string name;
    std::string header;  // fields to put on top, LF line ends: Return-Path, Delivered-To
    std::shared_ptr<spool::content const> body;
    bool binary = false;  // BINARYMIME: line ends stay as they are
};

/// Line ends become LF, as everything on a Unix file system expects. Errors name the file and
/// what the system said; 4.3.1 when there is no room, else 4.2.0.
result<> deliver(maildir_letter const& l);

}  // namespace postern::delivery
