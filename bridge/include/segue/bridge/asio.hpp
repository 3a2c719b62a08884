// Asio, all of it: its operations and coroutines in coroutines of either style, ours as its operations, and its
// io_context under, over or beside a loop.
#pragma once

#include <segue/bridge/asio/co_spawn.hpp>   // coroutines as operations of Asio's
#include <segue/bridge/asio/from_asio.hpp>  // coroutines of Asio's
#include <segue/bridge/asio/guest.hpp>      // a loop within whoever runs an io_context
#include <segue/bridge/asio/reactor.hpp>    // an io_context within a loop
#include <segue/bridge/asio/use_segue.hpp>  // the completion token
