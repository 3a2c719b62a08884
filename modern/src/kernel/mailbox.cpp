#include <segue/modern/kernel/mailbox.hpp>

#include <segue/modern/kernel/loop_core.hpp>

namespace segue::modern {

bool Mailbox::post(Ready& node) {
  if (is_of_running_loop()) {
    loop_.schedule_new(node);
    return true;
  }
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  posted_.push(node);
  loop_.posted();  // under the lock: after it the loop may be closed, and gone
  return true;
}

bool Mailbox::is_of_running_loop() const noexcept {
  const LoopCore* const running = LoopCore::running();
  return running != nullptr && running->mailbox().get() == this;
}

void Mailbox::collect(ReadyQueue& into) noexcept {
  const std::lock_guard lock(mutex_);
  into.append(posted_);
}

void Mailbox::close(ReadyQueue& into) noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  into.append(posted_);
}

}  // namespace segue::modern
