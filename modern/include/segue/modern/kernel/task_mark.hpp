// TaskMark: which task it was. It keeps no task alive, and tells one from another that has its address later.
#pragma once

#include <cstdint>

namespace segue::modern {

class TaskCore;

class TaskMark {
 public:
  /// Nobody.
  TaskMark() noexcept = default;
  /// Of the task that runs now in this thread; nobody where none does. (In task_core.hpp.)
  static inline TaskMark of_current() noexcept;

  /// Where the task is, or was.
  const TaskCore* address() const noexcept { return task_; }
  /// Whether it is that of `task`, which exists. (In task_core.hpp.)
  inline bool is_of(const TaskCore& task) const noexcept;

 private:
  TaskMark(const TaskCore* task, std::uint32_t serial) noexcept : task_(task), serial_(serial) {}

  const TaskCore* task_ = nullptr;
  std::uint32_t serial_ = 0;
};

}  // namespace segue::modern
