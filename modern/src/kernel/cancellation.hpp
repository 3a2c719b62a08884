// One cancel() of a task or a gather(): it goes on to what that waits for, and to what that waits for, and so on. The
// chain is of its user's making, as long as they like, and may lead back into itself: so it is walked with a stack in
// memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/task_core.hpp>

namespace segue::modern {

class Cancellation {
 public:
  explicit Cancellation(const std::optional<std::string>& message) noexcept : message_(message) {}
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;
  ~Cancellation();

  /// What `first.cancel(message)` gives.
  bool run(FutureCore& first);

 private:
  /// What those who were asked have said.
  struct Answer {
    bool accepted = false;
    bool came_round = false;  // one waits for who is asked already
  };

  /// A task or a future with children that waits for the answers of those it hands on to.
  struct Step {
    Ref<FutureCore> future;
    std::size_t asked = 0;
    Answer heard = {};
  };

  void ask(FutureCore& future);
  void hand_on(FutureCore& future);
  static FutureCore* next(Step& step) noexcept;
  void finish(const Step& step);
  void answer(Answer given) noexcept;

  const std::optional<std::string>& message_;
  std::vector<Step> steps_;
  Answer first_answer_;
};

}  // namespace segue::modern
