#include <segue/modern/loop/watch.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"
#include "modern/sockets.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using ::testing::ElementsAre;
using testing::iterate;
using testing::SocketPair;
using testing::Trace;
using testing::Tracked;

/// Writes its name down when it is ready, and "- name" when it is let go.
class Noted : public Watch {
 public:
  Noted(Trace& trace, std::string name, Events event = EVENT_READ)
      : Watch(event), trace_(trace), name_(std::move(name)) {}
  std::function<void()> then;

 private:
  void ready() override {
    trace_.push_back(name_);
    if (then) then();
  }
  void let_go() noexcept override { trace_.push_back("- " + name_); }

  Trace& trace_;
  std::string name_;
};

/// The same for the two reactors.
class Watches : public ::testing::TestWithParam<bool> {
 protected:
  Watches() {
    for (const SocketPair& pair : {std::cref(first), std::cref(second)}) pair.send("x");
  }
  void watch(Watch& watch, const SocketPair& pair) { loop->reactor().watch(watch, pair.ours()); }
  void unwatch(Watch& watch) { loop->reactor().unwatch(watch); }

  Trace trace;
  SocketPair first;
  SocketPair second;
  EventLoopPtr loop = GetParam() ? new_event_loop() : testing::make_loop();
};
INSTANTIATE_TEST_SUITE_P(Both, Watches, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Epoll" : "Manual"; });

TEST_P(Watches, run_in_each_iteration_in_which_they_are_ready) {
  Noted reader(trace, "read");
  Noted writer(trace, "write", EVENT_WRITE);
  watch(writer, first);
  watch(reader, first);
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("read", "write"));  // the reader first, whichever came first
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("read", "write", "read", "write"));
  trace.clear();
  unwatch(reader);
  EXPECT_THAT(trace, ElementsAre("- read"));
  unwatch(reader);  // an idle one is left alone
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("- read", "write"));
  unwatch(writer);
}

TEST_P(Watches, do_not_run_where_they_are_removed_while_queued) {
  Noted a(trace, "a");
  Noted b(trace, "b");
  a.then = [&] { unwatch(b); };
  b.then = [&] { unwatch(a); };
  watch(a, first);
  watch(b, second);
  iterate(*loop);
  // Whichever was first; the other one is held by the queue until its turn, then let go.
  ASSERT_EQ(trace.size(), 2u);
  EXPECT_EQ(trace[1], trace[0] == "a" ? "- b" : "- a");
  unwatch(a);
  unwatch(b);
}

TEST_P(Watches, do_not_run_where_another_took_their_place_while_queued) {
  Noted reader(trace, "read");
  Noted writer(trace, "write", EVENT_WRITE);
  Noted another(trace, "another", EVENT_WRITE);
  watch(reader, first);
  watch(writer, first);
  reader.then = [&] {
    if (!another.watched()) watch(another, first);
  };
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("read", "- write"));
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("read", "- write", "read", "another"));
  unwatch(reader);
  unwatch(another);
}

TEST_P(Watches, do_not_run_where_they_are_removed_and_come_back_while_queued) {
  Noted reader(trace, "read");
  Noted writer(trace, "write", EVENT_WRITE);
  watch(reader, first);
  watch(writer, first);
  reader.then = [&] {
    unwatch(writer);
    watch(writer, first);
  };
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("read"));  // never let go: it is watched again
  reader.then = nullptr;
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("read", "read", "write"));
  unwatch(reader);
  unwatch(writer);
}

TEST_P(Watches, are_let_go_after_they_have_run_where_they_remove_themselves) {
  Noted reader(trace, "read");
  reader.then = [&] {
    unwatch(reader);
    trace.emplace_back("still here");
  };
  watch(reader, first);
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("read", "still here", "- read"));
}

TEST_P(Watches, are_let_go_when_the_loop_is_closed) {
  Noted reader(trace, "read");
  watch(reader, first);
  loop->close();
  EXPECT_THAT(trace, ElementsAre("- read"));
  EXPECT_FALSE(reader.watched());
}

