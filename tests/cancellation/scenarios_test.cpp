// Each scenario that has a main task, cancelled at each of its awaits (see lessons_test.cpp), and without memory.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <any>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/asyncio.hpp>
#include <segue/segue.hpp>

#include "cancellation/everywhere.hpp"
#include "cancellation/refused.hpp"
#include "conformance/scenarios/trace.hpp"
#include "conformance/scenarios/virtual_time.hpp"

#pragma GCC diagnostic ignored "-Wreturn-type"  // as there

namespace scenario_12 {
#include "conformance/scenarios/12_bridge_generator_coroutines.cpp"
}
namespace scenario_13 {
#include "conformance/scenarios/13_loop_callback_order.cpp"
}
namespace scenario_15 {
#include "conformance/scenarios/15_task_tick_schedule.cpp"
}
namespace scenario_16 {
#include "conformance/scenarios/16_cancel_basics.cpp"
}
namespace scenario_20 {
#include "conformance/scenarios/20_gather_semantics.cpp"
}
namespace scenario_22 {
#include "conformance/scenarios/22_wait_modes.cpp"
}
namespace scenario_24 {
#include "conformance/scenarios/24_taskgroup_errors.cpp"
}
namespace scenario_28 {
#include "conformance/scenarios/28_future_protocol.cpp"
}
namespace scenario_31 {
#include "conformance/scenarios/31_lock_fairness.cpp"
}
namespace scenario_35 {
#include "conformance/scenarios/35_queues.cpp"
}
namespace scenario_36 {
#include "conformance/scenarios/36_asyncgen_protocol.cpp"
}
namespace scenario_39 {
#include "conformance/scenarios/39_streams.cpp"
}

namespace {

using segue::testing::cancel_a_program_everywhere;
using segue::testing::CancelOptions;
using segue::testing::leaves_tasks;

const CancelOptions leaves_tasks_and_fails{.may_leave_tasks = true, .may_fail = true};

TEST(CancelledScenario, bridge_generator_coroutines) {
  // Its callback gives a future that is cancelled a result.
  cancel_a_program_everywhere(scenario_12::main_, leaves_tasks_and_fails);
}
TEST(CancelledScenario, task_tick_schedule) {
  // As does that of this one, which also takes a lock by hand.
  cancel_a_program_everywhere(scenario_15::main_, {.may_leave_tasks = true, .may_fail = true, .may_keep_locks = true});
}
TEST(CancelledScenario, cancel_basics) {
  // One of its tasks asks for a result that has not come.
  cancel_a_program_everywhere(scenario_16::main_, leaves_tasks_and_fails);
}
TEST(CancelledScenario, gather_semantics) {
  // Nobody is left to hear that a child of a gather() was cancelled.
  cancel_a_program_everywhere(scenario_20::main_, leaves_tasks_and_fails);
}
TEST(CancelledScenario, wait_modes) {
  // Nobody is left to ask for its tasks' exceptions.
  cancel_a_program_everywhere(scenario_22::main_, leaves_tasks_and_fails);
}
TEST(CancelledScenario, taskgroup_errors) {
  // A task that is cancelled before it starts never awaits the coroutine it was handed.
  cancel_a_program_everywhere(scenario_24::main_, leaves_tasks_and_fails);
}
TEST(CancelledScenario, future_protocol) { cancel_a_program_everywhere(scenario_28::main_, leaves_tasks); }
TEST(CancelledScenario, lock_fairness) {
  // It takes its lock by hand.
  cancel_a_program_everywhere(scenario_31::main_, {.may_leave_tasks = true, .may_keep_locks = true});
}
TEST(CancelledScenario, queues) { cancel_a_program_everywhere(scenario_35::main_, leaves_tasks); }
TEST(CancelledScenario, asyncgen_protocol) { cancel_a_program_everywhere(scenario_36::main_, leaves_tasks); }
TEST(CancelledScenario, streams) { cancel_a_program_everywhere(scenario_39::main_, leaves_tasks); }

// --- without memory: those of modern; of 39 what needs no socket, and a conversation ---

using segue::testing::RefusedScenario;

TEST_F(RefusedScenario, loop_callback_order) { refuse_each_allocation_of(scenario_13::main_); }
TEST_F(RefusedScenario, task_tick_schedule) { refuse_each_allocation_of(scenario_15::main_); }
TEST_F(RefusedScenario, cancel_basics) { refuse_each_allocation_of(scenario_16::main_); }
TEST_F(RefusedScenario, gather_semantics) { refuse_each_allocation_of(scenario_20::main_); }
TEST_F(RefusedScenario, wait_modes) { refuse_each_allocation_of(scenario_22::main_); }
TEST_F(RefusedScenario, taskgroup_errors) {
  refuse_each_allocation_of(scenario_24::main_, [] { scenario_24::notes = {}; });
}
TEST_F(RefusedScenario, future_protocol) { refuse_each_allocation_of(scenario_28::main_); }
TEST_F(RefusedScenario, lock_fairness) { refuse_each_allocation_of(scenario_31::main_); }
TEST_F(RefusedScenario, queues) { refuse_each_allocation_of(scenario_35::main_); }
TEST_F(RefusedScenario, asyncgen_protocol) { refuse_each_allocation_of(scenario_36::main_); }
TEST_F(RefusedScenario, streams_without_sockets) {
  refuse_each_allocation_of([]() -> segue::asyncio::Coroutine<> {
    co_await scenario_39::a_read();
    co_await scenario_39::b_readexactly();
    co_await scenario_39::c_readline();
    co_await scenario_39::d_readuntil();
    co_await scenario_39::e_iteration();
    co_await scenario_39::f_errors();
    co_await scenario_39::g_flow_control();
  });
}
TEST_F(RefusedScenario, streams_over_loopback) {
  refuse_each_allocation_of([]() -> segue::asyncio::Coroutine<> {
    try {
      co_await scenario_39::h_conversation();
    } catch (const segue::ConnectionError&) {  // the other end had no memory
    }
    co_await scenario_39::j_refused();
  });
}

}  // namespace
