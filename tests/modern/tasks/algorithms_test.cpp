// The algorithms are objects: no argument-dependent lookup finds them, and they can be passed on. User is a program
// with algorithms of its own under the same names.
#include <algorithm>
#include <chrono>
#include <concepts>
#include <functional>
#include <iterator>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/asyncio.hpp>

#include "modern/attempt.hpp"

namespace user {

using segue::asyncio::Coroutine;
using segue::asyncio::Task;

/// What a user's functions give, to tell them from segue's.
struct Mine {};

struct Job {};

template <class... T>
Mine gather(const T&...) {
  return {};
}
template <class T>
Mine wait(const T&) {
  return {};
}
template <class T, class Limit>
Mine wait_for(const T&, Limit) {
  return {};
}
template <class T>
Mine shield(T&&) {
  return {};
}
template <class T>
Mine sleep(T) {
  return {};
}
template <class T>
Mine create_task(T&&) {
  return {};
}
template <class T>
Mine ensure_future(T&&) {
  return {};
}
template <class T>
Mine timeout(T) {
  return {};
}
template <class F, class... Args>
Mine to_thread(F, Args...) {
  return {};
}
template <class M, class B>
Mine async_with(M&&, B&&) {
  return {};
}
template <class T>
Mine run(T&&) {
  return {};
}
template <class T>
Mine isfuture(const T&) {
  return {};
}
template <class T>
Mine getcoroutinestate(const T&) {
  return {};
}
template <class T>
Mine all_tasks(T&) {
  return {};
}
template <class Handler>
Mine start_server(Handler, segue::asyncio::ServerOptions) {
  return {};
}
inline Mine open_connection(segue::asyncio::ConnectionOptions) { return {}; }

// Each of the arguments is of segue's, or has it among its template arguments: lookup goes there, too.
template <class Job>
constexpr bool means_its_own(Task<Job>& task, Coroutine<Job>& coroutine, segue::asyncio::Lock& lock,
                             segue::asyncio::EventLoop& loop, segue::asyncio::Delay delay) {
  const auto handler = [](const segue::asyncio::StreamReader&, const segue::asyncio::StreamWriter&) {};
  return std::same_as<decltype(gather(task, task)), Mine> && std::same_as<decltype(wait(task)), Mine> &&
         std::same_as<decltype(wait_for(task, delay)), Mine> && std::same_as<decltype(shield(task)), Mine> &&
         std::same_as<decltype(sleep(delay)), Mine> &&
         std::same_as<decltype(create_task(std::move(coroutine))), Mine> &&
         std::same_as<decltype(ensure_future(task)), Mine> && std::same_as<decltype(timeout(delay)), Mine> &&
         std::same_as<decltype(to_thread([](const Task<Job>&) {}, task)), Mine> &&
         std::same_as<decltype(async_with(lock, [] {})), Mine> && std::same_as<decltype(run(coroutine)), Mine> &&
         std::same_as<decltype(isfuture(task)), Mine> && std::same_as<decltype(getcoroutinestate(coroutine)), Mine> &&
         std::same_as<decltype(all_tasks(loop)), Mine> &&
         std::same_as<decltype(start_server(handler, segue::asyncio::ServerOptions())), Mine> &&
         std::same_as<decltype(open_connection(segue::asyncio::ConnectionOptions())), Mine>;
}
using Instance = bool(Task<Job>&, Coroutine<Job>&, segue::asyncio::Lock&, segue::asyncio::EventLoop&,
                      segue::asyncio::Delay);
inline constexpr Instance* instance = &means_its_own<Job>;

}  // namespace user

namespace elsewhere {

// Nothing of these names is declared here: they are no names of free functions that lookup could find by the argument.
template <class T>
constexpr bool finds_nothing = !requires(T task) { shield(task); } && !requires(T task) { gather(task); } &&
                               !requires(T task) { wait(task, task); } && !requires(T task) { ensure_future(task); } &&
                               !requires(T task) { isfuture(task); };
static_assert(finds_nothing<segue::asyncio::Task<int>>);

}  // namespace elsewhere

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::make_loop;

TEST(Algorithms, leave_a_users_names_to_the_user) {
  auto loop = make_loop();
  Task<user::Job> task;
  Coroutine<user::Job> coroutine = []() -> Coroutine<user::Job> { co_return user::Job(); }();
  Lock lock;
  EXPECT_TRUE(user::instance(task, coroutine, lock, *loop, 1s));
  coroutine.close();
}

Coroutine<int> doubled(int number) {
  co_await sleep(1ms);
  co_return 2 * number;
}

template <class Algorithm>
constexpr bool is_an_object =
    std::is_object_v<Algorithm> && std::is_empty_v<Algorithm> && std::semiregular<std::remove_const_t<Algorithm>>;
static_assert(is_an_object<decltype(gather)> && is_an_object<decltype(wait)> && is_an_object<decltype(wait_for)>);
static_assert(is_an_object<decltype(shield)> && is_an_object<decltype(modern::sleep)>);
static_assert(is_an_object<decltype(create_task)> && is_an_object<decltype(ensure_future)>);
static_assert(is_an_object<decltype(timeout)> && is_an_object<decltype(timeout_at)>);
static_assert(is_an_object<decltype(to_thread)> && is_an_object<decltype(async_with)> && is_an_object<decltype(run)>);
static_assert(is_an_object<decltype(open_connection)> && is_an_object<decltype(start_server)>);
static_assert(is_an_object<decltype(current_task)> && is_an_object<decltype(all_tasks)>);
static_assert(is_an_object<decltype(isfuture)> && is_an_object<decltype(getcoroutinestate)>);
static_assert(is_an_object<decltype(new_event_loop)> && is_an_object<decltype(get_running_loop)>);
static_assert(is_an_object<decltype(modern::open)>);

TEST(Algorithms, can_be_passed_to_views) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const std::vector<int> numbers{1, 2, 3};
    std::vector<Task<int>> tasks;
    std::ranges::copy(numbers | std::views::transform(doubled) | std::views::transform(create_task),
                      std::back_inserter(tasks));
    EXPECT_EQ(all_tasks().size(), 4U);
    auto gathered = gather(tasks | std::views::transform(shield));
    const std::vector<int> results = co_await gathered;
    EXPECT_EQ(results, (std::vector<int>{2, 4, 6}));
    EXPECT_TRUE(std::ranges::all_of(tasks, isfuture));
    co_return;
  };
  loop->run_until_complete(main());
}

TEST(Algorithms, that_take_a_list_deduce_what_is_in_it) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const Task<int> a = create_task(doubled(1));
    const Task<int> b = create_task(doubled(2));
    auto listed = wait({a, b}, {.return_when = ALL_COMPLETED});
    static_assert(std::same_as<decltype(listed), Coroutine<WaitResult<Task<int>>>>);
    const auto [done, pending] = co_await listed;
    EXPECT_EQ(done.size(), 2U);
    EXPECT_TRUE(pending.empty());
  };
  loop->run_until_complete(main());
}

TEST(Algorithms, that_make_loops_are_loop_factories) {
  const RunOptions options{.loop_factory = new_event_loop};
  EXPECT_EQ(run(doubled(2), options), 4);
}

TEST(Algorithms, can_be_stored_and_called_by_others) {
  auto loop = make_loop();
  const auto main = []() -> Coroutine<> {
    const auto nap = sleep;
    co_await nap(1ms);
    auto waiting = std::invoke(wait_for, doubled(3), 1s);
    const int result = co_await waiting;
    EXPECT_EQ(result, 6);
  };
  loop->run_until_complete(main());
}

}  // namespace
}  // namespace segue::modern
