#include <segue/modern/tasks/wait.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/loop/event_loop.hpp>

namespace segue::modern::detail {

void strike_repeated(std::vector<FutureCore*>& futures) {
  std::vector<FutureCore*> sorted = futures;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) == sorted.end()) return;
  std::unordered_set<FutureCore*> seen;
  for (FutureCore*& future : futures) {
    if (!seen.insert(future).second) future = nullptr;
  }
}

namespace {

/// One wait(): the callback of all its futures, which completes the future that the waiter awaits.
class WaitCallback final : public DoneCallbackState {
 public:
  WaitCallback(Future<void> waiter, std::size_t futures, WaitOptions options)
      : waiter_(std::move(waiter)), left_(futures), return_when_(options.return_when) {
    if (options.timeout)
      timer_ = waiter_.get_loop().call_later(*options.timeout, [waiter = waiter_] { complete(waiter); });
  }

  void call(FutureCore& future) override {
    if (left_ > 0) --left_;
    if (left_ == 0 || return_when_ == FIRST_COMPLETED ||
        (return_when_ == FIRST_EXCEPTION && !future.cancelled() && future.exception())) {
      timer_.cancel();
      complete(waiter_);
    }
  }
  FutureCore* on_behalf_of() const noexcept override { return waiter_.state().get(); }
  void cancel_timer() noexcept { timer_.cancel(); }

 private:
  static void complete(const Future<void>& waiter) {
    if (!waiter.done()) waiter.set_result();
  }
  Future<void> waiter_;
  std::size_t left_;
  ReturnWhen return_when_;
  TimerHandle timer_;
};

}  // namespace

Coroutine<void> wait_until(std::vector<FutureCore*> futures, WaitOptions options) {
  if (futures.empty()) throw ValueError("Set of Tasks/Futures is empty.");
  if (options.return_when > ALL_COMPLETED)
    throw ValueError("Invalid return_when value: " + std::to_string(static_cast<int>(options.return_when)));
  const Future<void> waiter = get_running_loop().create_future();
  const auto callback = make_ref<WaitCallback>(waiter, futures.size(), options);
  const ScopeExit forget([&] {
    callback->cancel_timer();
    for (FutureCore* const future : futures) future->remove_callback(*callback);
  });
  for (FutureCore* const future : futures) future->add_callback(callback);
  co_await waiter;
}

}  // namespace segue::modern::detail
