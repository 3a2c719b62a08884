#include <segue/modern/kernel/foreign_awaiter.hpp>

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/unraisable.hpp>

namespace segue::modern::detail {

namespace {

// Tells `wait` what becomes of the coroutine that has it as its argument.
class News {
 public:
  explicit News(std::shared_ptr<ForeignWait> wait) noexcept : wait_(std::move(wait)) {}
  News(News&&) noexcept = default;
  News& operator=(News&&) = delete;
  ~News() {
    if (wait_) wait_->come_back(false);
  }
  void resumed() noexcept { std::exchange(wait_, nullptr)->come_back(true); }

 private:
  std::shared_ptr<ForeignWait> wait_;
};

// The coroutine that a library resumes. It frees itself when that, or nothing but its destruction, has happened.
struct Messenger {
  struct promise_type {
    Messenger get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

Messenger bring(News news) {
  news.resumed();
  co_return;
}

}  // namespace

// Nothing can take the library's promise to come back from it.
class ForeignFuture final : public FutureValue<void> {
 public:
  using FutureValue::FutureValue;
  bool cancel(const std::optional<std::string>& /*message*/) override { return false; }
};

ForeignWait::ForeignWait(Resumable frame) : frame_(frame) {
  LoopCore* const loop = LoopCore::running();
  if (loop == nullptr) return;
  mailbox_ = loop->mailbox();
  future_ = make_ref<ForeignFuture>(*loop);
}

ForeignWait::~ForeignWait() = default;

std::coroutine_handle<> ForeignWait::suspend() {
  Driver& driver = Driver::require_current();
  const std::coroutine_handle<> handle = bring(News(shared_from_this())).handle;
  abandoned_ = false;
  if (future_) {
    driver.suspend(frame_, *future_);
  } else {
    driver.suspend(frame_);
  }
  return handle;
}

void ForeignWait::come_back(bool resumed) noexcept {
  coming_ = true;
  if (abandoned_) return;
  resumed_ = resumed;
  if (!mailbox_ || mailbox_->is_of_running_loop()) return run();
  posted_ = shared_from_this();
  if (!mailbox_->post(*this)) posted_ = nullptr;  // the loop is closed, and has ended the frame
}

void ForeignWait::run() {
  const std::shared_ptr<ForeignWait> keep = std::move(posted_);
  if (abandoned_) return;
  back_ = true;
  if (Driver* const driver = frame_.frame()->driver()) return driver->continue_with(frame_);
  if (future_) future_->set_result();
}

void ForeignWait::finish() {
  Driver::current()->throw_injected();
  if (!back_) throw RuntimeError("coroutine was resumed before the library whose awaiter it awaits came back to it");
  if (!resumed_) throw RuntimeError("the coroutine handle that another library was given was destroyed, not resumed");
  future_ = nullptr;  // here, and not in the thread in which the library lets go last
}

void ForeignWait::abandon(const std::source_location& made) noexcept {
  abandoned_ = true;
  future_ = nullptr;
  if (!coming_)
    report_coroutine(made, "was closed while it awaited something that another library has still to resume");
}

void ForeignWait::take_back(std::coroutine_handle<> handle) noexcept {
  abandoned_ = true;
  future_ = nullptr;
  handle.destroy();
}

}  // namespace segue::modern::detail
