// A suite of tests that every implementation of the reactor interface has to pass (<segue/modern/loop/reactor.hpp>),
// for GoogleTest: instantiate it with a type whose objects make reactors.
//
//   struct MyReactorUnderTest {
//     std::unique_ptr<asyncio::Reactor> make() { return std::make_unique<MyReactor>(io); }
//     Io io;                                            // lives as long as its reactors
//     void run(asyncio::EventLoop& loop) { … }          // where somebody else runs it; else run_forever() does
//   };
//   using namespace segue::testing;
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, ReactorSuite, MyReactorUnderTest);
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/reactor.hpp>
#include <segue/modern/loop/watch.hpp>
#include <segue/os_error.hpp>

namespace segue::testing {

template <class U>
concept ReactorUnderTest = std::default_initializable<U> && requires(U& under_test) {
  { under_test.make() } -> std::same_as<std::unique_ptr<modern::Reactor>>;
};

/// Two sockets that are connected to each other.
class SocketPair {
 public:
  SocketPair() { open(); }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  ~SocketPair() { close(); }

  /// Closes both, and opens two others, which most likely have the same numbers.
  void reopen() {
    close();
    open();
  }
  /// The one that is watched.
  int fd() const noexcept { return ends_[0]; }
  void send(const std::string& data) const {
    ASSERT_EQ(::send(ends_[1], data.data(), data.size(), 0), static_cast<ssize_t>(data.size()));
  }
  std::string receive(std::size_t most) const {
    std::string data(most, '\0');
    const ssize_t got = ::recv(ends_[0], data.data(), most, 0);
    return data.substr(0, got > 0 ? static_cast<std::size_t>(got) : 0);
  }

 private:
  void open() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_), 0); }
  void close() const {
    for (const int end : ends_) ::close(end);
  }
  int ends_[2] = {-1, -1};
};

/// A watch that counts, and does nothing else.
class CountingWatch final : public modern::Watch {
 public:
  explicit CountingWatch(modern::Events event) noexcept : Watch(event) {}
  void ready() override { ++calls; }
  void let_go() noexcept override { ++let_go_calls; }
  int calls = 0;
  int let_go_calls = 0;
};

template <ReactorUnderTest Under>
class ReactorSuite : public ::testing::Test {
 protected:
  using Trace = std::vector<std::string>;
  static constexpr auto soon = std::chrono::milliseconds(1);

  void run() {
    if constexpr (requires { under.run(*loop); }) {
      under.run(*loop);
    } else {
      loop->run_forever();
    }
  }

  Under under;
  modern::EventLoopPtr loop = modern::new_event_loop(under.make());
  SocketPair pair;
};
TYPED_TEST_SUITE_P(ReactorSuite);

TYPED_TEST_P(ReactorSuite, readers_are_level_triggered_and_replaced_by_the_next_one) {
  typename TestFixture::Trace events;
  const int fd = this->pair.fd();
  this->loop->add_reader(fd, [&] { events.push_back("old"); });
  this->loop->add_reader(fd, [&] {
    events.push_back(this->pair.receive(2));
    if (events.size() == 2) this->loop->stop();
  });
  this->pair.send("1234");
  this->run();
  EXPECT_EQ(events, (typename TestFixture::Trace{"12", "34"}));
  EXPECT_TRUE(this->loop->remove_reader(fd));
  EXPECT_FALSE(this->loop->remove_reader(fd));
}

TYPED_TEST_P(ReactorSuite, a_reader_that_reads_nothing_is_called_again) {
  int calls = 0;
  this->loop->add_reader(this->pair.fd(), [&] {
    if (++calls == 3) this->loop->stop();
  });
  this->pair.send("x");
  this->run();
  EXPECT_EQ(calls, 3);
}

TYPED_TEST_P(ReactorSuite, a_reader_is_called_once_for_what_it_reads_though_the_loop_is_stopped_meanwhile) {
  typename TestFixture::Trace events;
  this->loop->add_reader(this->pair.fd(), [&] { events.push_back(this->pair.receive(1)); });
  this->pair.send("x");
  for (int run = 0; run < 3; ++run) {
    this->loop->call_soon([this] { this->loop->stop(); });
    this->run();
  }
  EXPECT_EQ(events, typename TestFixture::Trace{"x"});
}

TYPED_TEST_P(ReactorSuite, both_ways_of_one_descriptor_are_watched) {
  typename TestFixture::Trace events;
  const int fd = this->pair.fd();
  this->loop->add_writer(fd, [&] {
    events.push_back("writable");
    this->loop->remove_writer(fd);
    this->pair.send("x");
  });
  this->loop->add_reader(fd, [&] {
    events.push_back("readable");
    this->loop->stop();
  });
  this->run();
  EXPECT_EQ(events, (typename TestFixture::Trace{"writable", "readable"}));
}

