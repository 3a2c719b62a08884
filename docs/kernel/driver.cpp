// A new driver: the scripts of a game, each of which goes on at every tick, without an event loop. And a new style of
// frame: a state machine that coroutines await as they await each other.

#include <segue/modern/kernel/driver.hpp>

#include <exception>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/outcome.hpp>

#include "check.hpp"

using namespace segue::modern;

// What a script awaits: the bare yield, on which the driver and its scripts agree.
struct NextTick {
  bool await_ready() const noexcept { return false; }
  void await_suspend(Resumable leaf) { Driver::require_current().suspend(leaf); }
  void await_resume() { Driver::current()->throw_injected(); }
};

class Game {
 public:
  void start(Coroutine<> script) { scripts_.push_back(std::move(script)); }

  // One step of each script, in the order in which they were started. What one throws is thrown here; it is gone then.
  void tick() {
    for (auto next = scripts_.begin(); next != scripts_.end();) {
      const auto script = next++;
      ManualDriver driver;
      script->frame().promise().step_by_hand(script->frame(), driver);
      if (!driver.yielded().bare()) throw segue::RuntimeError("a script can only wait for a tick");
      if (!script->frame().done()) continue;
      std::list<Coroutine<>> ended;
      ended.splice(ended.begin(), scripts_, script);
      get_awaiter(ended.front()).await_resume();
    }
  }
  bool over() const noexcept { return scripts_.empty(); }

 private:
  std::list<Coroutine<>> scripts_;
};

// Lets ticks pass without waking whoever awaits it: it is the leaf itself, and stays it until it has counted them.
class [[nodiscard("co_await it")]] Pause : public StackfulFrame {
 public:
  explicit Pause(int ticks) noexcept : StackfulFrame(&go_on), left_(ticks) {}

  bool await_ready() const noexcept { return left_ == 0; }
  void await_suspend(Resumable waiting) {
    delegator = waiting;
    started = true;
    Driver::require_current().suspend(*this);
  }
  void await_resume() {
    check_exit(outcome_);
    if (outcome_.has_exception()) outcome_.take();
  }

 private:
  // One step: from being resumed to the next suspension, or to the end.
  static void go_on(StackfulFrame& frame) {
    auto& self = static_cast<Pause&>(frame);
    Driver& driver = *Driver::current();
    if (std::exception_ptr error = driver.take_injected()) {
      self.outcome_.set_exception(std::move(error));
    } else if (--self.left_ > 0) {
      return driver.suspend(self);
    }
    driver.continue_with(self.delegator);
  }

  int left_;
  segue::Outcome<void> outcome_;
};

using Trace = std::vector<std::string>;

Coroutine<> walk(Trace& trace, std::string who, int steps) {
  for (int step = 1; step <= steps; ++step) {
    co_await NextTick();
    trace.push_back(who + " " + std::to_string(step));
  }
}

Coroutine<> ambush(Trace& trace) {
  co_await Pause(3);
  trace.emplace_back("wolf");
  co_await walk(trace, "wolf", 1);
}

Coroutine<> sleeper(Trace& trace) {
  try {
    co_await Pause(1000);
  } catch (const segue::GeneratorExit&) {
    trace.emplace_back("woken up");
    throw;
  }
}

int main() {
  Trace trace;
  {
    Game game;
    game.start(walk(trace, "hero", 3));
    game.start(ambush(trace));
    for (; !game.over(); trace.emplace_back("-")) game.tick();
    check((trace == Trace{"-", "hero 1", "-", "hero 2", "-", "hero 3", "wolf", "-", "wolf 1", "-"}));

    trace.clear();
    game.start(sleeper(trace));
    game.tick();
  }  // the coroutine that is left is closed, and what it awaits before it
  check(trace == Trace{"woken up"});
}
