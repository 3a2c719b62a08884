#include <dirent.h>
#include <signal.h>
#include <sys/time.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using ::testing::ElementsAre;
using testing::iterate;
using testing::Trace;
using namespace std::chrono_literals;

struct sigaction disposition_of(int signal) {
  struct sigaction action{};
  ::sigaction(signal, nullptr, &action);
  return action;
}

bool has_default_disposition(int signal) { return disposition_of(signal).sa_handler == SIG_DFL; }

/// SIGALRM, once, in a moment.
void send_alarm_soon() {
  const itimerval once{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 2000}};
  ::setitimer(ITIMER_REAL, &once, nullptr);
}

/// The signal is read in one iteration, and its callback runs in the next.
void iterate_twice(EventLoop& loop) {
  iterate(loop);
  iterate(loop);
}

/// The same for the two reactors.
class SignalHandlers : public ::testing::TestWithParam<bool> {
 protected:
  EventLoopPtr loop = GetParam() ? new_event_loop() : testing::make_loop();
  Trace trace;

  std::function<void()> note(std::string what) {
    return [this, what] { trace.push_back(what); };
  }
};
INSTANTIATE_TEST_SUITE_P(Both, SignalHandlers, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Epoll" : "Manual"; });

TEST_P(SignalHandlers, run_in_the_loop_and_not_where_the_signal_comes) {
  loop->add_signal_handler(SIGUSR1, note("handled"));
  errno = 7;
  ::raise(SIGUSR1);
  EXPECT_EQ(errno, 7);
  EXPECT_THAT(trace, ElementsAre());
  loop->call_soon(note("queued before"));
  iterate(*loop);  // reads the signal
  loop->call_soon(note("queued after"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("queued before", "handled", "queued after"));
  ::raise(SIGUSR1);
  iterate_twice(*loop);
  EXPECT_THAT(trace, ElementsAre("queued before", "handled", "queued after", "handled"));
}

TEST_P(SignalHandlers, are_removed_once_which_restores_the_disposition) {
  loop->add_signal_handler(SIGINT, note("SIGINT"));
  EXPECT_FALSE(has_default_disposition(SIGINT));
  ::raise(SIGINT);
  iterate_twice(*loop);
  EXPECT_THAT(trace, ElementsAre("SIGINT"));
  EXPECT_TRUE(loop->remove_signal_handler(SIGINT));
  EXPECT_TRUE(has_default_disposition(SIGINT));
  EXPECT_FALSE(loop->remove_signal_handler(SIGINT));
  EXPECT_FALSE(loop->remove_signal_handler(SIGUSR1));  // there was never one
}

TEST_P(SignalHandlers, end_the_wait_of_an_idle_loop) {
  int caught = 0;
  loop->add_signal_handler(SIGALRM, [&] {
    ++caught;
    loop->stop();
  });
  send_alarm_soon();
  loop->run_forever();
  EXPECT_EQ(caught, 1);
}

TEST_P(SignalHandlers, take_arguments_and_are_called_each_time) {
  std::vector<std::pair<int, std::string>> calls;
  loop->add_signal_handler(
      SIGALRM,
      [&](int number, const std::string& text) {
        calls.emplace_back(number, text);
        calls.size() < 2 ? send_alarm_soon() : loop->stop();
      },
      42, "some text");
  send_alarm_soon();
  loop->run_forever();
  EXPECT_THAT(calls, ElementsAre(std::pair(42, "some text"), std::pair(42, "some text")));
}

TEST_P(SignalHandlers, are_called_in_the_order_in_which_their_signals_came) {
  for (const auto& [signal, name] : {std::pair(SIGUSR1, "USR1"), std::pair(SIGUSR2, "USR2")})
    loop->add_signal_handler(signal, note(name));
  for (const int signal : {SIGUSR2, SIGUSR1, SIGUSR2}) ::raise(signal);
  iterate_twice(*loop);
  EXPECT_THAT(trace, ElementsAre("USR2", "USR1", "USR2"));
}

TEST_P(SignalHandlers, are_replaced_by_adding_again_but_for_what_is_queued) {
  int alive = 0;
  loop->add_signal_handler(SIGUSR1, [this, tracked = testing::Tracked(alive)] { trace.push_back("first"); });
  ::raise(SIGUSR1);
  iterate(*loop);
  loop->add_signal_handler(SIGUSR1, note("second"));
  ::raise(SIGUSR1);
  iterate_twice(*loop);
  EXPECT_THAT(trace, ElementsAre("first", "second"));
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(loop->remove_signal_handler(SIGUSR1));
  EXPECT_FALSE(loop->remove_signal_handler(SIGUSR1));
}

TEST_P(SignalHandlers, may_remove_themselves_and_each_other) {
  loop->add_signal_handler(SIGUSR1, [this, tells = std::string("removed")] {
    EXPECT_TRUE(loop->remove_signal_handler(SIGUSR1));
    EXPECT_TRUE(loop->remove_signal_handler(SIGUSR2));
    EXPECT_TRUE(has_default_disposition(SIGUSR1));
    trace.push_back(tells);
    loop->add_signal_handler(SIGUSR2, note("added"));
    ::raise(SIGUSR2);
  });
  loop->add_signal_handler(SIGUSR2, note("never"));
  ::raise(SIGUSR1);
  for (int i = 0; i < 3; ++i) iterate_twice(*loop);
  EXPECT_THAT(trace, ElementsAre("removed", "added"));
}

TEST_P(SignalHandlers, that_are_removed_before_the_loop_reads_the_signal_leave_it_to_who_comes_after_them) {
  for (const int signal : {SIGUSR1, SIGUSR2}) {
    loop->add_signal_handler(signal, note("never"));
    ::raise(signal);
    loop->remove_signal_handler(signal);
  }
  loop->add_signal_handler(SIGUSR1, note("new"));
  iterate_twice(*loop);
  EXPECT_THAT(trace, ElementsAre("new"));
}

TEST_P(SignalHandlers, that_are_removed_when_the_loop_has_read_the_signal_still_run) {
  loop->add_signal_handler(SIGUSR1, note("queued"));
  ::raise(SIGUSR1);
  iterate(*loop);
  loop->remove_signal_handler(SIGUSR1);
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("queued"));
}

TEST_P(SignalHandlers, run_in_one_copy_of_the_context_of_who_added_them) {
  static ContextVar<int> var("var", 0);
  var.set(1);
  std::vector<int> seen;
  loop->add_signal_handler(SIGUSR1, [&] {
    seen.push_back(var.get());
    var.set(var.get() + 10);
  });
  var.set(2);
  for (int i = 0; i < 2; ++i) ::raise(SIGUSR1);
  iterate_twice(*loop);
  EXPECT_THAT(seen, ElementsAre(1, 11));
  EXPECT_EQ(var.get(), 2);
}

TEST_P(SignalHandlers, that_fail_are_reported_and_stay) {
  const testing::Reports reports(*loop);
  loop->add_signal_handler(SIGUSR1, [this] {
    trace.push_back("called");
    throw ValueError("bad");
  });
  for (int i = 0; i < 2; ++i) ::raise(SIGUSR1);
  iterate_twice(*loop);
  EXPECT_THAT(trace, ElementsAre("called", "called"));
  EXPECT_THAT(reports.messages(), ElementsAre("Exception in callback", "Exception in callback"));
  EXPECT_EQ(testing::text(reports.contexts().at(0).exception), "ValueError(bad)");

  loop->add_signal_handler(SIGUSR1, [] { throw KeyboardInterrupt(); });
  ::raise(SIGUSR1);
  EXPECT_THROW(iterate_twice(*loop), KeyboardInterrupt);
}

TEST_P(SignalHandlers, refuse_what_is_no_signal_or_cannot_be_caught) {
  const auto add = [&](int signal) { return attempt([&] { loop->add_signal_handler(signal, note("never")); }); };
  EXPECT_EQ(add(0), "ValueError(invalid signal number 0)");
  EXPECT_EQ(add(-1), "ValueError(invalid signal number -1)");
  EXPECT_EQ(add(NSIG + 1), "ValueError(invalid signal number " + std::to_string(NSIG + 1) + ")");
  EXPECT_EQ(add(32), "ValueError(invalid signal number 32)");  // libc's own
  EXPECT_EQ(add(SIGKILL), "RuntimeError(sig 9 cannot be caught)");
  EXPECT_FALSE(loop->remove_signal_handler(SIGKILL));
  EXPECT_EQ(attempt([&] { loop->remove_signal_handler(0); }), "ValueError(invalid signal number 0)");
  EXPECT_FALSE(loop->reactor().watching());
  loop->add_signal_handler(SIGRTMAX, note("SIGRTMAX"));
  EXPECT_EQ(add(SIGSTOP), "RuntimeError(sig 19 cannot be caught)");
  ::raise(SIGRTMAX);
  iterate_twice(*loop);
  EXPECT_THAT(trace, ElementsAre("SIGRTMAX"));
}

TEST_P(SignalHandlers, are_added_in_the_main_thread_only) {
  std::string added;
  std::thread([&] { added = attempt([&] { loop->add_signal_handler(SIGUSR1, note("never")); }); }).join();
  EXPECT_EQ(added, "RuntimeError(add_signal_handler only works in main thread of the program)");
  EXPECT_TRUE(has_default_disposition(SIGUSR1));
}

TEST_P(SignalHandlers, hear_of_a_signal_that_another_thread_gets) {
  loop->add_signal_handler(SIGUSR1, [&] {
    trace.push_back("handled");
    loop->stop();
  });
  std::thread([] { ::raise(SIGUSR1); }).join();
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("handled"));
}

