#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

std::optional<AnyTask> CurrentTaskFunction::operator()() const {
  get_running_loop();
  TaskCore* const task = TaskCore::current();
  if (task == nullptr) return std::nullopt;
  return AnyTask(Ref<FutureCore>(task));
}

std::vector<AnyTask> AllTasksFunction::operator()(EventLoop& loop) const {
  const List<TaskCore>& pending = loop.core().tasks();
  std::vector<AnyTask> tasks;
  for (TaskCore* task = pending.front(); task != nullptr; task = pending.next(*task))
    tasks.emplace_back(Ref<FutureCore>(task));
  return tasks;
}

}  // namespace segue::modern
