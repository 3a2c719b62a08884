#include "program_run.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/loop/reactor.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/modern/testing/manual_reactor.hpp>
#include <segue/testing/virtual_loop.hpp>

namespace segue::testing {

namespace {

using modern::EventLoop;

constexpr auto patience = std::chrono::seconds(2);
constexpr std::size_t most_of_a_program = 1'000'000;

modern::Coroutine<void> wait_for_all(std::vector<modern::AnyTask> tasks) { co_await modern::wait(tasks); }

}  // namespace

std::string error_text(const std::exception_ptr& error) {
  const ExceptionText text = describe(error);
  return text.type + (text.message.empty() ? "" : ": " + text.message);
}

ProgramRun::ProgramRun(const detail::TracedProgram& program, modern::Schedule* schedule) : loop_(virtual_loop()) {
  loop_->core().set_schedule_of_choices(schedule);
  loop_->set_exception_handler([reports = reports_](EventLoop&, const modern::ExceptionContext& context) {
    reports->push_back(to_string(context));
  });
  main_ = loop_->create_task(program(trace_));
}

void ProgramRun::iterate() {
  if (++iterations_ > most_of_a_program)
    throw RuntimeError("no end after " + std::to_string(most_of_a_program) + " iterations: " + main_->repr());
  if (next_ == EventLoop::time_point::max()) {
    wait_for_other_threads();
  } else {
    if (next_ > loop_->time()) static_cast<modern::ManualReactor&>(loop_->reactor()).advance(next_ - loop_->time());
    next_ = loop_->step();
  }
}

// In real time, and a little at a time: a descriptor may become ready as well.
void ProgramRun::wait_for_other_threads() {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!main_->done() && next_ == EventLoop::time_point::max()) {
    if (std::chrono::steady_clock::now() > until) throw RuntimeError("deadlock: " + main_->repr() + " waits for ever");
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    next_ = loop_->step();
  }
}

void ProgramRun::cancel() {
  main_->cancel();
  next_ = EventLoop::time_point::min();
}

void ProgramRun::finish() {
  while (!main_->done()) iterate();
}

std::string ProgramRun::left() {
  run_until_idle(*loop_);
  const std::vector<modern::AnyTask> tasks = modern::all_tasks(*loop_);
  if (!tasks.empty()) return "a task that is pending: " + tasks.front().repr();
  if (loop_->reactor().watching()) return "a descriptor that is watched";
  return {};
}

void ProgramRun::cancel_tasks() {
  const std::vector<modern::AnyTask> tasks = modern::all_tasks(*loop_);
  for (const modern::AnyTask& task : tasks) task.cancel();
  if (!tasks.empty()) loop_->run_until_complete(wait_for_all(tasks));
}

void ProgramRun::close() {
  cancel_tasks();
  loop_->run_until_complete(loop_->shutdown_asyncgens());
  loop_->run_until_complete(loop_->shutdown_default_executor());
  main_.reset();
  loop_.reset();
}

}  // namespace segue::testing
