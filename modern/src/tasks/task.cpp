#include <segue/modern/tasks/task.hpp>

#include <segue/format_exception.hpp>

namespace segue::modern {

std::optional<AnyTask> CurrentTaskFunction::operator()() const { return (*this)(get_running_loop()); }

std::optional<AnyTask> CurrentTaskFunction::operator()(EventLoop& loop) const {
  TaskCore* const task = TaskCore::current();
  if (task == nullptr || &task->loop() != &loop.core()) return std::nullopt;
  return AnyTask(Ref<FutureCore>(task));
}

std::vector<AnyTask> AllTasksFunction::operator()(EventLoop& loop) const {
  if (loop.is_running() && LoopCore::running() != &loop.core())
    throw RuntimeError("Non-thread-safe operation invoked on an event loop other than the current one");
  const List<TaskCore>& pending = loop.core().tasks();
  std::vector<AnyTask> tasks;
  for (TaskCore* task = pending.front(); task != nullptr; task = pending.next(*task))
    tasks.emplace_back(Ref<FutureCore>(task));
  if (Schedule* const choices = loop.core().schedule_of_choices()) choices->shuffle(tasks);
  return tasks;
}

namespace detail {

std::vector<SuspendedFrame> stack_of(const TaskCore& task) {
  if (task.done()) return {};
  const CoroutineInfo coroutine = task.coroutine_info();
  return {{coroutine.name, coroutine.where}};
}

void print_stack_of(const TaskCore& task, std::FILE* file) {
  const std::vector<SuspendedFrame> stack = stack_of(task);
  std::string text =
      stack.empty() ? "No stack for " + task.repr() + "\n" : "Stack for " + task.repr() + " (most recent call last):\n";
  for (const SuspendedFrame& frame : stack) text += frame.str() + "\n";
  if (const std::exception_ptr error = task.peek_exception()) text += format_exception_only(error) + "\n";
  std::fputs(text.c_str(), file);
}

}  // namespace detail

}  // namespace segue::modern
