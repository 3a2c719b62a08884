// What a running program works on, and its trace. harness.py has the same, under the same names.
#pragma once

#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "../traces.hpp"
#include "program.hpp"

namespace segue::random::tasks {

using Number = std::optional<int>;
using Generator = asyncio::AsyncGenerator<int, Number>;

inline std::string text(int number) { return std::to_string(number); }
inline std::string text(bool value) { return value ? "True" : "False"; }
inline std::string text(const Number& number) { return number ? text(*number) : "None"; }
/// Errors without what tells two objects apart: addresses, and the names that tasks have of themselves.
std::string text(const std::exception_ptr& error);
std::string listing(const std::vector<std::string>& texts);

std::exception_ptr make_error(const Statement& statement);
/// `m3`, or nothing.
std::optional<std::string> message(const Statement& statement);
inline asyncio::Delay units(int count) { return std::chrono::seconds(count); }
inline long long in_units(asyncio::EventLoop::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}
inline std::optional<asyncio::Delay> delay(const Statement& statement) {
  return statement.delay ? std::optional(units(*statement.delay)) : std::nullopt;
}

/// A gather() that is waited for later, by anybody.
struct Gathering {
  asyncio::Future<std::vector<int>> results = {};
  asyncio::Future<std::vector<Outcome<int>>> outcomes = {};  // where it returns exceptions
  int oldest = 1000;

  asyncio::AnyFuture future() const { return outcomes ? asyncio::AnyFuture(outcomes) : asyncio::AnyFuture(results); }
  std::string state() const;
};
std::string text(const std::vector<int>& results);
std::string text(const std::vector<Outcome<int>>& outcomes);

struct World {
  World(const Program& of, asyncio::EventLoop& running);
  World(const World&) = delete;

  void log(const std::string& who, const std::string& what, const std::string& value = "");

  /// The name of a call; empty where there were too many.
  std::string enter(const char* kind, std::size_t index);
  std::string enter_callback(std::size_t index, const asyncio::Future<int>* future);
  void register_task(const asyncio::AnyTask& task);
  void register_current();
  int age(const asyncio::AnyFuture& task) const { return ages.at(task.id()); }
  std::string name(const asyncio::AnyFuture& task) const { return "t" + std::to_string(age(task)); }
  static std::string state(const asyncio::AnyFuture& future);
  /// Of one that is not done, or has failed; else nothing.
  static std::optional<std::string> state_without_result(const asyncio::AnyFuture& future);

  /// Where it is younger than who asks: tasks that await each other in a ring would never end.
  std::optional<asyncio::Task<int>> awaitable(std::size_t slot);
  std::vector<asyncio::Task<int>> awaitables(const std::vector<std::size_t>& of_slots);
  std::string started(std::size_t slot, asyncio::Task<int> task);
  void renew_future(std::size_t which);

  const Program& program;
  asyncio::EventLoop& loop;
  Trace trace = {};
  bool stopped = false;
  int calls = 0;
  int count = 0;
  std::vector<asyncio::AnyTask> all = {};  // by age
  std::unordered_map<const void*, int> ages = {};
  std::vector<asyncio::Future<int>> all_futures = {};

  std::array<std::optional<asyncio::Task<int>>, slots> T = {};
  std::array<asyncio::Handle, slots> H = {};
  std::array<std::shared_ptr<contextvars::Token<int>>, slots> K = {};
  std::array<std::optional<contextvars::Context>, slots> X = {};
  std::array<std::optional<Gathering>, slots> G = {};
  std::array<std::optional<asyncio::TaskGroup>, slots> W = {};
  std::array<std::optional<asyncio::Timeout>, slots> O = {};
  std::array<std::shared_ptr<Generator>, slots> A = {};
  std::vector<asyncio::Future<int>> F = {};
  std::array<asyncio::Event, events> E = {};
  std::array<asyncio::Lock, locks> L = {};
  std::array<asyncio::Semaphore, semaphores> S;
  asyncio::Condition C;
  asyncio::Barrier B;
  std::array<asyncio::Queue<int>, queues> Q;
  std::array<contextvars::ContextVar<int>, variables> V;
  std::vector<asyncio::DoneCallback<asyncio::Future<int>>> callbacks = {};
};

/// Who runs statements, and in what.
struct Scope {
  World& world;
  std::string who;
  const asyncio::TaskGroup* group = nullptr;
  const asyncio::Timeout* timeout = nullptr;

  void log(const std::string& what, const std::string& value = "") const { world.log(who, what, value); }
};

/// How a block was left.
struct Flow {
  bool returned = false;
  int value = 0;
};

asyncio::Coroutine<int> call_body(World& world, std::size_t index);
Generator call_generator(World& world, std::size_t index);
void call_callback(World& world, std::size_t index, const asyncio::Future<int>* future);

/// What needs no waiting; gives the text of its value.
std::string act(const Scope& scope, const Statement& statement);
asyncio::Coroutine<std::string> wait(const Scope& scope, const Statement& statement);
/// Of a block in a coroutine, without a yield.
asyncio::Coroutine<Flow> run(const Scope& scope, const Block& block);
asyncio::Coroutine<Flow> run(const Scope& scope, const Statement& statement);

bool catches(Caught caught, const std::exception_ptr& error);

}  // namespace segue::random::tasks
