#include "world.hpp"

namespace segue::random::tasks {

using asyncio::AnyFuture;
using asyncio::AnyTask;
using asyncio::CancelledError;
using asyncio::Future;
using asyncio::Task;

std::string listing(const std::vector<std::string>& texts) {
  std::string result;
  for (const std::string& each : texts) result += (result.empty() ? "" : ", ") + each;
  return "[" + result + "]";
}

std::string text(const std::exception_ptr& error) {
  ExceptionText description = describe(error);
  const auto* const raised = exception_ptr_cast<BaseException>(error);
  const std::string cause = raised != nullptr && raised->cause() ? " from " + text(raised->cause()) : "";
  if (const auto* const group = modern::as_group(error)) {
    std::vector<std::string> texts;
    for (const std::exception_ptr& each : group->exceptions()) texts.push_back(text(each));
    return description.type + "(" + group->message() + " " + listing(texts) + ")" + cause;
  }
  std::string& message = description.message;
  const std::size_t first = message.find('<');
  const std::size_t last = message.rfind('>');
  if (first != message.npos && last != message.npos && first < last) message.replace(first, last - first + 1, "<>");
  return description.type + "(" + message + ")" + cause;
}

std::exception_ptr make_error(const Statement& statement) {
  const std::string number = std::to_string(statement.number);
  switch (statement.error) {
    case Error::value_error: return std::make_exception_ptr(ValueError("v" + number));
    case Error::lookup_error: return std::make_exception_ptr(LookupError("l" + number));
    case Error::timeout_error: return std::make_exception_ptr(TimeoutError("t" + number));
    case Error::cancelled_error: break;
  }
  return std::make_exception_ptr(CancelledError("c" + number));
}

std::optional<std::string> message(const Statement& statement) {
  return statement.message ? std::optional("m" + std::to_string(*statement.message)) : std::nullopt;
}

bool catches(Caught caught, const std::exception_ptr& error) {
  switch (caught) {
    case Caught::value_error: return holds<ValueError>(error);
    case Caught::timeout_error: return holds<TimeoutError>(error);
    case Caught::cancelled_error: return holds<CancelledError>(error);
    case Caught::exception: return holds<Exception>(error);
    case Caught::group: return holds<BaseExceptionGroup>(error);
    case Caught::base_exception: break;
  }
  return true;
}

World::World(const Program& of, asyncio::EventLoop& running)
    : program(of),
      loop(running),
      S{asyncio::Semaphore(of.permits), asyncio::BoundedSemaphore(of.permits)},
      C(of.shares_lock ? asyncio::Condition(L[1]) : asyncio::Condition()),
      B(of.parties),
      Q{asyncio::Queue<int>(of.maxsize), asyncio::LifoQueue<int>(of.maxsize), asyncio::PriorityQueue<int>(of.maxsize)},
      V{contextvars::ContextVar<int>("v0"), contextvars::ContextVar<int>("v1", -1)} {
  F.resize(futures);
  for (std::size_t i = 0; i < futures; ++i) renew_future(i);
  for (std::size_t i = 0; i < slots; ++i)
    A[i] = std::make_shared<Generator>(call_generator(*this, i % program.generators.size()));
  for (std::size_t i = 0; i < program.callbacks.size(); ++i) {
    callbacks.emplace_back([this, i](const Future<int>& future) { call_callback(*this, i, &future); });
  }
}

void World::log(const std::string& who, const std::string& what, const std::string& value) {
  if (stopped) return;
  std::string line = std::to_string(in_units(loop.time())) + " " + who + " " + what;
  if (!value.empty()) line += " " + value;
  trace.push_back(std::move(line));
}

std::string World::enter(const char* kind, std::size_t index) {
  register_current();
  const std::string name = kind + std::to_string(index);
  if (++calls > most_calls) {
    log(name, "too many");
    return {};
  }
  const std::string me = name + "#" + std::to_string(calls);
  log(me, "begins");
  return me;
}

std::string World::enter_callback(std::size_t index, const Future<int>* future) {
  if (++calls > most_calls) return {};
  std::string me = "c" + std::to_string(index) + "#" + std::to_string(calls);
  log(me, "is called", future != nullptr ? state(*future) : "");
  return me;
}

void World::register_task(const AnyTask& task) {
  if (ages.emplace(task.id(), static_cast<int>(all.size())).second) all.push_back(task);
}

void World::register_current() {
  if (const auto current = asyncio::current_task()) register_task(*current);
}

std::optional<std::string> World::state_without_result(const AnyFuture& future) {
  if (!future.done()) return "pending";
  try {
    if (const std::exception_ptr error = future.exception()) return text(error);
  } catch (const CancelledError&) {
    return text(std::current_exception());
  }
  return std::nullopt;
}

std::string World::state(const AnyFuture& future) {
  auto* const task = future.state()->task();
  std::optional<std::string> state = state_without_result(future);
  if (!state) {
    // Whoever closes an async generator that was dropped gives nothing.
    const bool gives = task == nullptr || dynamic_cast<modern::TaskValue<int>*>(task) != nullptr;
    state = gives ? text(Future<int>(future.state()).result()) : "None";
  }
  return task == nullptr ? *state : *state + " cancelling=" + std::to_string(task->cancelling());
}

std::string Gathering::state() const {
  if (auto state = World::state_without_result(future())) return *state;
  return outcomes ? text(outcomes.result()) : text(results.result());
}

std::string text(const std::vector<int>& results) {
  std::vector<std::string> texts;
  for (const int each : results) texts.push_back(text(each));
  return listing(texts);
}

std::string text(const std::vector<Outcome<int>>& outcomes) {
  std::vector<std::string> texts;
  for (const auto& each : outcomes)
    texts.push_back(each.has_exception() ? text(each.exception()) : text(each.stored()));
  return listing(texts);
}

std::optional<Task<int>> World::awaitable(std::size_t slot) {
  register_current();
  const auto& task = T[slot];
  const auto me = asyncio::current_task();
  return task && age(*task) > age(*me) ? task : std::nullopt;
}

std::vector<Task<int>> World::awaitables(const std::vector<std::size_t>& of_slots) {
  std::vector<Task<int>> tasks;
  for (const std::size_t slot : of_slots) {
    if (auto task = awaitable(slot)) tasks.push_back(*std::move(task));
  }
  return tasks;
}

std::string World::started(std::size_t slot, Task<int> task) {
  T[slot] = task;
  register_task(task);
  return name(task);
}

void World::renew_future(std::size_t which) {
  F[which] = loop.create_future<int>();
  all_futures.push_back(F[which]);
}

}  // namespace segue::random::tasks
