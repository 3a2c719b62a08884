// What all handles have in common: identity, emptiness, and how they are written.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/files/files.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/loop/handle.hpp>
#include <segue/modern/net/server.hpp>
#include <segue/modern/streams/stream_reader.hpp>
#include <segue/modern/streams/streams.hpp>
#include <segue/modern/sync/barrier.hpp>
#include <segue/modern/sync/condition.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/shield.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>
#include <segue/modern/tasks/timeouts.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using testing::make_loop;

std::string refusal(const std::string& type) {
  return "RuntimeError(" + type + " handle is empty: it was moved from or default-made)";
}

/// Expects each of the calls to be refused since the handle, a `type`, is empty.
template <class... Calls>
void expect_refused(const std::string& type, Calls... calls) {
  int number = 0;
  const auto expect = [&](const auto& call) {
    ++number;
    EXPECT_EQ(attempt(call), refusal(type)) << "call " << number;
  };
  (expect(calls), ...);
}

/// Makes a handle empty by moving from it.
template <class H>
H emptied(H full) {
  EXPECT_TRUE(full);
  const H taken = std::move(full);
  EXPECT_TRUE(taken);
  return full;  // NOLINT(bugprone-use-after-move)
}
/// Expects of an empty handle what all have in common.
template <class H>
void expect_empty(const H& handle) {
  EXPECT_FALSE(handle);
  EXPECT_EQ(handle.id(), nullptr);
  EXPECT_EQ(std::hash<H>()(handle), std::hash<H>()(handle));
}

/// With `$` in place of an address.
std::string without_address(std::string text) {
  const auto begin = text.find("0x");
  if (begin == text.npos) return text;
  return text.replace(begin, text.find_first_not_of("0123456789abcdef", begin + 2) - begin, "$");
}

Coroutine<int> seven() { co_return 7; }

// --- identity ---

static_assert(SharedHandle<AnyFuture> && SharedHandle<Future<int>> && SharedHandle<AnyTask> && SharedHandle<Task<>>);
static_assert(SharedHandle<Lock> && SharedHandle<Event> && SharedHandle<Condition> && SharedHandle<BoundedSemaphore>);
static_assert(SharedHandle<Barrier> && SharedHandle<PriorityQueue<int>> && SharedHandle<Timeout>);
static_assert(SharedHandle<TaskGroup> && SharedHandle<Server> && SharedHandle<StreamReader>);
static_assert(SharedHandle<StreamWriter> && SharedHandle<Handle> && SharedHandle<TimerHandle> && SharedHandle<File>);
static_assert(!SharedHandle<int> && !SharedHandle<std::string>);
// A set of something else has nothing to do with handles.
static_assert(!std::is_default_constructible_v<std::hash<std::vector<Task<>>>>);

TEST(Handles, are_equal_where_they_refer_to_the_same_object) {
  const Lock a;
  const Lock b;
  const Lock copy = a;  // NOLINT(performance-unnecessary-copy-initialization): that is the point
  EXPECT_EQ(a, copy);
  EXPECT_NE(a, b);
  EXPECT_EQ(std::hash<Lock>()(a), std::hash<Lock>()(copy));
  EXPECT_EQ(a<b, b> a);
  EXPECT_NE(a < b, b < a);
  EXPECT_FALSE(a < copy || copy < a);
  EXPECT_EQ(a.id(), copy.id());
}

TEST(Handles, of_a_future_are_equal_whatever_they_know_of_it) {
  auto loop = make_loop();
  const Task<int> task = loop->create_task(seven());
  const Future<int> future = task;
  const AnyTask any_task = task;
  const AnyFuture any_future = future;
  EXPECT_EQ(task, future);
  EXPECT_EQ(any_task, any_future);
  EXPECT_EQ(any_future, task);
  EXPECT_EQ(std::hash<Task<int>>()(task), std::hash<AnyFuture>()(any_future));
  EXPECT_EQ(loop->run_until_complete(task), 7);
}