TEST_P(SignalHandlers, restart_the_system_calls_that_they_interrupt) {
  loop->add_signal_handler(SIGUSR1, note("handled"));
  EXPECT_NE(disposition_of(SIGUSR1).sa_flags & SA_RESTART, 0);
}

TEST_P(SignalHandlers, end_with_their_loop) {
  int alive = 0;
  for (const int signal : {SIGINT, SIGUSR1, SIGURG}) {
    loop->add_signal_handler(signal, [this, tracked = testing::Tracked(alive)] { trace.push_back("never"); });
    ::raise(signal);
  }
  iterate(*loop);  // they are queued
  for (const int signal : {SIGINT, SIGUSR1, SIGURG}) ::raise(signal);
  loop->close();
  EXPECT_EQ(alive, 0);
  for (const int signal : {SIGINT, SIGUSR1, SIGURG}) EXPECT_TRUE(has_default_disposition(signal));
  ::raise(SIGURG);  // ignored by default
  EXPECT_FALSE(loop->remove_signal_handler(SIGUSR1));
  EXPECT_EQ(attempt([&] { loop->add_signal_handler(SIGUSR1, note("never")); }), "RuntimeError(Event loop is closed)");
  EXPECT_EQ(attempt([&] { loop->add_signal_handler(0, note("never")); }), "ValueError(invalid signal number 0)");
  EXPECT_THAT(trace, ElementsAre());
}

