// Each lesson that has a main task, cancelled at each of its awaits; but for the one on debug mode, whose point is what
// it leaves. What they include comes first, so that each has its names in a namespace of its own.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <fmt/core.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/asyncio.hpp>
#include <segue/bridge/asio.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/loop/watch_table.hpp>
#include <segue/segue.hpp>

#include "cancellation/everywhere.hpp"
#include "modern/sockets.hpp"

#pragma GCC diagnostic ignored "-Wreturn-type"  // main() may do without a return, and is an ordinary function here

namespace lesson_03 {
#include "lessons/03-generator-coroutine/lesson.cpp"
}
namespace lesson_04 {
#include "lessons/04-coroutine-states/lesson.cpp"
}
namespace lesson_05 {
#include "lessons/05-fetches/lesson.cpp"
}
namespace lesson_06 {
#include "lessons/06-cooks/lesson.cpp"
}
namespace lesson_07 {
#include "lessons/07-gather/lesson.cpp"
}
namespace lesson_08 {
#include "lessons/08-gather-errors/lesson.cpp"
}
namespace lesson_09 {
#include "lessons/09-files/lesson.cpp"
}
namespace lesson_10 {
#include "lessons/10-producer-consumer/lesson.cpp"
}
namespace lesson_11 {
#include "lessons/11-pipeline/lesson.cpp"
}
namespace lesson_12 {
#include "lessons/12-cancellation/lesson.cpp"
}
namespace lesson_14 {
#include "lessons/14-three-generations/lesson.cpp"
}
namespace lesson_17 {
#include "lessons/17-context-variables/lesson.cpp"
}
namespace lesson_18 {
#include "lessons/18-async-generators/lesson.cpp"
}
namespace lesson_19 {
#include "lessons/19-task-group/lesson.cpp"
}
namespace lesson_20 {
#include "lessons/20-first-of-ten/lesson.cpp"
}
namespace lesson_21 {
#include "lessons/21-interrupted/lesson.cpp"
}
namespace lesson_22 {
#include "lessons/22-threads/lesson.cpp"
}
namespace lesson_23 {
#include "lessons/23-managers-and-iterators/lesson.cpp"
}
namespace lesson_24 {
#include "lessons/24-timeouts/lesson.cpp"
}
namespace lesson_27 {
#include "lessons/27-own-reactor/lesson.cpp"
}

namespace {

using segue::asyncio::Coroutine;
using segue::testing::cancel_a_program_everywhere;
using segue::testing::leaves_tasks;

TEST(CancelledLesson, generator_coroutine) {
  cancel_a_program_everywhere([]() -> Coroutine<> { co_await lesson_03::breakfast(); }, leaves_tasks);
}
TEST(CancelledLesson, coroutine_states) {
  cancel_a_program_everywhere([]() -> Coroutine<> { co_await lesson_04::errand(); });
}
TEST(CancelledLesson, fetches) { cancel_a_program_everywhere(lesson_05::async_main, leaves_tasks); }
TEST(CancelledLesson, cooks) { cancel_a_program_everywhere(lesson_06::async_main, leaves_tasks); }
TEST(CancelledLesson, gather) { cancel_a_program_everywhere(lesson_07::async_main); }
TEST(CancelledLesson, gather_errors) { cancel_a_program_everywhere(lesson_08::async_main, leaves_tasks); }
TEST(CancelledLesson, files) { cancel_a_program_everywhere(lesson_09::async_main, {}, "09-files"); }
TEST(CancelledLesson, producer_consumer) { cancel_a_program_everywhere(lesson_10::async_main, leaves_tasks); }
TEST(CancelledLesson, pipeline) { cancel_a_program_everywhere(lesson_11::async_main, leaves_tasks); }
TEST(CancelledLesson, cancellation) { cancel_a_program_everywhere(lesson_12::async_main, leaves_tasks); }
TEST(CancelledLesson, context_variables) { cancel_a_program_everywhere(lesson_17::async_main); }
TEST(CancelledLesson, async_generators) { cancel_a_program_everywhere(lesson_18::async_main); }
TEST(CancelledLesson, task_group) { cancel_a_program_everywhere(lesson_19::async_main); }
TEST(CancelledLesson, first_of_ten) { cancel_a_program_everywhere(lesson_20::async_main, leaves_tasks); }
TEST(CancelledLesson, threads) { cancel_a_program_everywhere(lesson_22::async_main, leaves_tasks); }
TEST(CancelledLesson, managers_and_iterators) { cancel_a_program_everywhere(lesson_23::async_main); }
TEST(CancelledLesson, timeouts) { cancel_a_program_everywhere(lesson_24::async_main, leaves_tasks); }
TEST(CancelledLesson, own_reactor) { cancel_a_program_everywhere(lesson_27::async_main); }

/// Cancels a task when run() would, on Ctrl-C: the signal itself, which the lesson raises, is ignored.
class InterruptedLesson : public ::testing::Test {
 public:
  ~InterruptedLesson() override { ::signal(SIGINT, before_); }