TEST(Handles, may_be_members_of_sets) {
  auto loop = make_loop();
  const Future<int> a = loop->create_future<int>();
  const Future<int> b = loop->create_future<int>();
  const std::set<Future<int>> ordered{a, b, a};
  const std::unordered_set<Future<int>> hashed{a, b, a};
  EXPECT_EQ(ordered.size(), 2U);
  EXPECT_EQ(hashed.size(), 2U);
  EXPECT_TRUE(ordered.contains(b));
  EXPECT_TRUE(hashed.contains(b));
  EXPECT_FALSE(hashed.contains(loop->create_future<int>()));
}

// asyncio: background_tasks.add(task); task.add_done_callback(background_tasks.discard)
template <class Set>
void run_background_tasks() {
  auto loop = make_loop();
  Set background_tasks;
  const auto main = [&background_tasks]() -> Coroutine<> {
    for (int i = 0; i < 3; ++i) {
      auto task = create_task(sleep(std::chrono::seconds(i + 1)));
      background_tasks.insert(task);
      task.add_done_callback([&background_tasks](const Task<>& done) { background_tasks.erase(done); });
    }
    EXPECT_EQ(background_tasks.size(), 3U);
    co_await sleep(2500ms);
    EXPECT_EQ(background_tasks.size(), 1U);
    co_await sleep(1s);
  };
  loop->run_until_complete(main());
  EXPECT_TRUE(background_tasks.empty());
}

TEST(Handles, of_futures_and_tasks_know_their_loop) {
  const auto loop = make_loop();
  const auto other = make_loop();
  const Future<int> future = other->create_future<int>();
  EXPECT_EQ(&future.get_loop(), other.get());
  const Task<> task = loop->create_task([]() -> Coroutine<> { co_return; });
  EXPECT_EQ(&task.get_loop(), loop.get());
  loop->run_until_complete(task);
  EXPECT_EQ(&task.get_loop(), loop.get());
}

TEST(Handles, keep_background_tasks) {
  run_background_tasks<std::set<Task<>>>();
  run_background_tasks<std::unordered_set<Task<>>>();
}

TEST(Handles, are_given_to_done_callbacks_as_these_want_them) {
  auto loop = make_loop();
  int calls = 0;
  const Task<int> task = loop->create_task(seven());
  const DoneCallback<AnyFuture> whatever([&calls](const AnyFuture&) { ++calls; });
  const DoneCallback<Task<int>> added = task.add_done_callback(whatever);
  EXPECT_EQ(added.id(), whatever.id());
  task.add_done_callback([&calls](const Future<int>& done) { calls += done.result(); });
  AnyTask(task).add_done_callback([&calls](const AnyTask& done) { calls += done.cancelled() ? 1000 : 100; });
  loop->run_until_complete(task);
  EXPECT_EQ(calls, 108);
  EXPECT_EQ(task.remove_done_callback(whatever), 0U);
}

// --- emptiness ---

TEST(Handles, that_are_empty_are_equal) {
  EXPECT_EQ(Task<int>(), Task<int>());
  EXPECT_EQ(Server(), Server());
  EXPECT_NE(Lock(), emptied(Lock()));
}

TEST(Handles, that_are_empty_stay_so_when_they_convert) {
  const Task<int> empty;
  EXPECT_FALSE(AnyTask(empty));
  EXPECT_FALSE(AnyFuture(empty));
}

