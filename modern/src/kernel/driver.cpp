#include <segue/modern/kernel/driver.hpp>

#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>

namespace segue::modern {

namespace {

// Takes the delegator's place while a frame is run to its end alone, and notes whether the end was reached.
class Stop : public StackfulFrame {
 public:
  Stop() noexcept : StackfulFrame(&reach) { executing = true; }
  bool reached() const noexcept { return reached_; }

 private:
  static void reach(StackfulFrame& stop) { static_cast<Stop&>(stop).reached_ = true; }
  bool reached_ = false;
};

}  // namespace

void Frame::check_steppable() const {
  if (executing) throw ValueError("coroutine already executing");
  if (delegator) throw RuntimeError("coroutine is being awaited already");
}

void Frame::step_by_hand(Resumable self, Driver& driver) {
  check_steppable();
  driver.set_leaf(started ? leaf : self);
  started = true;
  executing = true;
  driver.step();
  executing = false;
  leaf = driver.leaf();
}

void Frame::throw_by_hand(Resumable self, Driver& driver, std::exception_ptr error) {
  check_steppable();
  const bool exits = holds<GeneratorExit>(error);
  driver.inject(std::move(error));
  if (exits && !(leaf == self)) {
    executing = true;
    close_delegates(self, driver);
  }
  executing = false;
  step_by_hand(self, driver);
}

// Each delegate from the leaf up is run alone. What it raises reaches its delegator as it does otherwise; what it
// returns is kept from it.
void Frame::close_delegates(Resumable self, Driver& driver) {
  while (!(leaf == self)) {
    Frame* const delegate = leaf.frame();
    if (delegate == nullptr) return;  // somebody else's: the exception finds its own way
    Stop stop;
    const Resumable next = std::exchange(delegate->delegator, Resumable(stop));
    driver.set_leaf(leaf);
    driver.step();
    if (stop.reached()) {
      delegate->delegator = next;
      delegate->exit = Exit::finished;
    } else {
      delegate->delegator = {};
      delegate->leaf = driver.leaf();
      delegate->exit = Exit::ignored;
    }
    leaf = next;
  }
}

void Frame::raise_exit() const {
  if (exit == Exit::ignored) throw RuntimeError("coroutine ignored GeneratorExit");
  throw GeneratorExit();
}

bool Frame::runs() const noexcept {
  const Frame* outermost = this;
  while (outermost->delegator) {
    outermost = outermost->delegator.frame();
    if (outermost == nullptr) return false;
  }
  return outermost->executing;
}

void Frame::refuse_second_await() const {
  if (runs()) throw ValueError("coroutine already executing");
  throw RuntimeError("coroutine is being awaited already");
}

}  // namespace segue::modern
