#include <segue/modern/loop/reactor.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

namespace segue::modern {
namespace {

using namespace std::chrono_literals;

struct OpenPair {
  OpenPair() { open(); }
  OpenPair(const OpenPair&) = delete;
  OpenPair& operator=(const OpenPair&) = delete;
  ~OpenPair() { close(); }
  void open() { ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends); }
  void close() const {
    for (const int end : ends) ::close(end);
  }
  void reopen() {
    close();
    open();
  }
  void send(const std::string& data) const {
    ASSERT_EQ(::send(ends[1], data.data(), data.size(), 0), std::ssize(data));
  }
  std::string receive(std::size_t most) const {
    std::string data(most, '\0');
    const auto got = ::recv(ends[0], data.data(), most, 0);
    return data.substr(0, got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  int ends[2];
};

/// The same for the two reactors.
class Reactors : public ::testing::TestWithParam<bool> {
 protected:
  EventLoopPtr loop = GetParam() ? new_event_loop() : new_event_loop(std::make_unique<ManualReactor>());
  OpenPair pair;
};
INSTANTIATE_TEST_SUITE_P(Both, Reactors, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Epoll" : "Manual"; });

// Rule 169.
TEST_P(Reactors, ReadersAreLevelTriggeredAndReplacedByTheNextOne) {
  std::vector<std::string> events;
  const int fd = pair.ends[0];
  loop->add_reader(fd, [&] { events.push_back("old"); });
  loop->add_reader(fd, [&] {
    events.push_back(pair.receive(2));
    if (events.size() == 2) loop->stop();
  });
  pair.send("1234");
  loop->run_forever();
  const std::vector<std::string> expected = {"12", "34"};
  EXPECT_EQ(events, expected);
  EXPECT_TRUE(loop->remove_reader(fd));
  EXPECT_FALSE(loop->remove_reader(fd));
}

TEST_P(Reactors, AReaderThatReadsNothingIsCalledAgain) {
  int calls = 0;
  loop->add_reader(pair.ends[0], [&] {
    if (++calls == 3) loop->stop();
  });
  pair.send("x");
  loop->run_forever();
  EXPECT_EQ(calls, 3);
}

TEST_P(Reactors, WatchBothWaysOfOneDescriptor) {
  std::vector<std::string> events;
  const int fd = pair.ends[0];
  loop->add_writer(fd, [&] {
    events.push_back("writable");
    loop->remove_writer(fd);
    pair.send("x");
  });
  loop->add_reader(fd, [&] {
    events.push_back("readable");
    loop->stop();
  });
  loop->run_forever();
  const std::vector<std::string> expected = {"writable", "readable"};
  EXPECT_EQ(events, expected);
}

TEST_P(Reactors, ARemovedReaderIsNotCalledEvenWhereItWasReady) {
  bool called = false;
  OpenPair other;
  other.send("x");
  pair.send("x");
  const auto first_removes_the_other = [&](int other_fd) {
    return [this, &called, other_fd] {
      if (called) return;
      called = true;
      loop->remove_reader(other_fd);
      loop->call_soon([this] { loop->stop(); });
    };
  };
  int calls = 0;
  loop->add_reader(pair.ends[0], [&, act = first_removes_the_other(other.ends[0])] { ++calls, act(); });
  loop->add_reader(other.ends[0], [&, act = first_removes_the_other(pair.ends[0])] { ++calls, act(); });
  loop->run_forever();
  EXPECT_GE(calls, 1);
  EXPECT_TRUE(called);
  EXPECT_NE(loop->remove_reader(pair.ends[0]), loop->remove_reader(other.ends[0]));
}

TEST_P(Reactors, WatchADescriptorThatHasTheNumberOfAClosedOne) {
  for (int round = 0; round < 3; ++round) {
    bool readable = false;
    const int fd = pair.ends[0];
    loop->add_reader(fd, [] {});
    loop->call_soon([this] { loop->stop(); });
    loop->run_forever();
    loop->remove_reader(fd);
    pair.reopen();
    ASSERT_EQ(pair.ends[0], fd);
    loop->add_reader(fd, [&] {
      readable = true;
      loop->stop();
    });
    TimerHandle give_up;
    if (GetParam()) give_up = loop->call_later(5s, [this] { loop->stop(); });
    loop->call_soon([] {});  // a first poll, in which nothing is ready
    loop->call_soon([this] { loop->call_soon([this] { pair.send("x"); }); });
    loop->run_forever();
    ASSERT_TRUE(readable);
    give_up.cancel();
    loop->remove_reader(fd);
  }
}

}  // namespace
}  // namespace segue::modern