 protected:
  template <class Program>
  static void cancel_everywhere_until_interrupted(Program program) {
    cancel_a_program_everywhere([program]() -> Coroutine<> {
      const auto main = *segue::asyncio::current_task();
      main.get_loop().call_later(std::chrono::milliseconds(5), [main] { main.cancel(); });
      co_await program();
    });
  }

 private:
  void (*before_)(int) = ::signal(SIGINT, SIG_IGN);
};

TEST_F(InterruptedLesson, serves) { cancel_everywhere_until_interrupted(lesson_21::serve); }
TEST_F(InterruptedLesson, goes_on) { cancel_everywhere_until_interrupted(lesson_21::stubborn); }

/// Where a task waits, all the way down.
std::string awaits_of(const segue::asyncio::AnyTask& task) {
  std::string places;
  for (const auto& frame : task.get_coro().cr_await)
    if (frame.where) places += segue::modern::place(*frame.where) + " ";
  return places;
}

/// Runs lesson 14, which waits in Asio's io_context and in real time, and cancels it where it has gone on to wait
/// somewhere else so many times. How many of these places it came to.
std::size_t cancel_lesson_14(std::size_t place) {
  namespace asyncio = segue::asyncio;
  lesson_14::tower = {};
  std::vector<std::string> reports;
  const auto loop = asyncio::new_event_loop();
  loop->set_exception_handler(
      [&](asyncio::EventLoop&, const asyncio::ExceptionContext& context) { reports.push_back(context.message); });
  const asyncio::Task<void> main = loop->create_task(lesson_14::async_main());
  std::size_t places = 0;
  for (std::string waits; !main.done();) {
    if (std::string now = awaits_of(main); now != waits) {
      if (places++ == place) main.cancel();
      waits = std::move(now);
    }
    loop->step();
  }
  EXPECT_TRUE(main.cancelled() || !main.exception()) << "cancelled at place " << place;
  loop->run_until_complete(asyncio::sleep(std::chrono::seconds(0)));
  for (const asyncio::AnyTask& left : asyncio::all_tasks(*loop)) left.cancel();
  while (!asyncio::all_tasks(*loop).empty()) loop->run_until_complete(asyncio::sleep(std::chrono::seconds(0)));
  loop->close();
  EXPECT_THAT(reports, ::testing::IsEmpty()) << "cancelled at place " << place;
  return places;
}

TEST(CancelledLesson, three_generations) {
  using segue::modern::testing::open_descriptors;
  const int descriptors = open_descriptors();
  ::testing::internal::CaptureStdout();
  const std::size_t places = cancel_lesson_14(std::numeric_limits<std::size_t>::max());
  for (std::size_t place = 0; place < places; ++place) cancel_lesson_14(place);
  std::fflush(stdout);
  ::testing::internal::GetCapturedStdout();
  EXPECT_GT(places, 20U);
  EXPECT_EQ(open_descriptors(), descriptors);
}

}  // namespace
