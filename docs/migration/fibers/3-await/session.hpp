// A client's session: sums, a line each, of numbers and of what is in the store.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <segue/modern/kernel/coroutine.hpp>

#include "store.hpp"

/// Until the client leaves, or says "quit". Counts the lines in `served`.
segue::modern::Coroutine<> session(boost::asio::ip::tcp::socket socket, Store& store, long& served);