template <class F>
void expect_future_refused(const F& empty) {
  expect_empty(empty);
  expect_refused(
      "AnyFuture", [&] { return empty.done(); }, [&] { return empty.cancelled(); }, [&] { return empty.cancel(); },
      [&] { return static_cast<bool>(empty.exception()); }, [&] { empty.set_exception(ValueError("bad")); },
      [&] { empty.get_loop(); }, [&] { return empty.repr(); },
      [&] { empty.add_done_callback([](const AnyFuture&) {}); },
      [&] { return empty.remove_done_callback(DoneCallback<AnyFuture>([](const AnyFuture&) {})); },
      [&] { empty.operator co_await(); }, [&] { F(empty).operator co_await(); });
  if constexpr (requires { typename F::result_type; }) {
    expect_refused("AnyFuture", [&] { return empty.result(); }, [&] { empty.set_result(7); });
  }
  if constexpr (requires { empty.cancelling(); }) {
    expect_refused(
        "AnyFuture", [&] { return empty.cancelling(); }, [&] { return empty.uncancel(); },
        [&] { return empty.get_name(); }, [&] { empty.set_name("name"); });
  }
}

TEST(EmptyFuture, refuses_everything) {
  auto loop = make_loop();
  expect_future_refused(AnyFuture());
  expect_future_refused(Future<int>());
  expect_future_refused(AnyTask());
  expect_future_refused(Task<int>());
  expect_future_refused(emptied(loop->create_future<int>()));
  const Task<int> task = loop->create_task(seven());
  expect_future_refused(emptied(task));
  expect_future_refused(emptied(AnyTask(task)));
  loop->run_until_complete(task);
}

TEST(EmptyFuture, is_refused_by_all_that_takes_futures) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Task<int> empty;
    const std::vector<Task<int>> several{empty};
    auto waiting = wait(several);
    auto waiting_for = wait_for(empty, 1s);
    const auto awaited = [](auto& awaitable) -> Coroutine<std::string> {
      try {
        co_await awaitable;
      } catch (const RuntimeError& error) {
        co_return "RuntimeError(" + std::string(error.what()) + ")";
      }
      co_return "no error";
    };
    expect_refused(
        "AnyFuture", [&] { gather(empty); }, [&] { gather(several); }, [&] { shield(empty); },
        [&] { ensure_future(empty, get_running_loop()); });
    EXPECT_EQ(co_await awaited(empty), refusal("AnyFuture"));
    EXPECT_EQ(co_await awaited(waiting), refusal("AnyFuture"));
    EXPECT_EQ(co_await awaited(waiting_for), refusal("AnyFuture"));
  };
  loop->run_until_complete(main());
  expect_refused("AnyFuture", [&] { return loop->run_until_complete(Task<int>()); });
}

TEST(EmptyFuture, is_what_awaiting_a_temporary_handle_leaves) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    Task<int> task = create_task(seven());
    const int result = co_await std::move(task);
    EXPECT_EQ(result, 7);
    EXPECT_FALSE(task);  // NOLINT(bugprone-use-after-move)
  };
  loop->run_until_complete(main());
}

TEST(EmptyLock, refuses_everything) {
  const Lock empty = emptied(Lock());
  expect_empty(empty);
  expect_refused(
      "Lock", [&] { return empty.locked(); }, [&] { (void)empty.acquire(); }, [&] { empty.release(); },
      [&] { (void)empty.guard(); }, [&] { return empty.repr(); }, [&] { (void)empty.aenter(); },
      [&] { empty.aexit(nullptr); });
}

TEST(EmptyEvent, refuses_everything) {
  const Event empty = emptied(Event());
  expect_empty(empty);
  expect_refused(
      "Event", [&] { return empty.is_set(); }, [&] { empty.set(); }, [&] { empty.clear(); },
      [&] { (void)empty.wait(); }, [&] { return empty.repr(); });
}

TEST(EmptyCondition, refuses_everything) {
  const Condition empty = emptied(Condition());
  expect_empty(empty);
  expect_refused(
      "Condition", [&] { return empty.locked(); }, [&] { (void)empty.acquire(); }, [&] { empty.release(); },
      [&] { (void)empty.guard(); }, [&] { (void)empty.wait(); }, [&] { (void)empty.wait_for([] { return true; }); },
      [&] { empty.notify(); }, [&] { empty.notify_all(); }, [&] { return empty.repr(); }, [&] { (void)empty.aenter(); },
      [&] { empty.aexit(nullptr); });
}

