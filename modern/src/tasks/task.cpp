#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

std::optional<AnyTask> current_task() {
  get_running_loop();
  TaskCore* const task = TaskCore::current();
  if (task == nullptr) return std::nullopt;
  return AnyTask(Ref<FutureCore>(task));
}

std::vector<AnyTask> all_tasks(EventLoop& loop) {
  const List<TaskCore>& pending = loop.core().tasks();
  std::vector<AnyTask> tasks;
  for (TaskCore* task = pending.front(); task != nullptr; task = pending.next(*task))
    tasks.emplace_back(Ref<FutureCore>(task));
  return tasks;
}

std::vector<AnyTask> all_tasks() { return all_tasks(get_running_loop()); }

}  // namespace segue::modern
