#include <segue/modern/threads/thread_futures.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>

#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/schedule.hpp>

namespace segue::modern::detail {

struct Arrival::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool told = false;
};

Arrival::Arrival(const LoopCore& loop)
    : state_(loop.schedule_of_choices() != nullptr ? std::make_shared<State>() : nullptr) {}

void Arrival::tell() const {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  state_->told = true;
  state_->changed.notify_all();
}

void Arrival::wait() const {
  if (!state_) return;
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, Schedule::patience, [this] { return state_->told; });
}

}  // namespace segue::modern::detail
