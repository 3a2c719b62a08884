// The default reactor, by the system calls that it makes: this file stands between it and the system, and counts them.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/reactor.hpp>
#include <segue/modern/net/connect.hpp>
#include <segue/modern/net/protocols.hpp>
#include <segue/modern/net/transports.hpp>
#include <segue/modern/tasks/task.hpp>

#include "counted_allocations.hpp"
#include "modern/attempt.hpp"
#include "modern/sockets.hpp"

namespace segue::modern {
namespace {

struct Calls {
  int waits = 0;
  int controls = 0;
  std::size_t allocations = 0;
  friend bool operator==(const Calls&, const Calls&) = default;
  friend Calls operator-(const Calls& a, const Calls& b) {
    return {a.waits - b.waits, a.controls - b.controls, a.allocations - b.allocations};
  }
  friend std::ostream& operator<<(std::ostream& out, const Calls& calls) {
    return out << calls.waits << " waits, " << calls.controls << " controls, " << calls.allocations << " allocations";
  }
};

// What the system is asked, and how it answers.
struct System {
  Calls calls;
  bool has_pwait2 = true;
  bool only_note_timeouts = false;
  int milliseconds = 0;
  timespec nanoseconds{};
};
constinit thread_local System system_here;

Calls calls_so_far() {
  Calls calls = system_here.calls;
  if (segue::testing::allocations_counted && detail::pooled()) calls.allocations = segue::testing::allocations_made();
  return calls;
}

}  // namespace
}  // namespace segue::modern

static constexpr std::size_t signal_set_size = 8;  // the kernel's

extern "C" int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  ++segue::modern::system_here.calls.controls;
  return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

extern "C" int epoll_wait(int epoll, epoll_event* events, int room, int timeout) {
  auto& here = segue::modern::system_here;
  ++here.calls.waits;
  here.milliseconds = timeout;
  if (here.only_note_timeouts) return 0;
  return static_cast<int>(::syscall(SYS_epoll_pwait, epoll, events, room, timeout, nullptr, signal_set_size));
}

extern "C" int epoll_pwait2(int epoll, epoll_event* events, int room, const timespec* timeout, const sigset_t*) {
  auto& here = segue::modern::system_here;
  if (!here.has_pwait2) {
    errno = ENOSYS;
    return -1;
  }
  ++here.calls.waits;
  here.nanoseconds = *timeout;
  if (here.only_note_timeouts) return 0;
  return static_cast<int>(::syscall(SYS_epoll_pwait2, epoll, events, room, timeout, nullptr, signal_set_size));
}

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::iterate;
using testing::SocketPair;
using testing::Trace;

class EpollReactorTest : public ::testing::Test {
 protected:
  EpollReactorTest() { system_here = System(); }            // counts from nothing
  ~EpollReactorTest() override { system_here = System(); }  // whatever runs next in this process asks the real one
  EpollReactorTest(const EpollReactorTest&) = delete;
  EpollReactorTest& operator=(const EpollReactorTest&) = delete;

  Trace trace;
  EventLoopPtr loop = new_event_loop();
};

// --- what a round trip costs ---

/// Sends back what it gets; notes what the rounds from the tenth on have cost when there are enough.
class Echo : public Protocol {
 public:
  static constexpr int rounds = 1'000;
  explicit Echo(EventLoop& loop, bool begins) : loop_(loop), begins_(begins) {}
  Calls cost;

 private:
  void connection_made(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
    if (begins_) transport_->write("x");
  }
  void data_received(std::string_view data) override {
    if (begins_) {
      ++round_;
      if (round_ == 10) cost = calls_so_far();
      if (round_ == 10 + rounds) {
        cost = calls_so_far() - cost;
        return loop_.stop();
      }
    }
    transport_->write(data);
  }
  void connection_lost(std::exception_ptr) override { transport_ = nullptr; }

  EventLoop& loop_;
  bool begins_;
  int round_ = 0;
  std::shared_ptr<Transport> transport_;
};