TEST_P(SignalHandlers, belong_to_one_loop_after_the_other) {
  for (int i = 0; i < 3; ++i) {
    const EventLoopPtr one = new_event_loop();
    one->add_signal_handler(SIGUSR1, note("of loop " + std::to_string(i)));
    ::raise(SIGUSR1);
    iterate_twice(*one);
  }
  EXPECT_THAT(trace, ElementsAre("of loop 0", "of loop 1", "of loop 2"));
  EXPECT_TRUE(has_default_disposition(SIGUSR1));
}

TEST_P(SignalHandlers, of_two_loops_get_their_own_signals_and_the_last_one_those_of_both) {
  const EventLoopPtr another = new_event_loop();
  loop->add_signal_handler(SIGUSR1, note("USR1"));
  loop->add_signal_handler(SIGUSR2, note("USR2"));
  another->add_signal_handler(SIGUSR2, note("another's USR2"));
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  iterate_twice(*loop);
  iterate_twice(*another);
  EXPECT_THAT(trace, ElementsAre("USR1", "another's USR2"));
  EXPECT_TRUE(loop->remove_signal_handler(SIGUSR2));
  EXPECT_FALSE(has_default_disposition(SIGUSR2));  // it is the other one's
  another->close();
  EXPECT_TRUE(has_default_disposition(SIGUSR2));
}

TEST_P(SignalHandlers, leave_alone_what_the_program_has_put_into_their_place) {
  loop->add_signal_handler(SIGUSR1, note("never"));
  ::signal(SIGUSR1, SIG_IGN);
  EXPECT_TRUE(loop->remove_signal_handler(SIGUSR1));
  EXPECT_EQ(disposition_of(SIGUSR1).sa_handler, SIG_IGN);
  loop->add_signal_handler(SIGUSR1, note("never"));
  loop->remove_signal_handler(SIGUSR1);
  EXPECT_TRUE(has_default_disposition(SIGUSR1));  // as in CPython: not what was there
}

