// Everything: the generators of legacy, the tasks of modern under asyncio's names, and the adapters of bridge. The
// adapters of other libraries are not in it, since each includes the library that it is for: <segue/bridge/asio.hpp>,
// <segue/bridge/coroutine2.hpp>, <segue/bridge/glib.hpp>, <segue/bridge/libuv.hpp>, <segue/bridge/spdlog.hpp>.
#pragma once

#include <segue/asyncio.hpp>
#include <segue/bridge/async_generator.hpp>
#include <segue/bridge/blocking_portal.hpp>
#include <segue/bridge/c_callback.hpp>
#include <segue/bridge/c_emitter.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/emitter.hpp>
#include <segue/bridge/from_thread.hpp>
#include <segue/bridge/guest.hpp>
#include <segue/bridge/hosted_reactor.hpp>
#include <segue/bridge/listener.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/promisify.hpp>
#include <segue/bridge/std_future.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/legacy/contextlib.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/iter.hpp>
#include <segue/legacy/pipeline.hpp>
#include <segue/legacy/pull.hpp>
#include <segue/legacy/simple_generator.hpp>
#include <segue/modern/kernel/list.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/kernel/wait_queue.hpp>
#include <segue/modern/testing/manual_reactor.hpp>
#include <segue/unraisable.hpp>

namespace segue::contextlib {

using legacy::contextmanager;

}  // namespace segue::contextlib

namespace segue::inspect {

using enum legacy::GeneratorState;
using legacy::getgeneratorstate;
using legacy::isgenerator;
using legacy::isgeneratorfunction;

}  // namespace segue::inspect
