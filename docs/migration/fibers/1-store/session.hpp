// A client's session: sums, a line each, of numbers and of what is in the store.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/spawn.hpp>

#include "store.hpp"

/// Until the client leaves, or says "quit". Counts the lines in `served`.
void session(boost::asio::ip::tcp::socket socket, Store& store, long& served, boost::asio::yield_context yield);
