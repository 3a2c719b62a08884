#include "stack_overflow.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include <segue/legacy/fiber.hpp>
#include <segue/legacy/stack.hpp>

#include "line.hpp"

namespace segue::legacy {
namespace legacy_detail {
namespace {

constexpr std::size_t signal_stack_bytes = 64 * 1024;
constexpr std::size_t find_attempts = 1000;

enum class Handler { none, installing, installed };
std::atomic<Handler> handler{Handler::none};
std::atomic<bool> enabled{!sanitized};
struct sigaction previous;

void report(const Stack& stack, const Fiber* fiber) noexcept {
  Line line;
  line << "segue: stack overflow: ";
  if (fiber == nullptr) {
    line << "a fiber";
  } else {
    constexpr std::size_t longest_label = 400;
    line << fiber->label().substr(0, longest_label);
    if (const auto place = place_of(fiber->origin())) line << " (made at " << *place << ")";
  }
  line << " used up its stack of " << stack.size() << " bytes; ask for a larger one (StackSize)\n";
  if (write(STDERR_FILENO, line.text().data(), line.text().size()) < 0) return;
}

void pass_on(int number, siginfo_t* info, void* context) noexcept {
  if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
    previous.sa_sigaction(number, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
  } else {
    // The fault happens again on return, and ends the program as if there were no handler.
    signal(number, SIG_DFL);
  }
}

void on_fault(int number, siginfo_t* info, void* context) {
  Stack stack;
  const StackHeader* const header = find_stack(info->si_addr, &stack, find_attempts);
  if (enabled && header != nullptr && info->si_addr < stack.bottom()) report(stack, header->occupant);
  pass_on(number, info, context);
}

}  // namespace

void install_overflow_handler() noexcept {
  if (!enabled) return;
  Handler expected = Handler::none;
  if (!handler.compare_exchange_strong(expected, Handler::installing)) return;
  struct sigaction action{};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &previous);
  handler = Handler::installed;
}

void SignalStack::install() noexcept {
  stack_t present{};
  if (!enabled || sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
  void* const memory =
      mmap(nullptr, signal_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t own{};
  own.ss_sp = memory;
  own.ss_size = signal_stack_bytes;
  if (sigaltstack(&own, nullptr) == 0) {
    memory_ = memory;
  } else {
    munmap(memory, signal_stack_bytes);
  }
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
  munmap(memory_, signal_stack_bytes);
}

}  // namespace legacy_detail

void set_overflow_reports(bool enabled) {
  legacy_detail::enabled = enabled && !legacy_detail::sanitized;
  if (stack_statistics().stacks != 0) legacy_detail::install_overflow_handler();
}

}  // namespace segue::legacy
