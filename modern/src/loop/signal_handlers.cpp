#include "loop/signal_handlers.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/os_error.hpp>

#include "kernel/call_of_user.hpp"
#include "loop/main_thread.hpp"

namespace segue::modern::detail {

namespace {

// Whose signal it is: what the handler looks at.
constinit std::array<std::atomic<SignalHandlers*>, NSIG> owners{};
constinit std::atomic<int> being_handled = 0;  // how many handlers are under way, in all threads
static_assert(std::atomic<SignalHandlers*>::is_always_lock_free);

std::atomic<SignalHandlers*>& owner_of(int signal) noexcept { return owners[static_cast<std::size_t>(signal)]; }

// What is restored for SIGINT; the others get their defaults, as in CPython. Callbacks are added in the main thread,
// but a loop may be closed in another one.
std::mutex mutex;
struct sigaction before_of_sigint{};

struct sigaction default_action() noexcept {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  return action;
}

// A callback on its way to be run: one each time that its signal came.
class Delivery final : public Pooled, public Ready {
 public:
  explicit Delivery(Ref<SignalCallback> callback) noexcept : callback_(std::move(callback)) {}

  void run() override {
    const std::unique_ptr<Delivery> keep(this);
    call_of_user(
        *LoopCore::running(), [this] { callback_->call(); }, [this] { return callback_->callable(); },
        &callback_->origin());
  }
  void drop() noexcept override { delete this; }
  std::function<std::string()> deferred_repr() override {
    return [callback = callback_] { return repr_of_handle(callback->callable(), &callback->origin()); };
  }

 private:
  const Ref<SignalCallback> callback_;
};

}  // namespace

SignalHandlers::SignalHandlers(EventLoop& loop) : Watch(EVENT_READ), loop_(loop) {
  if (::pipe2(pipe_.data(), O_CLOEXEC | O_NONBLOCK) != 0) throw_os_error(errno);
}

SignalHandlers::~SignalHandlers() {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (callback(signal)) restore(signal);
  }
  // Another thread may be about to write into the pipe.
  while (being_handled != 0) ::sched_yield();
  for (const int end : pipe_) ::close(end);
}

void SignalHandlers::check_signal(int signal) {
  sigset_t valid;
  ::sigfillset(&valid);  // but for those that libc needs
  if (::sigismember(&valid, signal) != 1) throw ValueError("invalid signal number " + std::to_string(signal));
}

void SignalHandlers::check_thread() {
  if (!detail::in_main_thread()) throw RuntimeError("add_signal_handler only works in main thread of the program");
}

void SignalHandlers::handle(int signal) {
  const int interrupted = errno;
  ++being_handled;
  if (const SignalHandlers* const owner = owner_of(signal)) {
    const auto number = static_cast<unsigned char>(signal);
    // Where the pipe is full, thousands of signals wait in it.
    [[maybe_unused]] const auto written = ::write(owner->pipe_[1], &number, sizeof number);
  }
  --being_handled;
  errno = interrupted;
}

bool SignalHandlers::is_handled(int signal) noexcept {
  struct sigaction action{};
  ::sigaction(signal, nullptr, &action);
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == handle;
}

bool SignalHandlers::install(int signal) noexcept {
  struct sigaction action{};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  const std::lock_guard lock(mutex);
  const bool again = is_handled(signal);
  return ::sigaction(signal, &action, signal == SIGINT && !again ? &before_of_sigint : nullptr) == 0;
}

void SignalHandlers::restore(int signal) noexcept {
  const std::lock_guard lock(mutex);
  if (owner_of(signal) != this) return;
  if (is_handled(signal)) {
    const struct sigaction action = signal == SIGINT ? before_of_sigint : default_action();
    ::sigaction(signal, &action, nullptr);
  }
  owner_of(signal) = nullptr;
}

void SignalHandlers::withdraw(void (*handler)(int)) noexcept {
  const std::lock_guard lock(mutex);
  if ((before_of_sigint.sa_flags & SA_SIGINFO) == 0 && before_of_sigint.sa_handler == handler)
    before_of_sigint = default_action();
}

void SignalHandlers::add(int signal, Ref<SignalCallback> callback) {
  if (!watched()) loop_.reactor().watch(*this, pipe_[0]);
  SignalHandlers* const previous = owner_of(signal).exchange(this);
  if (!install(signal)) {
    owner_of(signal) = previous;
    stop_watching_if_unused();
    throw RuntimeError("sig " + std::to_string(signal) + " cannot be caught");
  }
  std::swap(this->callback(signal), callback);
}

bool SignalHandlers::remove(int signal) noexcept {
  const Ref<SignalCallback> removed = std::exchange(callback(signal), nullptr);
  if (!removed) return false;
  restore(signal);
  stop_watching_if_unused();
  return true;
}

void SignalHandlers::stop_watching_if_unused() noexcept {
  if (std::ranges::none_of(callbacks_, [](const auto& callback) { return static_cast<bool>(callback); }))
    loop_.reactor().unwatch(*this);
}

void SignalHandlers::ready() {
  std::array<unsigned char, 256> signals;
  for (;;) {
    const auto count = ::read(pipe_[0], signals.data(), signals.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      // None where it was removed meanwhile.
      if (Ref<SignalCallback> callback = this->callback(signals[i]))
        loop_.core().schedule_new(*new Delivery(std::move(callback)));
    }
  }
}

}  // namespace segue::modern::detail
