// The same guest with each host.
#include <segue/bridge/guest.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/hosted_reactor.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/testing/reactor_suite.hpp>

#include "bridge/hosts.hpp"
#include "bridge/loop.hpp"
#include "unraisable_reports.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using segue::testing::SocketPair;
using ::testing::ElementsAre;
using testing::Trace;

struct HostNames {
  template <class Program>
  static std::string GetName(int) {
    if (std::is_same_v<Program, testing::UvProgram>) return "Libuv";
    return std::is_same_v<Program, testing::GLibProgram> ? "GLib" : "Asio";
  }
};

template <class Program>
class GuestOf : public ::testing::Test {
 protected:
  GuestOf() { start(); }

  void start() { guest.emplace(*loop, program.loop()); }
  // For who is about to end the guest: of these hosts one does not end by itself.
  void quit_soon() {
    program.call_soon([this] { program.quit(); });
  }

  Trace trace;
  Program program;
  modern::EventLoopPtr loop = modern::new_event_loop();
  std::optional<Guest> guest;
};
using Programs = ::testing::Types<testing::UvProgram, testing::GLibProgram, testing::AsioProgram>;
TYPED_TEST_SUITE(GuestOf, Programs, HostNames);

// A ball that goes from one side to the other: each of them has a timer and a socket.
TYPED_TEST(GuestOf, has_timers_and_sockets_beside_its_hosts) {
  SocketPair to_guest;
  SocketPair to_host;
  int rounds = 0;
  const std::function<void()> hosts_turn = [&] {
    this->trace.emplace_back("host's timer");
    to_guest.send("x");
  };
  this->loop->add_reader(to_guest.fd(), [&] {
    this->trace.push_back("guest's socket " + to_guest.receive(1));
    this->loop->call_later(1ms, [&] {
      this->trace.emplace_back("guest's timer");
      to_host.send("y");
    });
  });
  const std::function<void()> await_ball = [&] {
    this->program.call_once_readable(to_host.fd(), [&] {
      this->trace.push_back("host's socket " + to_host.receive(1));
      if (++rounds == 2) return this->guest->stop(), this->program.quit();
      await_ball();
      this->program.call_later(1ms, hosts_turn);
    });
  };
  await_ball();
  this->program.call_later(1ms, hosts_turn);
  this->program.run();
  EXPECT_THAT(this->trace, ElementsAre("host's timer", "guest's socket x", "guest's timer", "host's socket y",  //
                                       "host's timer", "guest's socket x", "guest's timer", "host's socket y"));
}

TYPED_TEST(GuestOf, that_is_busy_leaves_its_host_its_turns) {
  SocketPair pair;
  pair.send("x");
  std::function<void()> busy = [&] {
    if (!this->guest->stopped()) this->loop->call_soon(busy);
  };
  this->loop->call_soon(busy);
  this->program.call_once_readable(pair.fd(), [&] {
    this->program.call_later(1ms, [&] {
      this->guest->stop();
      this->program.quit();
    });
  });
  this->program.run();
  EXPECT_TRUE(this->guest->stopped());
}

TYPED_TEST(GuestOf, has_its_turns_while_its_host_is_busy) {
  SocketPair pair;
  pair.send("x");
  bool done = false;
  std::function<void()> busy = [&] { done ? this->program.quit() : this->program.call_soon(busy); };
  busy();
  this->loop->add_reader(pair.fd(), [&] {
    this->loop->remove_reader(pair.fd());
    this->loop->call_later(1ms, [&] {
      done = true;
      this->guest->stop();
    });
  });
  this->program.run();
  EXPECT_TRUE(done);
}

TYPED_TEST(GuestOf, runs_what_its_hosts_callbacks_schedule) {
  this->program.call_later(1ms, [&] {
    this->loop->call_later(1ms, [&] {
      this->trace.emplace_back("timer");
      this->quit_soon();
      this->loop->stop();
    });
    this->loop->call_soon([&] { this->trace.emplace_back("soon"); });
    if (!TypeParam::asks_before_it_waits) this->guest->wake();
  });
  this->program.run();
  EXPECT_THAT(this->trace, ElementsAre("soon", "timer"));
}

