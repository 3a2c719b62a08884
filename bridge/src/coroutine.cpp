#include <segue/bridge/coroutine.hpp>

namespace segue::bridge {

bool CoroutineFiber::unwind() noexcept {
  delegator = {};
  ignored_exits_ = 0;
  Driver driver(resumable());
  driver.step();
  return finished();
}

}  // namespace segue::bridge
