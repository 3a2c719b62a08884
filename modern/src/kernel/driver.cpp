#include <segue/modern/kernel/driver.hpp>

#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::modern {

namespace {

// Takes the delegator's place while a frame is run to its end alone, and notes whether the end was reached.
class Stop : public StackfulFrame {
 public:
  explicit Stop(Driver& driver) noexcept : StackfulFrame(&reach) { enter_step(driver); }
  bool reached() const noexcept { return reached_; }

 private:
  static void reach(StackfulFrame& stop) { static_cast<Stop&>(stop).reached_ = true; }
  bool reached_ = false;
};

// What leaves a step (another library's coroutine may throw out of its resume()) leaves its chain where nobody can take
// it up again.
void step_of(Frame& outermost, Driver& driver) {
  try {
    driver.step();
  } catch (...) {
    outermost.leave_step({});
    outermost.lost = true;
    throw;
  }
}

}  // namespace

void refuse_reuse(bool waits) {
  throw RuntimeError(waits ? "coroutine is being awaited already" : "cannot reuse already awaited coroutine");
}

void Frame::check_steppable() const {
  if (executing) throw ValueError("coroutine already executing");
  if (lost) throw RuntimeError("cannot reuse already awaited coroutine");
  if (delegator) throw RuntimeError("coroutine is being awaited already");
}

void Frame::step_by_hand(Resumable self, Driver& driver) {
  check_steppable();
  driver.set_leaf(started ? leaf : self);
  started = true;
  enter_step(driver);
  step_of(*this, driver);
  leave_step(driver.leaf());
}

void Frame::throw_by_hand(Resumable self, Driver& driver, std::exception_ptr error) {
  check_steppable();
  const bool exits = holds<GeneratorExit>(error);
  driver.inject(std::move(error));
  if (exits) close_delegates(self, driver);
  step_by_hand(self, driver);
}

// Each delegate from the leaf up is run alone. What it raises reaches its delegator as it does otherwise; what it
// returns is kept from it.
void Frame::close_delegates(Resumable self, Driver& driver) {
  while (!(leaf == self)) {
    Frame* const delegate = leaf.frame();
    if (delegate == nullptr) return;  // somebody else's: the exception finds its own way
    Stop stop(driver);
    const Resumable next = std::exchange(delegate->delegator, Resumable(stop));
    driver.set_leaf(leaf);
    enter_step(driver);
    {
      const ScopeExit restore([&]() noexcept { delegate->delegator = next; });
      step_of(*this, driver);
    }
    leave_step(next);
    if (stop.reached()) {
      delegate->exit = Exit::finished;
    } else {
      delegate->delegator = {};
      delegate->leaf = driver.leaf();
      delegate->exit = Exit::ignored;
    }
  }
}

void Frame::raise_exit() const {
  if (exit == Exit::ignored) throw RuntimeError("coroutine ignored GeneratorExit");
  throw GeneratorExit();
}

Driver* Frame::driver() const noexcept {
  const Frame* outermost = this;
  while (outermost->delegator) {
    outermost = outermost->delegator.frame();
    if (outermost == nullptr) return nullptr;
  }
  return outermost->executing ? outermost->stepped_by : nullptr;
}

void Frame::refuse_second_await() const {
  if (driver() != nullptr) throw ValueError("coroutine already executing");
  if (lost) throw RuntimeError("cannot reuse already awaited coroutine");
  throw RuntimeError("coroutine is being awaited already");
}

}  // namespace segue::modern
