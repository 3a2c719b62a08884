#include <segue/bridge/std_future.hpp>

#include <segue/modern/threads/thread_pool_executor.hpp>

namespace segue::bridge {

namespace {

// How long a thread goes on waiting for what nobody awaits any more.
constexpr std::chrono::milliseconds patience{20};

}  // namespace

void bridge_detail::wait_in_thread(std::shared_ptr<WaitedFor> waited_for) {
  modern::concurrent::ThreadPoolExecutor thread(1, "std_future");
  thread.submit([waited_for = std::move(waited_for)] {
    while (!waited_for->wait(patience)) {
      if (waited_for.use_count() == 1) return;
    }
    const modern::concurrent::Future<void>& ready = waited_for->ready();
    if (ready.set_running_or_notify_cancel()) ready.set_result();
  });
  thread.shutdown(false);  // it ends by itself
}

}  // namespace segue::bridge
