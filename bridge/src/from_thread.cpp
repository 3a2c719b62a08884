#include <segue/bridge/from_thread.hpp>

#include <string>

#include <segue/exceptions.hpp>

namespace segue::bridge {

modern::WorkerThread& bridge_detail::require_worker(const char* function) {
  if (modern::WorkerThread* const worker = modern::WorkerThread::current()) return *worker;
  throw RuntimeError(
      std::string("This function can only be run from a worker thread: ") + function +
      " was called in a thread that makes no to_thread() call for a loop: use start_blocking_portal(), or "
      "run_coroutine_threadsafe()");
}

void from_thread::check_cancelled() {
  if (bridge_detail::require_worker("from_thread::check_cancelled()").cancelled()) throw modern::CancelledError();
}

}  // namespace segue::bridge