TEST_P(SignalHandlers, restore_what_SIGINT_had_before_the_first_of_them) {
  ::signal(SIGINT, SIG_IGN);
  for (int i = 0; i < 2; ++i) loop->add_signal_handler(SIGINT, note("never"));
  loop->remove_signal_handler(SIGINT);
  EXPECT_EQ(disposition_of(SIGINT).sa_handler, SIG_IGN);
  ::signal(SIGINT, SIG_DFL);
}

TEST(SignalHandlersInRun, take_the_place_of_run_s_own_which_comes_back) {
  Trace trace;
  const auto main = [&]() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    loop.add_signal_handler(SIGINT, [&] { trace.push_back("handled"); });
    ::raise(SIGINT);
    co_await sleep(0s);
    co_await sleep(0s);
    co_await sleep(0s);
    trace.push_back("alive");
    loop.remove_signal_handler(SIGINT);
    ::raise(SIGINT);
    co_await sleep(1h);
  };
  EXPECT_THROW(run(main()), KeyboardInterrupt);
  EXPECT_THAT(trace, ElementsAre("handled", "alive"));
  EXPECT_TRUE(has_default_disposition(SIGINT));
}

TEST(SignalHandlersInRun, that_stay_to_its_end_leave_nothing_behind) {
  const auto careless = []() -> Coroutine<> {
    get_running_loop().add_signal_handler(SIGINT, [] {});
    co_return;
  };
  run(careless());
  ASSERT_TRUE(has_default_disposition(SIGINT));
  const auto interrupted = []() -> Coroutine<> {
    ::raise(SIGINT);
    co_await sleep(1h);
  };
  EXPECT_THROW(run(interrupted()), KeyboardInterrupt);  // run() handles it again
}

TEST(SignalHandlersInRun, stay_from_one_run_of_a_runner_to_the_next) {
  Trace trace;
  Runner runner;
  runner.get_loop().add_signal_handler(SIGINT, [&] { trace.push_back("handled"); });
  const auto main = []() -> Coroutine<> {
    ::raise(SIGINT);
    for (int i = 0; i < 3; ++i) co_await sleep(0s);
  };
  for (int i = 0; i < 2; ++i) runner.run(main());
  EXPECT_THAT(trace, ElementsAre("handled", "handled"));
}

TEST(SignalHandlersInRun, may_cancel_a_task_or_make_one) {
  Trace trace;
  const auto cleanup = [&]() -> Coroutine<> {
    trace.push_back("cleanup");
    co_return;
  };
  const auto main = [&]() -> Coroutine<> {
    EventLoop& loop = get_running_loop();
    const AnyTask me = *current_task();
    // What a callback returns is nobody's: it may be a task.
    loop.add_signal_handler(SIGUSR1, [&] { return loop.create_task(cleanup()); });
    loop.add_signal_handler(SIGTERM, [me] { me.cancel(); });
    ::raise(SIGUSR1);
    ::raise(SIGTERM);
    co_await sleep(1h);
  };
  EXPECT_THROW(run(main()), CancelledError);
  EXPECT_THAT(trace, ElementsAre("cleanup"));
}

TEST(SignalHandlersDeathTest, a_signal_that_comes_after_the_loop_ends_the_program_as_it_does_by_default) {
  const auto after_close = [] {
    const EventLoopPtr loop = new_event_loop();
    loop->add_signal_handler(SIGTERM, [] {});
    ::raise(SIGTERM);  // the loop's
    loop->close();
    ::raise(SIGTERM);
  };
  EXPECT_EXIT(after_close(), ::testing::KilledBySignal(SIGTERM), "");
}

TEST(SignalHandlersDescriptors, are_opened_for_the_first_and_closed_with_the_loop) {
  const auto open_descriptors = [] {
    int count = 0;
    DIR* const directory = ::opendir("/proc/self/fd");
    while (::readdir(directory) != nullptr) ++count;
    ::closedir(directory);
    return count;
  };
  const int before = open_descriptors();
  EventLoopPtr loop = new_event_loop();
  const int without = open_descriptors();
  loop->remove_signal_handler(SIGUSR1);
  EXPECT_EQ(open_descriptors(), without);
  for (int i = 0; i < 3; ++i) {
    loop->add_signal_handler(SIGUSR1, [] {});
    EXPECT_TRUE(loop->reactor().watching());
    EXPECT_EQ(open_descriptors(), without + 2);
    loop->remove_signal_handler(SIGUSR1);
    EXPECT_FALSE(loop->reactor().watching());
  }
  loop = nullptr;
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace segue::modern
