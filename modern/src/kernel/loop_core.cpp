#include <segue/modern/kernel/loop_core.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/async_generator_core.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/kernel/task_core.hpp>

#include "kernel/this_process.hpp"

namespace segue::modern {

namespace {

std::uint64_t next_loop_id() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// None where there is no memory for it: what is to run runs in any case.
std::function<std::string()> deferred_repr_of(Ready& node) noexcept {
  try {
    return node.deferred_repr();
  } catch (...) {
    return {};
  }
}

// As in Python: "Executing <Task …> took 0.120 seconds".
void report_slow(const std::function<std::string()>& repr, std::chrono::duration<double> taken) noexcept {
  std::array<char, 32> seconds{};
  std::snprintf(seconds.data(), seconds.size(), "%.3f", taken.count());
  try {
    log(LogLevel::warning, "Executing " + (repr ? repr() : "a callback") + " took " + seconds.data() + " seconds");
  } catch (...) {  // there is no memory to say what
    log(LogLevel::warning, "Executing a callback took long");
  }
}

void tell_end(List<LoopObserver, LoopObserver>& observers) noexcept {
  while (LoopObserver* const observer = observers.front()) {
    observer->unlink();
    observer->loop_ended();
  }
}

}  // namespace

void LoopCore::set_debug(bool enabled) noexcept {
  debug_ = enabled;
  track_origins(enabled && !closed_);
}

void LoopCore::track_origins(bool wanted) noexcept {
  if (wanted != tracks_origins_) Origin::want(wanted);
  tracks_origins_ = wanted;
}

void LoopCore::set_schedule_of_choices(Schedule* choices) noexcept {
  choices_ = choices;
  timers_.set_order_of_equals(choices != nullptr ? SIZE_MAX - 1 - choices->choose(SIZE_MAX) : 0);
}

void LoopCore::run_ready_in_debug() {
  ReadyQueue::Batch batch(ready_);
  while (Ready* const node = batch.pop()) {
    const std::function<std::string()> repr = deferred_repr_of(*node);
    const time_point begin = time();
    const std::chrono::nanoseconds looked_up = Origin::time_spent();
    node->run();
    const std::chrono::duration<double> taken = time() - begin - (Origin::time_spent() - looked_up);
    if (taken >= slow_callback_duration) report_slow(repr, taken);
  }
}

LoopCore::LoopCore() : mailbox_(std::make_shared<Mailbox>(*this)), id_(next_loop_id()) {}

bool LoopCore::is_any_running() noexcept { return running_ != nullptr && running_process_ == this_process(); }

LoopCore::Running::Running(LoopCore& loop) noexcept
    : loop_(&loop),
      parents_(std::exchange(running_, &loop)),
      parents_process_(std::exchange(running_process_, this_process())) {
  loop.thread_.store(&running_, std::memory_order_relaxed);
}

LoopCore::Running::~Running() {
  loop_->thread_.store(nullptr, std::memory_order_relaxed);
  running_ = parents_;
  running_process_ = parents_process_;
}

void LoopCore::refuse_without_loop() { throw RuntimeError("no running event loop"); }

void LoopCore::check_usable_slow() const {
  if (closed_) throw RuntimeError("Event loop is closed");
  if (is_running() && thread_.load(std::memory_order_relaxed) != &running_)
    throw RuntimeError("Non-thread-safe operation invoked on an event loop other than the current one");
}

void LoopCore::collect_posted() noexcept {
  has_posted_.store(false, std::memory_order_relaxed);  // what comes from here on sets it again
  if (Ready* const node = from_signal_.exchange(nullptr, std::memory_order_relaxed)) ready_.push(*node);
  mailbox_->collect(ready_);
}

void LoopCore::add_task(TaskCore& task) noexcept {
  task.retain();
  tasks_.push_back(task);
}

void LoopCore::remove_task(TaskCore& task) noexcept {
  task.ListLink::unlink();
  task.release();
}

void LoopCore::add_async_generator(AsyncGeneratorCore& generator) {
  if (async_generators_closed_) {
    log(LogLevel::warning,
        "asynchronous generator " + generator.repr() + " was scheduled after loop.shutdown_asyncgens() call");
  }
  async_generators_.push_back(generator);
}

void LoopCore::close_core() noexcept {
  closed_ = true;
  track_origins(false);
  ReadyQueue posted;
  mailbox_->close(posted);
  posted.drop_all();
  ready_.drop_all();
  timers_.clear();
  tell_end(close_observers_);
}

void LoopCore::destroy_pending_tasks() noexcept {
  while (TaskCore* const oldest = tasks_.front()) oldest->destroy_pending();
  while (AsyncGeneratorCore* const oldest = async_generators_.front()) oldest->leave_loop();
  tell_end(observers_);
  tell_end(close_observers_);  // that came when it was closed
}

}  // namespace segue::modern