TYPED_TEST(GuestOf, is_woken_by_another_thread_and_by_a_signal) {
  this->loop->add_signal_handler(SIGUSR1, [&] {
    this->trace.emplace_back("signal");
    this->quit_soon();
    this->loop->stop();
  });
  std::thread other;
  this->program.call_later(1ms, [&] {  // when nothing is to do
    other = std::thread([&] {
      this->loop->call_soon_threadsafe([&] {
        this->trace.emplace_back("thread");
        this->program.call_later(1ms, [] { ::kill(::getpid(), SIGUSR1); });
      });
    });
  });
  this->program.run();
  other.join();
  EXPECT_THAT(this->trace, ElementsAre("thread", "signal"));
}

TYPED_TEST(GuestOf, ends_with_the_loops_stop_at_the_end_of_its_iteration) {
  this->loop->call_soon([&] {
    this->loop->stop();
    this->loop->call_soon([&] { this->trace.emplace_back("the next iteration"); });
  });
  this->loop->call_soon([&] { this->trace.emplace_back("the same iteration"); });
  this->quit_soon();
  this->program.run();
  EXPECT_THAT(this->trace, ElementsAre("the same iteration"));
  EXPECT_TRUE(this->guest->stopped());
  // Another one goes on.
  this->start();
  this->loop->call_soon([&] { this->loop->stop(); });
  this->quit_soon();
  this->program.run();
  EXPECT_THAT(this->trace, ElementsAre("the same iteration", "the next iteration"));
}

TYPED_TEST(GuestOf, ends_with_the_loops_stop_in_its_hosts_callback) {
  this->program.call_later(1ms, [&] {
    this->loop->stop();
    this->loop->call_soon([&] { this->trace.emplace_back("the last iteration"); });
    this->guest->wake();
    this->program.call_later(1ms, [&] { this->program.quit(); });
  });
  this->program.run();
  EXPECT_TRUE(this->guest->stopped());
  EXPECT_THAT(this->trace, ElementsAre("the last iteration"));
}

TYPED_TEST(GuestOf, ends_with_a_loop_that_is_closed_in_its_hosts_callback) {
  this->loop->call_later(1h, [] {});
  this->program.call_later(1ms, [&] {
    this->loop->close();
    EXPECT_TRUE(this->guest->stopped());
    this->quit_soon();
  });
  this->program.run();  // or it would not return
}

TYPED_TEST(GuestOf, ends_with_a_loop_that_is_dropped) {
  this->loop->call_soon([&] { this->loop = nullptr; });
  this->quit_soon();
  this->program.run();
  EXPECT_TRUE(this->guest->stopped());
  this->loop = modern::new_event_loop();
  this->start();
  this->loop = nullptr;
  EXPECT_TRUE(this->guest->stopped());
}

TYPED_TEST(GuestOf, may_be_destroyed_in_its_own_turn) {
  this->loop->call_soon([&] { this->guest.reset(); });
  this->loop->call_soon([&] { this->trace.emplace_back("the same iteration"); });
  this->quit_soon();
  this->program.run();
  EXPECT_THAT(this->trace, ElementsAre("the same iteration"));
}

TYPED_TEST(GuestOf, leaves_a_loop_that_runs_by_itself_when_its_host_has_ended) {
  SocketPair pair;
  this->loop->add_reader(pair.fd(), [&] {
    this->trace.push_back(pair.receive(1));
    this->loop->stop();
  });
  this->program.call_later(1ms, [&] { this->program.quit(); });
  this->program.run();
  EXPECT_FALSE(this->guest->stopped());
  this->guest.reset();
  pair.send("x");
  this->loop->run_forever();
  this->loop->run_until_complete(modern::sleep(1ms));
  EXPECT_THAT(this->trace, ElementsAre("x"));
}