TYPED_TEST_P(ReactorSuite, a_descriptors_reader_comes_before_its_writer) {
  typename TestFixture::Trace events;
  const int fd = this->pair.fd();
  this->pair.send("x");
  this->loop->add_writer(fd, [&] {
    events.push_back("writable");
    this->loop->stop();
  });
  this->loop->add_reader(fd, [&] { events.push_back("readable"); });
  this->run();
  EXPECT_EQ(events, (typename TestFixture::Trace{"readable", "writable"}));
}

TYPED_TEST_P(ReactorSuite, a_removed_reader_is_not_called_even_where_it_was_ready) {
  SocketPair other;
  other.send("x");
  this->pair.send("x");
  int calls = 0;
  const auto removes = [&](int fd) {
    return [&calls, fd, this] {
      if (++calls > 1) return;
      this->loop->remove_reader(fd);
      this->loop->call_soon([this] { this->loop->stop(); });
    };
  };
  this->loop->add_reader(this->pair.fd(), removes(other.fd()));
  this->loop->add_reader(other.fd(), removes(this->pair.fd()));
  this->run();
  EXPECT_GE(calls, 1);
  EXPECT_NE(this->loop->remove_reader(this->pair.fd()), this->loop->remove_reader(other.fd()));
}

TYPED_TEST_P(ReactorSuite, a_descriptor_is_watched_that_has_the_number_of_a_closed_one) {
  for (int round = 0; round < 3; ++round) {
    bool readable = false;
    const int fd = this->pair.fd();
    this->loop->add_reader(fd, [] {});
    this->loop->call_soon([this] { this->loop->stop(); });
    this->run();
    this->loop->remove_reader(fd);
    this->pair.reopen();
    ASSERT_EQ(this->pair.fd(), fd);
    this->loop->add_reader(fd, [&] {
      readable = true;
      this->loop->stop();
    });
    this->loop->call_soon([this] { this->loop->call_soon([this] { this->pair.send("x"); }); });
    this->run();
    ASSERT_TRUE(readable);
    this->loop->remove_reader(fd);
  }
}

TYPED_TEST_P(ReactorSuite, many_descriptors_are_found_each_once_a_poll) {
  std::vector<std::unique_ptr<SocketPair>> pairs;
  std::vector<int> calls(100);
  for (int& count : calls) {
    pairs.push_back(std::make_unique<SocketPair>());
    pairs.back()->send("x");
    this->loop->add_reader(pairs.back()->fd(), [&count, &pair = *pairs.back()] {
      ++count;
      pair.receive(1);
    });
  }
  this->loop->call_soon([] {});
  for (int i = 0; i < 5; ++i) {
    this->loop->stop();
    this->run();
  }
  EXPECT_EQ(calls, std::vector<int>(100, 1));
}

TYPED_TEST_P(ReactorSuite, what_cannot_be_watched_is_refused_and_changes_nothing) {
  modern::Reactor& reactor = this->loop->reactor();
  CountingWatch watch(modern::EVENT_READ);
  EXPECT_THROW(reactor.watch(watch, -1), ValueError);
  const int closed = ::dup(this->pair.fd());
  ::close(closed);
  EXPECT_THROW(reactor.watch(watch, closed), OSError);
  EXPECT_FALSE(watch.watched());
  EXPECT_EQ(reactor.find(closed, modern::EVENT_READ), nullptr);
  EXPECT_EQ(watch.let_go_calls, 0);
}

TYPED_TEST_P(ReactorSuite, a_watch_is_let_go_of_once_when_another_takes_its_place_or_it_is_unwatched) {
  modern::Reactor& reactor = this->loop->reactor();
  CountingWatch first(modern::EVENT_READ);
  CountingWatch second(modern::EVENT_READ);
  CountingWatch writer(modern::EVENT_WRITE);
  const int fd = this->pair.fd();
  reactor.watch(first, fd);
  EXPECT_EQ(reactor.find(fd, modern::EVENT_READ), &first);
  EXPECT_EQ(reactor.find(fd, modern::EVENT_WRITE), nullptr);
  reactor.watch(second, fd);
  EXPECT_EQ(first.let_go_calls, 1);
  EXPECT_EQ(reactor.find(fd, modern::EVENT_READ), &second);
  reactor.unwatch(first);  // which is idle
  EXPECT_EQ(reactor.find(fd, modern::EVENT_READ), &second);
  reactor.watch(writer, fd);
  reactor.unwatch(second);
  EXPECT_EQ(second.let_go_calls, 1);
  EXPECT_EQ(reactor.find(fd, modern::EVENT_WRITE), &writer);
  reactor.unwatch_all();
  EXPECT_EQ(writer.let_go_calls, 1);
  EXPECT_FALSE(writer.watched());
  EXPECT_EQ(first.let_go_calls, 1);
}