template <class S>
void expect_semaphore_refused(const S& empty) {
  expect_empty(empty);
  expect_refused(
      "Semaphore", [&] { return empty.locked(); }, [&] { (void)empty.acquire(); }, [&] { empty.release(); },
      [&] { (void)empty.guard(); }, [&] { return empty.repr(); }, [&] { (void)empty.aenter(); },
      [&] { empty.aexit(nullptr); });
}

TEST(EmptySemaphore, refuses_everything) {
  expect_semaphore_refused(emptied(Semaphore(2)));
  expect_semaphore_refused(emptied(BoundedSemaphore(2)));
}

TEST(EmptyBarrier, refuses_everything) {
  const Barrier empty = emptied(Barrier(2));
  expect_empty(empty);
  expect_refused(
      "Barrier", [&] { (void)empty.wait(); }, [&] { (void)empty.reset(); }, [&] { (void)empty.abort(); },
      [&] { return empty.parties(); }, [&] { return empty.n_waiting(); }, [&] { return empty.broken(); },
      [&] { return empty.repr(); }, [&] { (void)empty.aenter(); });
}

template <class Q>
void expect_queue_refused(const Q& empty) {
  expect_empty(empty);
  expect_refused(
      "Queue", [&] { (void)empty.put(1); }, [&] { empty.put_nowait(1); }, [&] { (void)empty.get(); },
      [&] { return empty.get_nowait(); }, [&] { return empty.qsize(); }, [&] { return empty.empty(); },
      [&] { return empty.full(); }, [&] { return empty.maxsize(); }, [&] { (void)empty.join(); },
      [&] { empty.task_done(); }, [&] { empty.shutdown(); }, [&] { return empty.repr(); });
}

TEST(EmptyQueue, refuses_everything) {
  expect_queue_refused(emptied(Queue<int>()));
  expect_queue_refused(emptied(LifoQueue<int>()));
  expect_queue_refused(emptied(PriorityQueue<int>()));
}

TEST(EmptyTimeout, refuses_everything) {
  const Timeout empty = emptied(Timeout(std::nullopt));
  expect_empty(empty);
  expect_refused(
      "Timeout", [&] { empty.when(); }, [&] { empty.reschedule(std::nullopt); }, [&] { return empty.expired(); },
      [&] { return empty.repr(); }, [&] { empty.aenter(); }, [&] { std::ignore = empty.aexit(nullptr); });
}

TEST(EmptyTaskGroup, refuses_everything) {
  const TaskGroup empty = emptied(TaskGroup());
  expect_empty(empty);
  expect_refused(
      "TaskGroup", [&] { empty.create_task(seven()); }, [&] { return empty.repr(); }, [&] { empty.aenter(); },
      [&] { (void)empty.aexit(nullptr); });
}

TEST(EmptyHandle, has_nothing_to_cancel_and_is_due_at_no_time) {
  auto loop = make_loop();
  expect_empty(Handle());
  expect_empty(emptied(loop->call_soon([] {})));
  for (const TimerHandle& empty : {TimerHandle(), emptied(loop->call_later(1s, [] {}))}) {
    expect_empty(empty);
    empty.cancel();
    EXPECT_FALSE(empty.cancelled());
    expect_refused("Handle", [&] { empty.when(); });
  }
}

TEST(EmptyServer, refuses_everything) {
  const Server empty;
  expect_empty(empty);
  expect_refused(
      "Server", [&] { empty.sockets(); }, [&] { return empty.is_serving(); }, [&] { empty.get_loop(); },
      [&] { return empty.repr(); }, [&] { (void)empty.start_serving(); }, [&] { (void)empty.serve_forever(); },
      [&] { empty.close(); }, [&] { (void)empty.wait_closed(); }, [&] { empty.close_clients(); },
      [&] { empty.abort_clients(); }, [&] { empty.aenter(); }, [&] { (void)empty.aexit(nullptr); });
}

