// Asio, all of it: its operations in coroutines of either style, and its io_context under, over or beside a loop.
#pragma once

#include <segue/bridge/asio/guest.hpp>      // a loop within whoever runs an io_context
#include <segue/bridge/asio/reactor.hpp>    // an io_context within a loop
#include <segue/bridge/asio/use_segue.hpp>  // the completion token
