// The other way round: a loop that runs the loop of another library, put through the suite of all reactors; and a
// guest, which a host runs.
#include <segue/bridge/hosted_reactor.hpp>

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/testing/reactor_suite.hpp>

#include "bridge/hosts.hpp"
#include "bridge/loop.hpp"

namespace segue::testing {
namespace {

struct LibuvUnderTest {
  std::unique_ptr<modern::Reactor> make() { return bridge::make_reactor(program.loop()); }
  bridge::testing::UvProgram program;
};

struct GLibUnderTest {
  std::unique_ptr<modern::Reactor> make() { return bridge::make_reactor(*g_main_loop_get_context(&program.loop())); }
  bridge::testing::GLibProgram program;
};

struct AsioUnderTest {
  std::unique_ptr<modern::Reactor> make() { return bridge::make_reactor(program.loop()); }
  bridge::testing::AsioProgram program;
};

// What a guest's loop waits in, by itself.
struct HostedUnderTest {
  std::unique_ptr<modern::Reactor> make() { return std::make_unique<bridge::HostedReactor>(modern::make_reactor()); }
};

// The same while its host runs it.
template <class Program>
struct GuestUnderTest {
  std::unique_ptr<modern::Reactor> make() { return modern::make_reactor(); }
  void run(modern::EventLoop& loop) {
    bridge::Guest guest(loop, program.loop());
    while (!guest.stopped()) program.run_once();
    guest.rethrow();
  }
  Program program;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(OfLibuv, ReactorSuite, LibuvUnderTest);
INSTANTIATE_TYPED_TEST_SUITE_P(OfGLib, ReactorSuite, GLibUnderTest);
INSTANTIATE_TYPED_TEST_SUITE_P(OfAGuest, ReactorSuite, HostedUnderTest);
INSTANTIATE_TYPED_TEST_SUITE_P(OfAGuestOfLibuv, ReactorSuite, GuestUnderTest<bridge::testing::UvProgram>);
INSTANTIATE_TYPED_TEST_SUITE_P(OfAGuestOfGLib, ReactorSuite, GuestUnderTest<bridge::testing::GLibProgram>);
INSTANTIATE_TYPED_TEST_SUITE_P(OfAGuestOfAsio, ReactorSuite, GuestUnderTest<bridge::testing::AsioProgram>);

}  // namespace segue::testing

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

template <class UnderTest>
class HostRunning : public ::testing::Test {
 protected:
  UnderTest under;
  modern::EventLoopPtr loop = modern::new_event_loop(under.make());
};
using UnderTests =
    ::testing::Types<segue::testing::LibuvUnderTest, segue::testing::GLibUnderTest, segue::testing::AsioUnderTest>;
TYPED_TEST_SUITE(HostRunning, UnderTests);

TYPED_TEST(HostRunning, runs_the_hosts_callbacks_between_its_own_iterations) {
  testing::Trace trace;
  segue::testing::SocketPair pair;
  auto& program = this->under.program;
  program.call_once_readable(pair.fd(), [&] {
    trace.push_back("host's socket " + pair.receive(1));
    program.call_later(1ms, [&] {
      trace.emplace_back("host's timer");
      this->loop->stop();
    });
  });
  const auto main = [](segue::testing::SocketPair& pair, testing::Trace& trace) -> modern::Coroutine<> {
    co_await modern::sleep(1ms);
    trace.emplace_back("slept");
    pair.send("x");
  };
  const auto task = this->loop->create_task(main(pair, trace));
  this->loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("slept", "host's socket x", "host's timer"));
}

TYPED_TEST(HostRunning, hears_of_an_interrupt_while_it_waits_for_nothing_else) {
  static TypeParam* under;  // for the factory, which is a function
  under = &this->under;
  std::atomic<bool> waits = false;
  const auto main = [&]() -> modern::Coroutine<> {
    waits = true;
    waits.notify_all();
    co_await modern::get_running_loop().create_future();
  };
  std::thread other([main_thread = ::pthread_self(), &waits] {
    waits.wait(false);
    ::pthread_kill(main_thread, SIGINT);
  });
  const auto run = [&] { modern::run(main(), {.loop_factory = [] { return modern::new_event_loop(under->make()); }}); };
  EXPECT_THROW(run(), KeyboardInterrupt);
  other.join();
}

// The callback of a host's timer comes before the host looks for how long it may wait.
TYPED_TEST(HostRunning, does_not_wait_where_a_callback_of_the_host_gave_it_something_to_do) {
  auto future = this->loop->create_future();
  auto& program = this->under.program;
  program.call_later(2ms, [&] { future.set_result(); });
  this->loop->call_later(1ms, [] { std::this_thread::sleep_for(4ms); });
  bool too_late = false;
  this->loop->call_later(2s, [&] { too_late = true; });
  this->loop->run_until_complete(future);
  EXPECT_FALSE(too_late);
}

// A main loop within a callback of the loop's: what is less urgent than the loop has its turns, too.
TEST(HostRunningGLib, leaves_a_dialog_alone) {
  segue::testing::GLibUnderTest under;
  const auto loop = modern::new_event_loop(under.make());
  GMainLoop& dialog = under.program.loop();
  GMainContext* const context = g_main_loop_get_context(&dialog);
  const auto attach = [&](GSource* source, int priority, GSourceFunc function) {
    g_source_set_priority(source, priority);
    g_source_set_callback(source, function, &dialog, nullptr);
    g_source_attach(source, context);
    return source;
  };
  const GSourceFunc quit = [](gpointer shown) -> gboolean {
    g_main_loop_quit(static_cast<GMainLoop*>(shown));
    return G_SOURCE_REMOVE;
  };
  GSource* const idle = g_idle_source_new();
  GSource* const too_late = g_timeout_source_new(2000);
  segue::testing::SocketPair pair;
  loop->add_reader(pair.fd(), [&] {
    pair.send("y");  // there is something for the loop all the time
    attach(idle, G_PRIORITY_LOW, quit);
    attach(too_late, G_PRIORITY_HIGH, quit);
    g_main_loop_run(&dialog);
    loop->remove_reader(pair.fd());
    loop->stop();
  });
  pair.send("x");
  loop->run_forever();
  EXPECT_TRUE(g_source_is_destroyed(idle));
  EXPECT_FALSE(g_source_is_destroyed(too_late));
  g_source_destroy(too_late);
  g_source_unref(idle);
  g_source_unref(too_late);
}

}  // namespace
}  // namespace segue::bridge