TYPED_TEST_P(ReactorSuite, a_descriptor_may_be_closed_before_it_is_unwatched) {
  modern::Reactor& reactor = this->loop->reactor();
  CountingWatch watch(modern::EVENT_READ);
  const int copy = ::dup(this->pair.fd());
  reactor.watch(watch, copy);
  ::close(copy);
  reactor.unwatch(watch);
  EXPECT_EQ(watch.let_go_calls, 1);
  this->loop->call_soon([this] { this->loop->stop(); });
  this->run();
  EXPECT_EQ(watch.calls, 0);
}

TYPED_TEST_P(ReactorSuite, timers_come_in_the_order_of_their_times) {
  typename TestFixture::Trace events;
  const auto log = [&](const char* what) { return [&events, what] { events.emplace_back(what); }; };
  const auto now = this->loop->time();
  this->loop->call_at(now + 3 * this->soon, log("third"));
  this->loop->call_at(now + this->soon, log("first"));
  this->loop->call_at(now + 2 * this->soon, log("second"));
  this->loop->call_at(now + 4 * this->soon, [this] { this->loop->stop(); });
  this->run();
  EXPECT_EQ(events, (typename TestFixture::Trace{"first", "second", "third"}));
  EXPECT_GE(this->loop->time() - now, 4 * this->soon);
}

TYPED_TEST_P(ReactorSuite, a_poll_is_ended_by_a_wake_from_another_thread) {
  modern::Reactor& reactor = this->loop->reactor();
  modern::ReadyQueue ready;
  CountingWatch idle(modern::EVENT_READ);
  reactor.watch(idle, this->pair.fd());
  std::thread other([&] { reactor.wake(); });
  reactor.poll(modern::Reactor::time_point::max(), ready);
  other.join();
  EXPECT_TRUE(ready.empty());
  reactor.unwatch(idle);
}

TYPED_TEST_P(ReactorSuite, a_wake_before_a_poll_is_not_lost) {
  modern::Reactor& reactor = this->loop->reactor();
  modern::ReadyQueue ready;
  reactor.wake();
  reactor.poll(modern::Reactor::time_point::max(), ready);
  EXPECT_TRUE(ready.empty());
}

TYPED_TEST_P(ReactorSuite, a_poll_until_now_does_not_wait) {
  modern::Reactor& reactor = this->loop->reactor();
  modern::ReadyQueue ready;
  CountingWatch watch(modern::EVENT_READ);
  reactor.watch(watch, this->pair.fd());
  EXPECT_TRUE(reactor.watching());
  reactor.poll(modern::Reactor::time_point::min(), ready);
  EXPECT_TRUE(ready.empty());
  reactor.unwatch(watch);
}

TYPED_TEST_P(ReactorSuite, calls_of_other_threads_arrive_while_descriptors_are_watched) {
  typename TestFixture::Trace events;
  this->loop->add_reader(this->pair.fd(), [&] {
    this->pair.receive(1);
    events.push_back("readable");
    if (events.size() == 2) this->loop->stop();
  });
  std::thread other([&] {
    this->loop->call_soon_threadsafe([&] {
      events.push_back("called");
      if (events.size() == 2) this->loop->stop();
    });
    this->pair.send("x");
  });
  this->run();
  other.join();
  EXPECT_EQ(events.size(), 2U);
}

REGISTER_TYPED_TEST_SUITE_P(
    ReactorSuite, readers_are_level_triggered_and_replaced_by_the_next_one, a_reader_that_reads_nothing_is_called_again,
    a_reader_is_called_once_for_what_it_reads_though_the_loop_is_stopped_meanwhile,
    both_ways_of_one_descriptor_are_watched, a_descriptors_reader_comes_before_its_writer,
    a_removed_reader_is_not_called_even_where_it_was_ready, a_descriptor_is_watched_that_has_the_number_of_a_closed_one,
    many_descriptors_are_found_each_once_a_poll, what_cannot_be_watched_is_refused_and_changes_nothing,
    a_watch_is_let_go_of_once_when_another_takes_its_place_or_it_is_unwatched,
    a_descriptor_may_be_closed_before_it_is_unwatched, timers_come_in_the_order_of_their_times,
    a_poll_is_ended_by_a_wake_from_another_thread, a_wake_before_a_poll_is_not_lost, a_poll_until_now_does_not_wait,
    calls_of_other_threads_arrive_while_descriptors_are_watched);

}  // namespace segue::testing
