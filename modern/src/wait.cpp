#include <segue/modern/wait.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

#include <segue/exceptions.hpp>
#include <segue/modern/event_loop.hpp>
#include <segue/modern/exceptions.hpp>

namespace segue::modern::detail {

namespace {

void keep_first_of_each(std::vector<FutureBase>& futures) {
  std::vector<const FutureState*> seen;
  std::erase_if(futures, [&seen](const FutureBase& future) {
    if (std::ranges::find(seen, future.state().get()) != seen.end()) return true;
    seen.push_back(future.state().get());
    return false;
  });
}

// One wait: the callback that counts, registered with each future as long as this lives.
class Waiting {
 public:
  Waiting(std::vector<FutureBase>& futures, WaitOptions options)
      : futures_(futures),
        waiter_(get_running_loop().create_future<void>()),
        on_completion_([this](const FutureBase& future) { completed(future); }),
        left_(futures.size()),
        return_when_(options.return_when) {
    if (options.timeout) {
      timer_ = get_running_loop().call_later(*options.timeout, [waiter = waiter_] { release(waiter); });
    }
    for (const FutureBase& future : futures_) future.add_done_callback(on_completion_);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    timer_.cancel();
    for (const FutureBase& future : futures_) future.remove_done_callback(on_completion_);
  }

  const Future<void>& waiter() const noexcept { return waiter_; }

 private:
  static void release(const Future<void>& waiter) {
    if (!waiter.done()) waiter.set_result();
  }
  void completed(const FutureBase& future) {
    const bool enough = --left_ == 0 || return_when_ == FIRST_COMPLETED ||
                        (return_when_ == FIRST_EXCEPTION && !future.cancelled() && future.exception());
    if (!enough) return;
    timer_.cancel();
    release(waiter_);
  }

  std::vector<FutureBase>& futures_;
  Future<void> waiter_;
  DoneCallback<FutureBase> on_completion_;
  TimerHandle timer_;
  std::size_t left_;
  ReturnWhen return_when_;
};

}  // namespace

Coroutine<void> wait_until(std::vector<FutureBase>& futures, WaitOptions options) {
  if (futures.empty()) throw ValueError("Set of Tasks/Futures is empty.");
  if (options.return_when != FIRST_COMPLETED && options.return_when != FIRST_EXCEPTION &&
      options.return_when != ALL_COMPLETED) {
    throw ValueError("Invalid return_when value: " + std::to_string(static_cast<int>(options.return_when)));
  }
  keep_first_of_each(futures);
  const Waiting waiting(futures, options);
  co_await waiting.waiter();
}

}  // namespace segue::modern::detail