TEST_P(Watches, give_their_errors_to_the_exception_handler) {
  const testing::Reports reports(*loop);
  Noted reader(trace, "read");
  reader.then = [] { throw ValueError("bad"); };
  watch(reader, first);
  iterate(*loop);
  iterate(*loop);
  EXPECT_THAT(reports.messages(), ElementsAre("Exception in callback", "Exception in callback"));
  EXPECT_EQ(testing::text(reports.contexts()[0].exception), "ValueError(bad)");
  unwatch(reader);
}

TEST_P(Watches, keep_their_turn_where_an_interrupt_ends_the_iteration) {
  Noted reader(trace, "read");
  Noted writer(trace, "write", EVENT_WRITE);
  reader.then = [] { throw KeyboardInterrupt(); };
  watch(reader, first);
  watch(writer, first);
  EXPECT_EQ(attempt([&] { iterate(*loop); }), "KeyboardInterrupt()");
  reader.then = nullptr;
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("read", "write", "read"));  // what was left over first, and once
  unwatch(reader);
  unwatch(writer);
}

// --- callbacks ---

TEST_P(Watches, a_callback_is_freed_when_it_is_replaced_removed_refused_or_the_loop_closed) {
  int alive = 0;
  const int fd = first.ours();
  loop->add_reader(fd, [tracked = Tracked(alive)] {});
  EXPECT_EQ(alive, 1);
  loop->add_reader(fd, [tracked = Tracked(alive)] {});
  loop->add_writer(fd, [tracked = Tracked(alive)] {});
  EXPECT_EQ(alive, 2);
  EXPECT_TRUE(loop->remove_reader(fd));
  EXPECT_EQ(alive, 1);
  EXPECT_THAT(attempt([&] { loop->add_reader(-1, [tracked = Tracked(alive)] {}); }),
              "ValueError(Invalid file descriptor: -1)");
  EXPECT_EQ(alive, 1);
  loop->close();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(loop->remove_writer(fd));
}

TEST_P(Watches, a_callback_takes_arguments_and_lives_while_it_runs) {
  int alive = 0;
  const int fd = first.ours();
  loop->add_reader(
      fd,
      [&, tracked = Tracked(alive)](const std::string& word, int times) {
        EXPECT_TRUE(loop->remove_reader(fd));
        EXPECT_FALSE(loop->remove_reader(fd));
        trace.push_back(word + std::to_string(times) + (alive > 0 ? " alive" : " freed"));
      },
      "word", 2);
  iterate(*loop);
  EXPECT_THAT(trace, ElementsAre("word2 alive"));
  EXPECT_EQ(alive, 0);
}

// --- the order among threads ---

/// Calls `before` in each poll, when the loop can look at nothing any more, and polls then.
class Interposed final : public Reactor {
 public:
  explicit Interposed(std::unique_ptr<Reactor> inner) : inner_(std::move(inner)) { watched_ = 1; }
  std::function<void()> before;

  time_point now() noexcept override { return inner_->now(); }
  void poll(time_point deadline, ReadyQueue& ready) override {
    before();
    inner_->poll(deadline, ready);
  }
  void wake() noexcept override { inner_->wake(); }
  void watch(Watch& watch, int fd) override { inner_->watch(watch, fd); }
  void unwatch(Watch& watch) noexcept override { inner_->unwatch(watch); }
  Watch* find(int fd, Events event) const noexcept override { return inner_->find(fd, event); }
  void unwatch_all() noexcept override { inner_->unwatch_all(); }

 private:
  std::unique_ptr<Reactor> inner_;
};

TEST(WatchOrder, is_behind_what_another_thread_posted_before) {
  Trace trace;
  SocketPair pair;
  auto made = std::make_unique<Interposed>(make_reactor());
  Interposed& reactor = *made;
  const EventLoopPtr loop = new_event_loop(std::move(made));
  Noted reader(trace, "read");
  reader.then = [&] { loop->stop(); };
  reactor.watch(reader, pair.ours());
  reactor.before = [&] {
    std::thread([&] {
      loop->call_soon_threadsafe([&] { trace.emplace_back("posted"); });
      pair.send("x");
    }).join();
    reactor.before = [] {};
  };
  loop->run_forever();
  EXPECT_THAT(trace, ElementsAre("posted", "read"));
  reactor.unwatch(reader);
}

}  // namespace
}  // namespace segue::modern
