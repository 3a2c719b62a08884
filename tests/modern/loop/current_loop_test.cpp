// get_event_loop() and set_event_loop().
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/runners.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using testing::make_loop;

const std::string none_here = "RuntimeError(There is no current event loop in thread 'MainThread'.)";

std::string current() {
  return attempt([] { return get_event_loop().is_closed() ? "closed" : "open"; });
}

class CurrentLoop : public ::testing::Test {
 protected:
  ~CurrentLoop() override { set_event_loop(nullptr); }
};

TEST_F(CurrentLoop, is_none_at_first) { EXPECT_EQ(current(), none_here); }

TEST_F(CurrentLoop, is_the_one_that_was_set_until_it_is_unset) {
  auto loop = make_loop();
  set_event_loop(*loop);
  EXPECT_EQ(&get_event_loop(), loop.get());
  set_event_loop(nullptr);
  EXPECT_EQ(current(), none_here);
}

TEST_F(CurrentLoop, is_the_running_one_while_one_runs) {
  auto other = make_loop();
  set_event_loop(*other);
  auto loop = make_loop();
  const auto main = []() -> Coroutine<EventLoop*> { co_return &get_event_loop(); };
  EXPECT_EQ(loop->run_until_complete(main()), loop.get());
  EXPECT_EQ(&get_event_loop(), other.get());
}

TEST_F(CurrentLoop, is_there_still_when_its_owner_has_closed_it) {
  set_event_loop(*make_loop());
  EXPECT_EQ(current(), "closed");
}

TEST_F(CurrentLoop, belongs_to_a_thread) {
  auto loop = make_loop();
  set_event_loop(*loop);
  std::string in_thread;
  std::thread([&] { in_thread = current(); }).join();
  EXPECT_EQ(in_thread.rfind("RuntimeError(There is no current event loop in thread '", 0), 0U) << in_thread;
}

TEST_F(CurrentLoop, is_a_runners_until_that_is_closed) {
  Runner runner;
  const auto main = []() -> Coroutine<> { co_return; };
  runner.run(main());
  EXPECT_EQ(&get_event_loop(), &runner.get_loop());
  runner.close();
  EXPECT_EQ(current(), none_here);
}

TEST_F(CurrentLoop, is_set_by_a_runner_once) {
  Runner runner;
  const auto main = []() -> Coroutine<> { co_return; };
  runner.run(main());
  auto other = make_loop();
  set_event_loop(*other);
  runner.run(main());
  EXPECT_EQ(&get_event_loop(), other.get());
}

TEST_F(CurrentLoop, is_none_after_run_which_sets_its_own) {
  auto loop = make_loop();
  set_event_loop(*loop);
  const auto main = []() -> Coroutine<> { co_return; };
  run(main());
  EXPECT_EQ(current(), none_here);
}

TEST_F(CurrentLoop, is_not_that_of_a_runner_with_a_factory) {
  Runner runner({.loop_factory = new_event_loop});
  const auto main = []() -> Coroutine<> { co_return; };
  runner.run(main());
  EXPECT_EQ(current(), none_here);
}

}  // namespace
}  // namespace segue::modern
