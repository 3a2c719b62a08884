#include <segue/modern/tasks/runners.hpp>

#include <chrono>
#include <vector>

#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/kernel/unraisable.hpp>
#include <segue/modern/tasks/gather.hpp>

#include "tasks/interrupts.hpp"

namespace segue::modern {

namespace {

constexpr auto thread_join_timeout = std::chrono::minutes(5);

void cancel_all_tasks(EventLoop& loop) {
  const std::vector<AnyTask> tasks = all_tasks(loop);
  if (tasks.empty()) return;
  for (const AnyTask& task : tasks) task.cancel();
  loop.run_until_complete(detail::gather_settled(tasks));
  for (const AnyTask& task : tasks) {
    if (task.cancelled() || !task.exception()) continue;
    ExceptionContext context;
    context.message = "unhandled exception during asyncio.run() shutdown";
    context.exception = task.exception();
    context.task = task.state()->repr();
    loop.call_exception_handler(context);
  }
}

}  // namespace

Runner::Runner(RunOptions options) noexcept : options_(options) {}

EventLoop& Runner::get_loop() {
  if (closed_) throw RuntimeError("Runner is closed");
  if (!loop_) {
    loop_ = options_.loop_factory != nullptr ? options_.loop_factory() : new_event_loop();
    if (!loop_) throw TypeError("loop_factory() must return an event loop, not None");
    if (options_.loop_factory == nullptr) set_event_loop(*loop_);
    context_ = copy_context();
    interrupts_ = std::make_unique<detail::Interrupts>(loop_->core());
    if (options_.debug) loop_->set_debug(*options_.debug);
  }
  return *loop_;
}

Runner::Interruptible::Interruptible(Runner& runner, const AnyFuture& main) : runner_(runner) {
  if (TaskCore* const task = main.state()->task()) runner_.interrupts_->begin(*task);
}

Runner::Interruptible::~Interruptible() { runner_.interrupts_->end(); }

void Runner::check_interrupted() const { interrupts_->check(); }

void Runner::check_no_running_loop(const char* message) {
  if (LoopCore::is_any_running()) throw RuntimeError(message);
}

void Runner::close() {
  if (closed_ || !loop_) return;
  if (loop_->is_running()) throw RuntimeError("Cannot close a running event loop");
  const ScopeExit end([this]() noexcept {
    closed_ = true;
    const EventLoopPtr ended = std::move(loop_);
    if (options_.loop_factory == nullptr) set_event_loop(nullptr);
  });
  cancel_all_tasks(*loop_);
  loop_->run_until_complete(loop_->shutdown_asyncgens());
  loop_->run_until_complete(loop_->shutdown_default_executor(thread_join_timeout));
}

Runner::~Runner() {
  try {
    close();
  } catch (...) {
    report_unraisable(std::current_exception(), std::source_location::current());
  }
}

}  // namespace segue::modern
