#include <segue/testing/virtual_loop.hpp>

#include <algorithm>
#include <memory>
#include <string>

#include <segue/exceptions.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

namespace segue::testing {

namespace {

using modern::EventLoop;

constexpr int most_iterations = 1'000'000;

modern::ManualReactor& manual_reactor(EventLoop& loop) {
  auto* const reactor = dynamic_cast<modern::ManualReactor*>(&loop.reactor());
  if (reactor == nullptr) throw TypeError("advance() takes a loop on a ManualReactor, as virtual_loop() makes");
  return *reactor;
}

}  // namespace

modern::EventLoopPtr VirtualLoopFunction::operator()() const {
  auto reactor = std::make_unique<modern::ManualReactor>();
  reactor->patience = std::chrono::seconds(2);
  return modern::new_event_loop(std::move(reactor));
}

EventLoop::time_point RunUntilIdleFunction::operator()(EventLoop& loop) const {
  for (int i = 0; i < most_iterations; ++i) {
    const EventLoop::time_point next = loop.step();
    if (next > loop.time()) return next;
  }
  throw RuntimeError("run_until_idle(): the loop is still busy after " + std::to_string(most_iterations) +
                     " iterations");
}

void AdvanceFunction::operator()(EventLoop& loop, std::chrono::nanoseconds time) const {
  modern::ManualReactor& reactor = manual_reactor(loop);
  if (time < time.zero()) throw ValueError("a clock does not go back: " + std::to_string(time.count()) + " ns");
  if (time > EventLoop::time_point::max() - loop.time())
    throw ValueError("a clock does not go on for ever: " + std::to_string(time.count()) + " ns");
  const EventLoop::time_point until = loop.time() + time;
  for (;;) {
    const EventLoop::time_point next = run_until_idle(loop);
    if (loop.time() == until) return;
    reactor.advance(std::min(next, until) - loop.time());
  }
}

}  // namespace segue::testing