TEST(EmptyStreamReader, refuses_everything) {
  auto loop = make_loop();
  const StreamReader empty = emptied(StreamReader(*loop, 100));
  expect_empty(empty);
  expect_refused(
      "StreamReader", [&] { (void)empty.read(); }, [&] { (void)empty.readline(); }, [&] { (void)empty.readexactly(1); },
      [&] { (void)empty.readuntil(); }, [&] { (void)empty.readuntil(std::vector<std::string>{"a", "b"}); },
      [&] { (void)empty.readuntil({"a", "b"}); }, [&] { (void)empty.anext(); }, [&] { return empty.at_eof(); },
      [&] { empty.feed_data("data"); }, [&] { empty.feed_eof(); }, [&] { empty.set_exception(ValueError("bad")); },
      [&] { return static_cast<bool>(empty.exception()); }, [&] { empty.set_transport(nullptr); });
}

TEST(EmptyStreamWriter, refuses_everything) {
  const StreamWriter empty;
  expect_empty(empty);
  expect_refused(
      "StreamWriter", [&] { empty.write("data"); }, [&] { empty.writelines({"data"}); }, [&] { (void)empty.drain(); },
      [&] { empty.write_eof(); }, [&] { return empty.can_write_eof(); }, [&] { empty.close(); },
      [&] { return empty.is_closing(); }, [&] { (void)empty.wait_closed(); }, [&] { empty.peername(); },
      [&] { empty.sockname(); }, [&] { empty.transport(); });
}

TEST(EmptyFile, refuses_everything) {
  const File empty;
  expect_empty(empty);
  expect_refused(
      "File", [&] { (void)empty.read(); }, [&] { (void)empty.readline(); }, [&] { (void)empty.readlines(); },
      [&] { (void)empty.anext(); }, [&] { (void)empty.write("data"); }, [&] { (void)empty.writelines({"data"}); },
      [&] { (void)empty.flush(); }, [&] { (void)empty.tell(); }, [&] { (void)empty.seek(0); },
      [&] { (void)empty.truncate(); }, [&] { (void)empty.close(); }, [&] { return empty.closed(); },
      [&] { return empty.readable(); }, [&] { return empty.writable(); }, [&] { return empty.name(); },
      [&] { return empty.fileno(); });
}

// --- how they are written ---

TEST(Repr, of_futures_and_tasks_is_what_messages_call_them) {
  auto loop = make_loop();
  const Future<int> future = loop->create_future<int>();
  EXPECT_EQ(future.repr(), "<Future pending>");
  future.set_result(7);
  EXPECT_EQ(AnyFuture(future).repr(), "<Future finished>");
  const Task<int> task = loop->create_task(seven(), {.name = "lucky"});
  EXPECT_THAT(task.repr(), ::testing::StartsWith("<Task pending name='lucky' coro=<seven() running at "));
  loop->run_until_complete(task);
  EXPECT_THAT(AnyTask(task).repr(),
              ::testing::StartsWith("<Task finished name='lucky' coro=<seven() done, defined at "));
}

TEST(Repr, of_locks_is_as_in_cpython) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Lock lock;
    EXPECT_EQ(without_address(lock.repr()), "<asyncio.locks.Lock object at $ [unlocked]>");
    EXPECT_EQ(lock.repr(), Lock(lock).repr());
    EXPECT_NE(lock.repr(), Lock().repr());
    co_await lock.acquire();
    const auto use = [&lock]() -> Coroutine<> { const auto guard = co_await lock.guard(); };
    auto waiting = gather(use(), use());
    co_await sleep(0s);
    EXPECT_EQ(without_address(lock.repr()), "<asyncio.locks.Lock object at $ [locked, waiters:2]>");
    lock.release();
    co_await waiting;

    const Event event;
    EXPECT_EQ(without_address(event.repr()), "<asyncio.locks.Event object at $ [unset]>");
    event.set();
    EXPECT_EQ(without_address(event.repr()), "<asyncio.locks.Event object at $ [set]>");

    const Semaphore semaphore(2);
    EXPECT_EQ(without_address(semaphore.repr()), "<asyncio.locks.Semaphore object at $ [unlocked, value:2]>");
    const BoundedSemaphore bounded(1);
    co_await bounded.acquire();
    EXPECT_EQ(without_address(bounded.repr()), "<asyncio.locks.BoundedSemaphore object at $ [locked]>");

    const Condition condition(lock);
    EXPECT_EQ(without_address(condition.repr()), "<asyncio.locks.Condition object at $ [unlocked]>");
  };
  loop->run_until_complete(main());
}

