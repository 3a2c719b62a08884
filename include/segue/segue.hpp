// Everything: the generators of legacy, the tasks of modern under asyncio's names, and the adapters of bridge. Asio's
// adapters are apart, in <segue/bridge/asio.hpp>: they include Asio.
#pragma once

#include <segue/asyncio.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/pull.hpp>
