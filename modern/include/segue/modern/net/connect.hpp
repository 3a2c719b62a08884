// All that EventLoop's create_connection() and create_server() give and take.
#pragma once

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/network_options.hpp>
#include <segue/modern/net/protocols.hpp>
#include <segue/modern/net/server.hpp>
#include <segue/modern/net/transports.hpp>
