#pragma once
#include "pure_pch.hpp"

#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <boost/asio/awaitable.hpp>
