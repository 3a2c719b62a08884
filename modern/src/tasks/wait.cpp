#include <segue/modern/tasks/wait.hpp>

#include <exception>
#include <string>
#include <utility>

#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/os_error.hpp>

namespace segue::modern::detail {

namespace {

/// One wait(): the callback of all its futures, which completes the future that the waiter awaits.
class WaitCallback final : public DoneCallbackState {
 public:
  WaitCallback(Future<void> waiter, std::vector<AnyFuture>& futures, WaitOptions options)
      : waiter_(std::move(waiter)), left_(futures.size()), return_when_(options.return_when) {
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

Coroutine<void> wait_until(std::vector<AnyFuture> futures, WaitOptions options) {
  if (futures.empty()) throw ValueError("Set of Tasks/Futures is empty.");
  if (options.return_when > ALL_COMPLETED)
    throw ValueError("Invalid return_when value: " + std::to_string(static_cast<int>(options.return_when)));
  const Future<void> waiter = get_running_loop().create_future();
  const auto callback = make_ref<WaitCallback>(waiter, futures, options);
  struct Watch {
    Watch(std::vector<AnyFuture>& all, Ref<WaitCallback> each) : futures(all), callback(std::move(each)) {
      for (const AnyFuture& future : futures) future.state()->add_callback(callback);
    }
    ~Watch() {
      callback->cancel_timer();
      for (const AnyFuture& future : futures) future.state()->remove_callback(*callback);
    }
    std::vector<AnyFuture>& futures;
    Ref<WaitCallback> callback;
  };
  const Watch watch(futures, callback);
  co_await waiter;
}

Coroutine<void> cancel_and_wait(AnyFuture future) {
  const Future<void> waiter = get_running_loop().create_future();
  const DoneCallback<AnyFuture> release = [waiter](const AnyFuture&) {
    if (!waiter.done()) waiter.set_result();
  };
  struct Watch {
    Watch(FutureCore& watched, const DoneCallback<AnyFuture>& called) : future(watched), callback(called) {
      future.add_callback(callback.state());
    }
    ~Watch() { future.remove_callback(*callback.state()); }
    FutureCore& future;
    const DoneCallback<AnyFuture>& callback;
  };
  const Watch watch(*future.state(), release);
  future.cancel();
  co_await waiter;
}

void throw_timeout_error() {
  TimeoutError timed_out;  // its context is what is being handled
  throw from(timed_out, std::current_exception());
}

}  // namespace segue::modern::detail
