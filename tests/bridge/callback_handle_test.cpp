// What an initiation returns: how it is kept, and what cancels by it.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/callback.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/detail/sanitizers.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/finally.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "loop.hpp"
#include "unraisable_reports.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using modern::Task;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Trace;

class CallbackHandle : public testing::LoopTest {
 protected:
  std::optional<Callback<int>> done;
};

/// One of a user's, that others refer to.
struct Peer {
  explicit Peer(Trace& trace) : trace(&trace) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  bool cancel() const {
    trace->push_back("cancel " + name);
    return true;
  }
  Trace* trace;
  std::string name = "new";
};

TEST_F(CallbackHandle, IsTheObjectItselfWhereAReferenceIsReturned) {
  Peer connection(trace);
  const auto read = [&](Callback<int> callback) -> Peer& {
    done = std::move(callback);
    return connection;
  };
  const auto main = [&]() -> Coroutine<int> { co_return co_await from_callback<int>(read); };
  loop->call_later(500ms, [&] { connection.name = "renamed"; });
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(main(), 1s)), TimeoutError);
  EXPECT_THAT(trace, ElementsAre("cancel renamed"));
}

TEST_F(CallbackHandle, IsNotMovedFromWhereItWasMade) {
  struct Immovable {
    explicit Immovable(Trace& trace) : trace(&trace) {}
    Immovable(Immovable&&) = delete;
    Immovable& operator=(Immovable&&) = delete;
    bool cancel() {
      trace->emplace_back("cancel");
      return true;
    }
    ~Immovable() { trace->emplace_back("destroyed"); }
    Trace* trace;
  };
  const auto start = [&](Callback<int> callback) {
    done = std::move(callback);
    return Immovable(trace);
  };
  const auto main = [&]() -> Coroutine<int> { co_return co_await from_callback<int>(start); };
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(main(), 1s)), TimeoutError);
  EXPECT_THAT(trace, ElementsAre("cancel", "destroyed"));
}

TEST_F(CallbackHandle, MayPointToWhatCancels) {
  Peer connection(trace);
  connection.name = "somebody's";
  const auto owned = [this](Callback<int> callback) {
    done = std::move(callback);
    auto peer = std::make_unique<Peer>(trace);
    peer->name = "owned";
    return peer;
  };
  const auto shared = [this](Callback<int> callback) -> std::shared_ptr<const Peer> {
    done = std::move(callback);
    return std::make_shared<Peer>(trace);
  };
  const auto plain = [&](Callback<int> callback) {
    done = std::move(callback);
    return &connection;
  };
  const auto wait_for = [&](const auto& start) -> Coroutine<> {
    const auto wait = [&]() -> Coroutine<int> { co_return co_await from_callback<int>(start); };
    try {
      co_await modern::wait_for(wait(), 1s);
    } catch (const TimeoutError&) {
      trace.emplace_back("timed out");
    }
  };
  loop->run_until_complete(wait_for(owned));
  loop->run_until_complete(wait_for(shared));
  loop->run_until_complete(wait_for(plain));
  EXPECT_THAT(trace,
              ElementsAre("cancel owned", "timed out", "cancel new", "timed out", "cancel somebody's", "timed out"));
}

TEST_F(CallbackHandle, ThatIsANullPointerCancelsNothing) {
  const auto start = [this](Callback<int> callback) {
    done = std::move(callback);
    return std::unique_ptr<Peer>();
  };
  const auto main = [&]() -> Coroutine<int> { co_return co_await from_callback<int>(start); };
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(main(), 1s)), TimeoutError);  // and does not wait for the call
  loop->call_later(1s, [this] { (*done)(7); });
  EXPECT_EQ(loop->run_until_complete(main()), 7);
  EXPECT_THAT(trace, IsEmpty());
  EXPECT_THAT(reports, IsEmpty());
}

/// Awaits the callback API of a coroutine function that awaits the callback API of …
struct Chain {
  Coroutine<int> link(int more) {
    const auto left = modern::finally_([this] { ++ended; });
    if (more == 0) {
      co_await modern::sleep(1h);
      co_return 0;
    }
    const auto next = to_callback([this](int rest) { return link(rest); });
    const auto start = [&](Callback<int> done) {
      return next(more - 1, ErrorFirst<Callback<int>, int>(std::move(done)));
    };
    co_return co_await from_callback<int>(start);
  }
  int ended = 0;
};

