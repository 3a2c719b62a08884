#include "kernel/cancellation.hpp"

#include <utility>

namespace segue::modern {

Cancellation::~Cancellation() {
  for (const Step& step : steps_) step.future->being_cancelled_ = false;
}

bool Cancellation::run(FutureCore& first) {
  if (first.being_cancelled_) return true;  // by who called a cancel() of somebody's own, which called this one
  ask(first);
  while (!steps_.empty()) {
    if (FutureCore* const future = next(steps_.back())) {
      ask(*future);
    } else {
      const Step done = std::move(steps_.back());
      steps_.pop_back();
      finish(done);
    }
  }
  return first_answer_.accepted;
}

void Cancellation::ask(FutureCore& future) {
  if (future.being_cancelled_) return answer({.came_round = true});
  if (TaskCore* const task = future.task()) {
    if (!task->accept_cancel()) return;
    if (task->waited_on_) return hand_on(future);
    task->cancel_at_next_step(message_);
    return answer({.accepted = true});
  }
  if (future.children() != nullptr) {
    if (!future.done()) hand_on(future);
    return;
  }
  const Ref<FutureCore> keep(&future);  // its class may have a cancel() of its own
  answer({.accepted = future.cancel(message_)});
}

void Cancellation::hand_on(FutureCore& future) {
  steps_.push_back({.future = &future});
  future.being_cancelled_ = true;
}

FutureCore* Cancellation::next(Step& step) noexcept {
  const std::size_t index = step.asked++;
  if (const TaskCore* const task = step.future->task()) return index == 0 ? task->waited_on_.get() : nullptr;
  const std::vector<Ref<FutureCore>>& children = *step.future->children();
  return index < children.size() ? children[index].get() : nullptr;
}

void Cancellation::finish(const Step& step) {
  step.future->being_cancelled_ = false;
  if (TaskCore* const task = step.future->task()) {
    if (!step.heard.accepted || step.heard.came_round) task->cancel_at_next_step(message_);
    // What it waits for waits for it, even if for others, too: no other step might ever come.
    if (step.heard.came_round) task->stop_waiting();
    return answer({.accepted = true});
  }
  if (step.heard.accepted) step.future->children_cancelled();
  answer(step.heard);
}

void Cancellation::answer(Answer given) noexcept {
  Answer& heard = steps_.empty() ? first_answer_ : steps_.back().heard;
  heard.accepted |= given.accepted;
  heard.came_round |= given.came_round;
}

}  // namespace segue::modern
