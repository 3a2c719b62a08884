// From a host's name to its addresses.
#pragma once

#include <string>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>

#include "net/endpoint.hpp"

namespace segue::modern {

/// The addresses of `host`: at once where it is one, else from the resolver, in a thread. An empty host is every
/// address of this machine, to listen on; there is none to connect to. gaierror; ValueError where the host has a NUL.
Coroutine<std::vector<Endpoint>> resolve(EventLoop& loop, std::string host, int port, int family, bool to_listen);

}  // namespace segue::modern
