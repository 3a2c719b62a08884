#include <segue/modern/kernel/deadlocks.hpp>

#include <algorithm>
#include <cstddef>
#include <new>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <segue/modern/kernel/coroutine_info.hpp>
#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/loop_bound.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/modern/kernel/wait_queue.hpp>

namespace segue::modern {

/// Goes down from each task to those that it waits for, with a path of its own instead of recursion: a chain of tasks
/// is as long as its user likes.
class DeadlockSearch {
 public:
  explicit DeadlockSearch(const LoopCore& loop) {
    const List<TaskCore>& tasks = loop.tasks();
    for (TaskCore* task = tasks.front(); task != nullptr; task = tasks.next(*task)) seen_.emplace(task, not_visited);
    for (TaskCore* task = tasks.front(); task != nullptr; task = tasks.next(*task)) {
      if (seen_.at(task) == not_visited) go_down_from(*task);
    }
  }

  /// Only the circles in which there is a task that was not told of before.
  std::vector<Deadlock> take_new() {
    std::erase_if(found_, [](const Circle& circle) {
      return std::ranges::all_of(circle, [](const Step& step) { return step.task->reported_deadlock_; });
    });
    for (const Circle& circle : found_)
      for (const Step& step : circle) step.task->reported_deadlock_ = true;
    return take();
  }
  std::vector<Deadlock> take() const {
    std::vector<Deadlock> result;
    for (const Circle& circle : found_) {
      Deadlock& deadlock = result.emplace_back();
      for (const Step& step : circle) deadlock.tasks.push_back(described(step));
    }
    return result;
  }

 private:
  /// That a task waits for another one: for its end, or for what it has taken.
  struct Edge {
    TaskCore* to;
    const LoopBound* taken;
  };
  struct Step {
    TaskCore* task;
    std::vector<Edge> edges;
    std::size_t next = 0;
  };
  using Circle = std::vector<Step>;

  static constexpr std::size_t not_visited = static_cast<std::size_t>(-1);
  static constexpr std::size_t left = not_visited - 1;

  void go_down_from(TaskCore& first) {
    enter(first);
    while (!path_.empty()) {
      Step& step = path_.back();
      if (step.next == step.edges.size()) {
        seen_.at(step.task) = left;
        path_.pop_back();
        continue;
      }
      TaskCore& to = *step.edges[step.next++].to;
      const std::size_t place = seen_.at(&to);
      if (place == not_visited) {
        enter(to);
      } else if (place != left) {
        found_.emplace_back(path_.begin() + static_cast<std::ptrdiff_t>(place), path_.end());
      }
    }
  }
  void enter(TaskCore& task) {
    seen_.at(&task) = path_.size();
    path_.push_back({&task, edges_of(task)});
  }

  std::vector<Edge> edges_of(const TaskCore& task) const {
    std::vector<Edge> edges;
    std::vector<FutureCore*> futures{task.waited_on_.get()};
    std::unordered_set<const FutureCore*> looked_at;
    while (!futures.empty()) {
      FutureCore* const future = futures.back();
      futures.pop_back();
      if (future == nullptr || future->done() || !looked_at.insert(future).second) continue;
      if (TaskCore* const awaited = future->task()) {
        if (seen_.contains(awaited)) edges.push_back({awaited, nullptr});
      } else if (const WaitQueue* const queue = future->queue_for_one()) {
        if (TaskCore* const taker = existing(queue->taken_by())) edges.push_back({taker, queue->exclusive()});
      } else if (const auto* const children = future->children()) {
        for (const Ref<FutureCore>& child : *children) futures.push_back(child.get());
      }
    }
    return edges;
  }
  TaskCore* existing(const TaskMark& mark) const {
    const auto found = seen_.find(const_cast<TaskCore*>(mark.address()));
    return found != seen_.end() && mark.is_of(*found->first) ? found->first : nullptr;
  }

  static DeadlockedTask described(const Step& step) {
    const CoroutineInfo info = step.task->coroutine_info();
    DeadlockedTask task{.task = step.task->name(), .function = info.name, .where = info.where, .waits_for = {}};
    for (const SuspendedFrame& frame : info.cr_await) {
      if (!frame.where) continue;
      task.function = frame.name;
      task.where = *frame.where;
    }
    if (const LoopBound* const taken = step.edges[step.next - 1].taken) {
      task.waits_for = "<" + name_of_object("asyncio.locks." + std::string(taken->type()) + " object", taken) + ">";
    }
    return task;
  }

  std::unordered_map<TaskCore*, std::size_t> seen_;  // all pending ones, with their place in the path
  std::vector<Step> path_;
  std::vector<Circle> found_;
};

std::string Deadlock::str() const {
  std::string text = tasks.size() == 1 ? "deadlock: a task waits for itself"
                                       : "deadlock: " + std::to_string(tasks.size()) + " tasks wait for each other";
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const DeadlockedTask& task = tasks[i];
    const std::string& next = tasks[(i + 1) % tasks.size()].task;
    text += "\n  " + task.task + " waits in " + task.function + "() at " + place(task.where) + " for ";
    text += task.waits_for.empty() ? next : task.waits_for + ", which " + next + " has taken";
  }
  return text;
}

std::vector<Deadlock> FindDeadlocksFunction::operator()(const LoopCore& loop) const {
  return DeadlockSearch(loop).take();
}

void detail::report_new_deadlocks(LoopCore& loop) {
  std::vector<ExceptionContext> contexts;
  try {
    for (const Deadlock& deadlock : DeadlockSearch(loop).take_new()) {
      contexts.emplace_back().message = deadlock.str();
    }
  } catch (const std::bad_alloc&) {
    return;  // a loop that has nothing to do goes on without it
  }
  for (const ExceptionContext& context : contexts) loop.call_exception_handler(context);
}

}  // namespace segue::modern
