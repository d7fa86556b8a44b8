#pragma once
#include "pure_pch.hpp"

#include <mutex>
#include <thread>
#include <unordered_map>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
