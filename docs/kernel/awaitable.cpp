// A new awaitable: std::latch, for coroutines. Those who wait stand in a WaitQueue, and each waits on a future of its
// own.

#include <utility>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/modern/kernel/loop_bound.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/wait_queue.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "check.hpp"

using namespace segue::modern;
using namespace std::chrono_literals;

// What the handles of a latch share, and those who wait keep alive.
struct LatchState final : LoopBound {
  explicit LatchState(int expected) noexcept : LoopBound("Latch"), count(expected) {}

  WaitQueue waiters;
  int count;
};

// The awaiter. Taking a Resumable, it serves any style of frame.
class [[nodiscard("co_await it")]] LatchWait : public QueuedWait {
 public:
  explicit LatchWait(Ref<LatchState> latch) noexcept : latch_(std::move(latch)) {}
  bool await_ready() const {
    check_unused(latch_);  // throws where it is awaited again
    return latch_->count == 0;
  }
  void await_suspend(Resumable leaf) { wait_in(latch_->waiters, latch_->loop(), leaf); }
  void await_resume() {
    const Ref<LatchState> latch = std::move(latch_);
    if (waited()) finish_wait();  // leaves the queue; throws where the wait was cancelled
  }

 private:
  Ref<LatchState> latch_;
};

class Latch : public HandleOf<Latch, Ref<LatchState>> {
 public:
  explicit Latch(int expected) : HandleOf(make_ref<LatchState>(expected)) {}

  void count_down() const {
    if (--state()->count == 0) state()->waiters.wake_all();
  }
  LatchWait wait() const { return LatchWait(state()); }
};

Coroutine<> worker(Latch latch, std::vector<int>& finished, int number) {
  co_await segue::modern::sleep(0s);
  finished.push_back(number);
  latch.count_down();
}

Coroutine<> passenger(Latch latch) { co_await latch.wait(); }

Coroutine<> async_main() {
  Latch latch(2);
  std::vector<int> finished;
  Task<> impatient = create_task(passenger(latch));
  co_await segue::modern::sleep(0s);
  impatient.cancel();

  Task<> first = create_task(worker(latch, finished, 1));
  Task<> second = create_task(worker(latch, finished, 2));
  co_await latch.wait();
  check(finished == std::vector{1, 2});
  check(impatient.cancelled());
  co_await latch.wait();  // it is open: nobody waits any more
}

int main() { run(async_main()); }