TEST(Repr, of_a_barrier_tells_who_waits_unless_it_is_broken) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Barrier barrier(3);
    const Task<int> party = create_task(barrier.wait());
    co_await sleep(0s);
    EXPECT_EQ(without_address(barrier.repr()), "<asyncio.locks.Barrier object at $ [filling, waiters:1/3]>");
    co_await barrier.abort();
    EXPECT_EQ(without_address(barrier.repr()), "<asyncio.locks.Barrier object at $ [broken]>");
    auto outcome = gather(party, return_exceptions);
    co_await outcome;
  };
  loop->run_until_complete(main());
}

TEST(Repr, of_a_queue_counts_its_items) {
  const Queue<int> queue(3);
  EXPECT_EQ(without_address(queue.repr()), "<Queue at $ maxsize=3>");
  queue.put_nowait(1);
  queue.put_nowait(2);
  EXPECT_EQ(without_address(queue.repr()), "<Queue at $ maxsize=3 _queue[2]>");
  EXPECT_EQ(without_address(LifoQueue<int>().repr()), "<LifoQueue at $ maxsize=0>");
  EXPECT_EQ(without_address(PriorityQueue<int>().repr()), "<PriorityQueue at $ maxsize=0>");
}

TEST(Repr, of_a_timeout_tells_its_phase_and_its_deadline_while_that_counts) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Timeout limit(EventLoop::time_point(12s + 345678us));
    EXPECT_EQ(limit.repr(), "<Timeout [created]>");
    const auto body = [&limit]() -> Coroutine<> {
      EXPECT_EQ(limit.repr(), "<Timeout [active] when=12.346>");
      limit.reschedule(EventLoop::time_point(std::chrono::hours(1000000)));
      EXPECT_EQ(limit.repr(), "<Timeout [active] when=3600000000.0>");
      limit.reschedule(std::nullopt);
      EXPECT_EQ(limit.repr(), "<Timeout [active] when=None>");
      co_return;
    };
    limit.aenter();
    co_await body();
    EXPECT_FALSE(limit.aexit(nullptr));
    EXPECT_EQ(limit.repr(), "<Timeout [finished]>");
  };
  loop->run_until_complete(main());
}

TEST(Repr, of_a_task_group_counts_its_tasks) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const TaskGroup group;
    EXPECT_EQ(group.repr(), "<TaskGroup>");
    const auto body = [](const TaskGroup& entered) -> Coroutine<> {
      entered.create_task(seven());
      EXPECT_EQ(entered.repr(), "<TaskGroup tasks=1 entered>");
      co_return;
    };
    co_await async_with(group, body);
  };
  loop->run_until_complete(main());
}

TEST(Repr, of_a_server_lists_its_sockets) {
  auto loop = new_event_loop();
  const auto main = []() -> Coroutine<> {
    const auto ignore = [](const StreamReader&, const StreamWriter&) {};
    const Server server = co_await start_server(ignore, "127.0.0.1", 0);
    const int port = server.sockets().front().port;
    EXPECT_EQ(server.repr(), "<Server sockets=(('127.0.0.1', " + std::to_string(port) + "),)>");
    server.close();
    EXPECT_EQ(server.repr(), "<Server sockets=()>");
  };
  loop->run_until_complete(main());
}

}  // namespace
}  // namespace segue::modern