TEST_F(EpollReactorTest, waits_once_for_each_message_and_asks_for_nothing_else) {
  SocketPair pair;
  const auto client = std::make_shared<Echo>(*loop, true);
  const auto server = std::make_shared<Echo>(*loop, false);
  const auto connect = [&](int fd, const std::shared_ptr<Protocol>& protocol) {
    const ConnectionOptions options{.sock = fd};
    loop->run_until_complete(loop->create_connection([protocol] { return protocol; }, options));
  };
  connect(pair.release_peer(), server);
  connect(pair.release_ours(), client);
  loop->run_forever();
  EXPECT_EQ(client->cost, (Calls{.waits = 2 * Echo::rounds, .controls = 0, .allocations = 0}));
}

TEST_F(EpollReactorTest, takes_what_is_ready_in_its_order_a_hundred_and_twenty_eight_a_wait) {
  constexpr int many = 10'000;
  constexpr int batch = 128;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit before = limit;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, many + 100);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < many + 100) GTEST_SKIP() << "fewer descriptors are allowed";

  std::vector<int> descriptors;
  std::vector<int> called;
  called.reserve(many);
  for (int i = 0; i < many; ++i) {
    const int fd = ::eventfd(0, EFD_CLOEXEC);
    descriptors.push_back(fd);
    loop->add_reader(fd, [&called, fd] {
      called.push_back(fd);
      std::uint64_t value = 0;
      EXPECT_EQ(::read(fd, &value, sizeof value), 8);
    });
  }
  const std::uint64_t one = 1;
  std::vector<int> written;
  for (int i = 0; i < many; ++i) {  // not in the order of their numbers
    const int fd = descriptors[static_cast<std::size_t>(i) * 7919 % many];
    ASSERT_EQ(::write(fd, &one, sizeof one), 8);
    written.push_back(fd);
  }
  const Calls first = calls_so_far();
  for (int before = 0; before < many; before += batch) {
    iterate(*loop);
    ASSERT_EQ(called.size(), static_cast<std::size_t>(std::min(before + batch, many)));
  }
  EXPECT_EQ(calls_so_far() - first, (Calls{.waits = (many + batch - 1) / batch, .controls = 0, .allocations = 0}));
  EXPECT_EQ(called, written);
  for (const int fd : descriptors) {
    EXPECT_TRUE(loop->remove_reader(fd));
    ::close(fd);
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(EpollReactorTest, tells_the_kernel_of_changes_and_of_nothing_else) {
  const SocketPair pair;
  const int fd = pair.ours();
  const auto controls = [&](auto act) {
    const int before = system_here.calls.controls;
    act();
    return system_here.calls.controls - before;
  };
  EXPECT_EQ(controls([&] { loop->add_reader(fd, [] {}); }), 1);
  EXPECT_EQ(controls([&] { loop->add_writer(fd, [] {}); }), 1);
  EXPECT_EQ(controls([&] {
              for (int i = 0; i < 10; ++i) iterate(*loop);
            }),
            0);
  EXPECT_EQ(controls([&] { loop->remove_writer(fd); }), 1);
  EXPECT_EQ(controls([&] { loop->remove_writer(fd); }), 0);
  EXPECT_EQ(controls([&] { loop->remove_reader(fd); }), 1);
}

TEST_F(EpollReactorTest, is_asked_once_an_iteration_by_a_busy_loop_that_watches_and_never_by_one_that_does_not) {
  const auto waits_of_ten_iterations = [&] {
    int left = 10;
    const std::function<void()> again = [&] { --left > 0 ? static_cast<void>(loop->call_soon(again)) : loop->stop(); };
    loop->call_soon(again);
    const int before = system_here.calls.waits;
    loop->run_forever();
    return system_here.calls.waits - before;
  };
  EXPECT_EQ(waits_of_ten_iterations(), 0);
  const SocketPair pair;
  loop->add_reader(pair.ours(), [] {});
  EXPECT_EQ(waits_of_ten_iterations(), 10);
  EXPECT_EQ(system_here.milliseconds, 0);
  loop->remove_reader(pair.ours());
  EXPECT_EQ(waits_of_ten_iterations(), 0);
}

// --- how long it waits ---

TEST_F(EpollReactorTest, waits_to_the_nanosecond) {
  system_here.only_note_timeouts = true;
  const auto reactor = make_reactor();
  ReadyQueue ready;
  const auto earliest = reactor->now();
  const auto deadline = earliest + 3'600s + 123'456'789ns;
  reactor->poll(deadline, ready);
  const auto latest = reactor->now();
  const auto waited =
      std::chrono::seconds(system_here.nanoseconds.tv_sec) + std::chrono::nanoseconds(system_here.nanoseconds.tv_nsec);
  EXPECT_LE(waited, deadline - earliest);
  EXPECT_GE(waited, deadline - latest);
  EXPECT_LT(system_here.nanoseconds.tv_nsec, 1'000'000'000);
}

TEST_F(EpollReactorTest, rounds_up_to_milliseconds_where_the_kernel_has_no_better) {
  system_here.only_note_timeouts = true;
  system_here.has_pwait2 = false;
  const auto reactor = make_reactor();
  ReadyQueue ready;
  for (int i = 1; i <= 1'000; ++i) {
    const auto earliest = reactor->now();
    const auto deadline = earliest + i * 1'234'567ns;
    reactor->poll(deadline, ready);
    const std::chrono::milliseconds waited(system_here.milliseconds);
    ASSERT_GE(reactor->now() + waited, deadline);  // not too early
    ASSERT_LT(earliest + waited, deadline + 1ms);  // nor a millisecond late
  }
  EXPECT_EQ(system_here.calls.waits, 1'000);
}

TEST_F(EpollReactorTest, waits_for_ever_or_not_at_all) {
  system_here.only_note_timeouts = true;
  const auto reactor = make_reactor();
  ReadyQueue ready;
  const auto milliseconds = [&](Reactor::time_point deadline) {
    system_here.milliseconds = 7;
    reactor->poll(deadline, ready);
    return system_here.milliseconds;
  };
  using time_point = Reactor::time_point;
  EXPECT_EQ(milliseconds(time_point::max()), -1);
  EXPECT_EQ(milliseconds(time_point::min()), 0);
  EXPECT_EQ(milliseconds(time_point::min() + 1ns), 0);
  EXPECT_EQ(milliseconds(reactor->now()), 0);
  system_here.has_pwait2 = false;
  EXPECT_EQ(milliseconds(time_point::max() - 1ns), std::numeric_limits<int>::max());
}

// --- waking it ---

bool would_find_something(const Reactor& reactor) {
  pollfd it{reactor.fileno(), POLLIN, 0};
  return ::poll(&it, 1, 0) == 1;
}

TEST_F(EpollReactorTest, wakes_once_however_often_it_is_woken) {
  const auto reactor = make_reactor();
  ReadyQueue ready;
  EXPECT_FALSE(would_find_something(*reactor));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3; ++i) reactor->wake();
    EXPECT_TRUE(would_find_something(*reactor));
    reactor->poll(Reactor::time_point::max(), ready);
    EXPECT_FALSE(would_find_something(*reactor));
    EXPECT_TRUE(ready.empty());
  }
}

TEST_F(EpollReactorTest, loses_no_wake_up_from_another_thread) {
  constexpr int posts = 20'000;
  int received = 0;
  std::thread poster([&] {
    for (int i = 0; i < posts; ++i) {
      loop->call_soon_threadsafe([&] {
        if (++received == posts) loop->stop();
      });
    }
  });
  loop->run_forever();
  poster.join();
  EXPECT_EQ(received, posts);
}

TEST_F(EpollReactorTest, leaves_errno_alone_when_it_is_woken_by_a_signal_handler) {
  const auto reactor = make_reactor();
  ::close(-1);
  ASSERT_EQ(errno, EBADF);
  reactor->wake();
  EXPECT_EQ(errno, EBADF);
}

// --- descriptors that are no good, or not what they were ---

TEST_F(EpollReactorTest, refuses_what_epoll_refuses) {
  const std::string not_permitted = "PermissionError([Errno 1] Operation not permitted)";
  for (const char* path : {"/dev/null", "/proc/self/exe"}) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(attempt([&] { loop->add_reader(fd, [] {}); }), not_permitted);
    EXPECT_EQ(attempt([&] { loop->add_writer(fd, [] {}); }), not_permitted);
    EXPECT_FALSE(loop->remove_reader(fd));
    const int standard_input = ::dup(0);
    ::dup2(fd, 0);
    EXPECT_EQ(attempt([&] { loop->add_reader(0, [] {}); }), not_permitted);
    ::dup2(standard_input, 0);
    ::close(standard_input);
    ::close(fd);
  }
  EXPECT_FALSE(loop->reactor().watching());
}

