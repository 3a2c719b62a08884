#include "tasks/interrupts.hpp"

#include <errno.h>
#include <signal.h>

#include <atomic>
#include <utility>

#include <segue/exceptions.hpp>

#include "loop/main_thread.hpp"
#include "loop/signal_handlers.hpp"

namespace segue::modern::detail {

namespace {

// What the handler may touch. Only the program's main thread has it, and for one run() at a time.
std::atomic<Interrupts*> current = nullptr;
std::atomic<int> not_heard_of = 0;

void set_handler(void (*handler)(int)) noexcept {
  struct sigaction action{};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
}

bool has_handler(void (*handler)(int)) noexcept {
  struct sigaction action{};
  ::sigaction(SIGINT, nullptr, &action);
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == handler;
}

void pass_on() noexcept {
  set_handler(SIG_DFL);
  ::raise(SIGINT);
}

}  // namespace

void Interrupts::handle(int) {
  const int saved = errno;
  if (not_heard_of.fetch_add(1) > 0) {
    pass_on();
  } else if (Interrupts* const self = current) {
    self->loop_.schedule_from_signal(*self);
  }
  errno = saved;
}

void Interrupts::begin(TaskCore& main) noexcept {
  interrupted_ = nullptr;
  if (!in_main_thread() || !has_handler(SIG_DFL)) return;
  main_ = &main;
  not_heard_of = 0;
  current = this;
  set_handler(handle);
}

void Interrupts::end() noexcept {
  if (std::exchange(main_, nullptr) == nullptr) return;
  const bool ours = has_handler(handle);
  if (ours) set_handler(SIG_DFL);
  SignalHandlers::withdraw(handle);  // where a callback of the loop's took its place
  current = nullptr;
  if (ours && not_heard_of.exchange(0) > 0) pass_on();
}

void Interrupts::check() {
  if (interrupted_ && interrupted_->uncancel() == 0) throw KeyboardInterrupt();
}

void Interrupts::run() {
  if (main_ == nullptr) return;  // it comes after the run() that it was meant for
  not_heard_of = 0;
  if (interrupted_ || main_->done()) throw KeyboardInterrupt();
  interrupted_ = main_;
  main_->cancel();
}

}  // namespace segue::modern::detail