TYPED_TEST(GuestOf, may_be_run_by_itself_within_its_hosts_callback) {
  SocketPair pair;
  this->loop->add_reader(pair.fd(), [&] { this->trace.push_back(pair.receive(1)); });
  auto main = [&]() -> Coroutine<> {
    pair.send("x");
    co_await modern::sleep(1ms);
    this->trace.emplace_back("slept");
  };
  this->program.call_later(1ms, [&] {
    this->loop->run_until_complete(main());
    this->trace.emplace_back("back");
    this->loop->call_later(1ms, [&] {
      this->trace.emplace_back("as guest");
      this->quit_soon();
      this->loop->stop();
    });
    this->guest->wake();
  });
  this->program.run();
  EXPECT_THAT(this->trace, ElementsAre("x", "slept", "back", "as guest"));
}

// A dialog, in GTK.
TYPED_TEST(GuestOf, has_no_turns_while_its_host_runs_within_one_of_its_callbacks) {
  if (!TypeParam::may_be_nested) GTEST_SKIP() << "libuv forbids it";
  SocketPair pair;
  pair.send("x");
  this->loop->call_soon([&] {
    this->loop->add_reader(pair.fd(), [&] {
      this->trace.push_back("guest's socket " + pair.receive(1));
      this->loop->stop();
      this->program.quit();
    });
    this->program.call_later(2ms, [&] {
      this->trace.emplace_back("host's timer");
      this->program.quit();
    });
    this->program.run();
    this->trace.emplace_back("back");
  });
  this->program.run();  // the inner one's quit() ends both
  this->program.run();
  EXPECT_THAT(this->trace, ElementsAre("host's timer", "back", "guest's socket x"));
}

TYPED_TEST(GuestOf, lets_an_interrupt_leave_the_hosts_run_and_goes_on_in_the_next) {
  const auto run = [&] {
    this->program.run();
    this->guest->rethrow();
  };
  this->loop->call_soon([] { throw KeyboardInterrupt(); });
  EXPECT_THROW(run(), KeyboardInterrupt);
  this->guest->rethrow();  // once
  this->loop->call_soon([&] {
    this->trace.emplace_back("next");
    this->quit_soon();
    this->loop->stop();
  });
  this->guest->wake();
  run();
  EXPECT_THAT(this->trace, ElementsAre("next"));
}

TYPED_TEST(GuestOf, lets_an_interrupt_leave_the_hosts_run_that_comes_when_it_has_stopped) {
  this->loop->call_soon([&] {
    this->program.call_later(1ms, [&] {
      this->trace.emplace_back("next run");
      this->program.quit();
    });
    this->guest->stop();
    EXPECT_TRUE(this->guest->stopped());
    throw SystemExit(3);
  });
  const auto run = [&] {
    this->program.run();
    this->guest->rethrow();
  };
  EXPECT_THROW(run(), SystemExit);
  EXPECT_THAT(this->trace, ::testing::IsEmpty());
  run();
  EXPECT_THAT(this->trace, ElementsAre("next run"));
}

TYPED_TEST(GuestOf, gives_an_error_of_a_callback_to_the_loops_exception_handler) {
  testing::collect_reports(*this->loop, this->trace);
  this->loop->call_soon([] { throw ValueError("the loop's"); });
  this->loop->call_soon([&] {
    this->quit_soon();
    this->loop->stop();
  });
  this->program.run();
  this->guest->rethrow();
  EXPECT_THAT(this->trace, ElementsAre("Exception in callback"));
}

