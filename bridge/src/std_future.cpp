#include <segue/bridge/std_future.hpp>

#include <memory>

#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/threads/thread_pool_executor.hpp>

namespace segue::bridge {

namespace {

// How long a thread goes on waiting for what nobody awaits any more.
constexpr std::chrono::milliseconds patience{20};

}  // namespace

void bridge_detail::wait_in_thread(std::shared_ptr<WaitedFor> waited_for) {
  const auto thread = std::make_shared<modern::concurrent::ThreadPoolExecutor>(1, "std_future");
  // The thread keeps itself: nobody waits for it.
  thread->submit([waited_for = std::move(waited_for), thread, context = modern::copy_context()] {
    while (!context.run([&] { return waited_for->wait(patience); })) {
      if (waited_for.use_count() == 1) return;
    }
    const modern::concurrent::Future<void>& ready = waited_for->ready();
    if (ready.set_running_or_notify_cancel()) ready.set_result();
  });
}

}  // namespace segue::bridge
