#include <segue/bridge/coroutine.hpp>

#include <memory>

#include <segue/let_go.hpp>
#include <segue/modern/kernel/function_name.hpp>

namespace segue::bridge {

void bridge_detail::destroy_unstarted(legacy::Fiber& fiber) noexcept {
  struct Destroy {
    void operator()(legacy::Fiber* each) const noexcept { legacy::destroy_fiber(each); }
  };
  let_go(std::unique_ptr<legacy::Fiber, Destroy>(&fiber));
}

void bridge_detail::refuse_outside(const char* function, const std::source_location& where) {
  const std::string name(function);
  const bool portal = name == "await_()";
  throw RuntimeError(name + " outside of a " + (portal ? "portal" : "generator-based coroutine") + ", in " +
                     modern::function_name(where) + "() at " + modern::place(where) +
                     (portal ? ": call what it is in through portal(), or use co_await in a Coroutine"
                             : ": inside a Coroutine use co_await"));
}

bool CoroutineFiber::unwind() noexcept {
  delegator = {};
  ignored_exits_ = 0;
  modern::ManualDriver driver(resumable());
  driver.step();
  return finished();
}

}  // namespace segue::bridge