TYPED_TEST(GuestOf, cannot_have_two_hosts_or_be_closed_or_without_a_descriptor) {
  EXPECT_THROW(Guest(*this->loop, this->program.loop()), RuntimeError);
  TypeParam other;
  EXPECT_THROW(Guest(*this->loop, other.loop()), RuntimeError);
  const auto closed = modern::new_event_loop();
  closed->close();
  EXPECT_THROW(Guest(*closed, this->program.loop()), RuntimeError);
  const auto in_virtual_time = testing::make_loop();
  EXPECT_THROW(Guest(*in_virtual_time, this->program.loop()), RuntimeError);
}

// What docs/guest.md says of a main loop of one's own.
TEST(Guest, IsNotNeededWhereTheMainLoopIsThePrograms) {
  Trace trace;
  SocketPair of_loop;
  SocketPair of_program;
  const auto loop = modern::new_event_loop();
  loop->call_later(1ms, [&] {
    trace.emplace_back("loop's timer");
    of_program.send("x");
  });
  loop->add_reader(of_loop.fd(), [&] {
    trace.push_back("loop's socket " + of_loop.receive(1));
    loop->stop();
  });
  while (!loop->was_stopped()) {
    std::array<pollfd, 2> polled{{{loop->reactor().fileno(), POLLIN, 0}, {of_program.fd(), POLLIN, 0}}};
    int timeout = -1;
    if (const auto due = loop->due(); due != modern::EventLoop::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max(due, loop->time()) - loop->time());
      timeout = static_cast<int>(left.count());
    }
    ASSERT_GE(::poll(polled.data(), polled.size(), timeout), 0);
    if (polled[1].revents != 0) {
      trace.push_back("program's socket " + of_program.receive(1));
      of_loop.send("y");
    }
    loop->step();
  }
  EXPECT_THAT(trace, ElementsAre("loop's timer", "program's socket x", "loop's socket y"));
}

TEST(Guest, ReportsAnInterruptThatNobodyAskedFor) {
  const segue::testing::UnraisableReports ignored;
  {
    testing::UvProgram program;
    const auto loop = modern::new_event_loop();
    const Guest guest(*loop, program.loop());
    loop->call_soon([] { throw SystemExit(3); });
    program.run();
  }
  EXPECT_THAT(ignored.lines, ElementsAre("<Guest: rethrow() was not called>: SystemExit(3)"));
}

TEST(Guest, ReportsAnInterruptOfACallbackThatHasDestroyedIt) {
  const segue::testing::UnraisableReports ignored;
  {
    testing::UvProgram program;
    const auto loop = modern::new_event_loop();
    std::optional<Guest> guest(std::in_place, *loop, program.loop());
    loop->call_soon([&] {
      guest.reset();
      throw SystemExit(3);
    });
    program.run();
  }
  EXPECT_THAT(ignored.lines, ElementsAre("<Guest: rethrow() was not called>: SystemExit(3)"));
}

TEST(Guest, CannotBeALoopThatRunsItsHost) {
  testing::UvProgram program;
  testing::GLibProgram other;
  const auto loop = modern::new_event_loop(make_reactor(program.loop()));
  EXPECT_THROW(Guest(*loop, other.loop()), RuntimeError);
  EXPECT_THROW(Guest(*loop, program.loop()), RuntimeError);
}

TEST(Guest, HasAnIoContextNowhereElseThanInOne) {
  testing::UvProgram program;
  const auto loop = modern::new_event_loop();
  const Guest guest(*loop, program.loop());
  EXPECT_THROW(io_context(*loop), RuntimeError);
  const auto other = modern::new_event_loop();
  io_context(*other);
  EXPECT_THROW(Guest(*other, program.loop()), RuntimeError);
}

TYPED_TEST(GuestOf, that_is_stopped_and_interrupted_at_once_ends_its_host) {
  this->loop->call_soon([this] {
    this->loop->stop();
    throw SystemExit(3);
  });
  const auto run = [this] {
    this->program.run();
    this->guest->rethrow();
  };
  EXPECT_THROW(run(), SystemExit);
  EXPECT_TRUE(this->guest->stopped());
}

}  // namespace
}  // namespace segue::bridge
