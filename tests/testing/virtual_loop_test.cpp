#include <segue/testing/virtual_loop.hpp>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/modern/testing/manual_reactor.hpp>
#include <segue/modern/threads/to_thread.hpp>
#include <segue/testing/reactor_suite.hpp>
#include <segue/testing/trace.hpp>

namespace segue::testing {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;

TEST(VirtualLoop, takes_no_time_to_sleep) {
  const auto begin = std::chrono::steady_clock::now();
  modern::run(modern::sleep(1000h), {.loop_factory = virtual_loop});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 100h);
}

TEST(VirtualLoop, gives_calls_in_other_threads_time_before_its_clock_jumps) {
  std::vector<std::string> logged;
  const modern::LogHandler former =
      modern::set_log_handler([&](modern::LogLevel, const std::string& line) { logged.push_back(line); });
  const auto work = [] {
    int sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += i % 3;
    return sum;
  };
  const auto main = [&]() -> Coroutine<> {
    for (int i = 0; i < 20; ++i) {
      const int sum = co_await modern::wait_for(modern::to_thread(work), 1h);
      EXPECT_EQ(sum, 99'999);
    }
  };
  modern::run(main(), {.loop_factory = virtual_loop});
  modern::set_log_handler(former);
  EXPECT_THAT(logged, ::testing::IsEmpty());
}

TEST(VirtualLoop, jumps_beside_a_call_that_waits_for_the_jump) {
  const auto main = []() -> Coroutine<> {
    std::promise<void> slept;
    const auto wait = [&] { slept.get_future().wait(); };
    const auto waiting = modern::create_task(modern::to_thread(wait));
    for (int i = 0; i < 1000; ++i) co_await modern::sleep(1s);
    slept.set_value();
    co_await waiting;
  };
  modern::run(main(), {.loop_factory = virtual_loop});
}

TEST(VirtualLoop, is_woken_beside_a_descriptor_that_has_nothing) {
  SocketPair idle;
  const auto loop = virtual_loop();
  static_cast<modern::ManualReactor&>(loop->reactor()).patience = 1h;
  loop->add_reader(idle.fd(), [] { ADD_FAILURE(); });
  std::promise<void> is_waiting;
  std::thread other([&] {
    is_waiting.get_future().wait();
    loop->call_soon_threadsafe([&] { loop->stop(); });
  });
  loop->call_soon([&] { is_waiting.set_value(); });
  loop->run_forever();
  other.join();
  loop->remove_reader(idle.fd());
}

TEST(RunUntilIdle, leaves_the_clock_alone_and_tells_when_there_is_more) {
  const auto loop = virtual_loop();
  Trace trace;
  loop->call_later(5s, [&] { trace("later"); });
  loop->call_soon([&] { loop->call_soon([&] { loop->call_soon([&] { trace("third"); }); }); });
  const auto begin = loop->time();
  EXPECT_EQ(run_until_idle(*loop), begin + 5s);
  EXPECT_EQ(loop->time(), begin);
  EXPECT_EQ(trace.str(), "third");
}

TEST(RunUntilIdle, tells_where_there_is_nothing_more) {
  const auto loop = virtual_loop();
  EXPECT_EQ(run_until_idle(*loop), modern::EventLoop::time_point::max());
}

TEST(RunUntilIdle, ends_at_a_loop_that_never_is) {
  const auto loop = virtual_loop();
  struct Again {
    void operator()() const { loop.call_soon(*this); }
    modern::EventLoop& loop;
  };
  loop->call_soon(Again{*loop});
  EXPECT_THROW(run_until_idle(*loop), RuntimeError);
}

TEST(Advance, runs_what_is_due_each_at_its_time) {
  const auto loop = virtual_loop();
  Trace trace;
  const auto begin = loop->time();
  const auto say = [&] { trace(std::chrono::duration_cast<std::chrono::seconds>(loop->time() - begin).count()); };
  loop->call_later(1s, [&] {
    say();
    loop->call_later(1s, say);
  });
  loop->call_later(4s, say);
  advance(*loop, 3s);
  EXPECT_EQ(trace.str(), "1 | 2");
  EXPECT_EQ(loop->time(), begin + 3s);
  advance(*loop, 1s);
  EXPECT_EQ(trace.str(), "1 | 2 | 4");
}

TEST(Advance, refuses_another_loop_and_another_direction) {
  const auto real = modern::new_event_loop();
  EXPECT_THROW(advance(*real, 1s), TypeError);
  const auto loop = virtual_loop();
  EXPECT_THROW(advance(*loop, -1s), ValueError);
}

TEST(TraceOfEvents, has_a_line_an_event) {
  Trace trace;
  trace("got", 7, true, 0.5);
  trace(std::make_exception_ptr(ValueError("bad")), std::exception_ptr());
  trace(std::optional<int>(), std::optional<std::string>("x"));
  EXPECT_EQ(trace.str(), "got 7 true 0.5 | ValueError(bad) None | None x");
  EXPECT_EQ(trace.lines().size(), 3U);
  trace.clear();
  EXPECT_EQ(trace.str(), "");
}

}  // namespace
}  // namespace segue::testing