// Too many for a stack, also where a sanitizer, which is slow, has large frames on it.
constexpr int many_links = legacy::legacy_detail::sanitized ? 20'000 : 100'000;

TEST_F(CallbackHandle, MayCancelTheNextOfAChainOfAnyLength) {
  Chain chain;
  const auto main = [&]() -> Coroutine<> {
    const Task<int> task = modern::create_task(chain.link(many_links));
    co_await modern::sleep(1s);
    task.cancel();
    try {
      co_await task;
    } catch (const modern::CancelledError&) {
      trace.emplace_back("cancelled");
    }
  };
  loop->run_until_complete(main());
  EXPECT_EQ(chain.ended, many_links + 1);
  EXPECT_THAT(trace, ElementsAre("cancelled"));
}

TEST_F(CallbackHandle, OfAChainOfAnyLengthMayBeDroppedWithTheLoop) {
  Chain chain;
  loop->call_soon([&] { loop->create_task(chain.link(many_links)); });
  loop->run_until_complete(modern::sleep(1s));
  loop = nullptr;
  EXPECT_EQ(chain.ended, many_links + 1);
  EXPECT_THAT(reports, ::testing::Each("Task was destroyed but it is pending!"));
}

TEST_F(CallbackHandle, IsATaskThatEndsWithItsLoop) {
  const segue::testing::UnraisableReports ignored;
  const auto slow = []() -> Coroutine<int> {
    co_await modern::sleep(1h);
    co_return 1;
  };
  const auto start = [&](Callback<int> callback) {
    return to_callback(slow)(ErrorFirst<Callback<int>, int>(std::move(callback)));
  };
  const auto wait = [&]() -> Coroutine<> {
    auto waiting = from_callback<int>(start);
    co_await waiting;
  };
  loop->call_soon([&] { loop->create_task(wait()); });
  loop->run_until_complete(modern::sleep(1s));
  loop = nullptr;
  EXPECT_THAT(reports, ::testing::Each("Task was destroyed but it is pending!"));
  EXPECT_THAT(ignored.lines, IsEmpty());
}

TEST_F(CallbackHandle, BelongsToOneAwaitAtATime) {
  auto start = [this](Callback<int> callback) { done = std::move(callback); };
  auto waiting = from_callback<int>(start);
  const auto wait = [&]() -> Coroutine<int> { co_return co_await waiting; };
  const auto main = [&]() -> Coroutine<> {
    const Task<int> first = modern::create_task(wait());
    const Task<int> second = modern::create_task(wait());
    try {
      co_await second;
    } catch (const RuntimeError& error) {
      trace.emplace_back(error.what());
    }
    (*done)(7);
    trace.push_back(std::to_string(co_await first));
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre(HasSubstr("wait for a callback is being awaited already (made at "), "7"));
}

/// Says in which thread it is destroyed.
struct Brought {
  explicit Brought(std::thread::id& where) : where(&where) {}
  Brought(Brought&& other) noexcept : where(std::exchange(other.where, nullptr)) {}
  Brought& operator=(Brought&&) = delete;
  ~Brought() {
    if (where != nullptr) *where = std::this_thread::get_id();
  }
  std::thread::id* where;
};

TEST_F(CallbackHandle, OfAnInitiationThatThrewIsNoneAndWhatIsBroughtIsDestroyedInTheLoop) {
  std::thread::id destroyed_in;
  std::vector<Callback<Brought>> callbacks;
  auto start = [&](Callback<Brought> callback) {
    callbacks.push_back(std::move(callback));
    throw ValueError("not started");
  };
  const auto main = [&]() -> Coroutine<> { co_await from_callback<Brought>(start); };
  EXPECT_THROW(loop->run_until_complete(main()), ValueError);
  std::thread([&] { callbacks.back()(Brought(destroyed_in)); }).join();
  EXPECT_EQ(destroyed_in, std::thread::id());
  loop->run_until_complete(modern::sleep(1s));
  EXPECT_EQ(destroyed_in, std::this_thread::get_id());

  EXPECT_THROW(loop->run_until_complete(main()), ValueError);
  destroyed_in = {};
  std::thread([&] { callbacks.back()(Brought(destroyed_in)); }).join();
  loop = nullptr;
  EXPECT_EQ(destroyed_in, std::this_thread::get_id());
}

}  // namespace
}  // namespace segue::bridge