TEST_F(EpollReactorTest, refuses_what_is_not_open) {
  const std::string bad = "OSError([Errno 9] Bad file descriptor)";
  EXPECT_EQ(attempt([&] { loop->add_reader(1'000'000'000, [] {}); }), bad);
  const SocketPair pair;
  const int closed = ::dup(pair.ours());
  ::close(closed);
  EXPECT_EQ(attempt([&] { loop->add_writer(closed, [] {}); }), bad);
  EXPECT_EQ(attempt([&] { return loop->remove_writer(closed); }), "false");
  const std::string negative = "ValueError(Invalid file descriptor: -1)";
  EXPECT_EQ(attempt([&] { loop->add_reader(-1, [] {}); }), negative);
  EXPECT_EQ(attempt([&] { return loop->remove_reader(-1); }), negative);
  EXPECT_FALSE(loop->reactor().watching());
}

TEST_F(EpollReactorTest, watches_a_new_descriptor_with_the_number_of_one_that_was_closed_while_it_was_watched) {
  const SocketPair idle;
  const SocketPair ready;
  ready.send("x");
  const int fd = ::dup(idle.ours());
  // Its duplicate keeps the first one in epoll; the second one leaves it when it is closed.
  loop->add_reader(fd, [&] { trace.emplace_back("old"); });
  ASSERT_EQ(::dup2(ready.ours(), fd), fd);
  loop->add_reader(fd, [&] { trace.emplace_back("new"); });
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("new"));
  loop->remove_reader(fd);
  ::close(fd);
}

TEST_F(EpollReactorTest, watches_a_descriptor_that_epoll_did_not_forget) {
  const SocketPair pair;
  pair.send("x");
  const int fd = ::dup(pair.ours());
  loop->add_reader(fd, [&] { trace.emplace_back("old"); });
  ::close(fd);
  EXPECT_TRUE(loop->remove_reader(fd));  // too late for epoll, which knows no such number now
  ASSERT_EQ(::dup2(pair.ours(), fd), fd);
  loop->add_reader(fd, [&] { trace.emplace_back("new"); });
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("new"));
  loop->remove_reader(fd);
  ::close(fd);
}

// CPython's rule: who reads or writes is to find out.
TEST_F(EpollReactorTest, calls_a_hang_up_writable_and_an_error_readable) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const int spare = ::dup(ends[1]);
  ::close(ends[1]);
  loop->add_writer(ends[0], [&] { trace.emplace_back("hung up"); });
  iterate(*loop);
  EXPECT_THAT(trace, IsEmpty());
  ::close(spare);
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("hung up"));
  loop->remove_writer(ends[0]);
  ::close(ends[0]);

  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  loop->add_reader(ends[1], [&] { trace.emplace_back("broken"); });
  ::close(ends[0]);
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("hung up", "broken"));
  loop->remove_reader(ends[1]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace segue::modern
