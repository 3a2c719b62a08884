// asyncio.run() on a clock that jumps to the next timer: how busy the machine is cannot change a trace.
#pragma once

#include <memory>

#include <segue/asyncio.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

namespace trace {

inline constexpr segue::modern::RunOptions in_virtual_time{
    .loop_factory = [] { return segue::modern::new_event_loop(std::make_unique<segue::modern::ManualReactor>()); }};

}  // namespace trace
