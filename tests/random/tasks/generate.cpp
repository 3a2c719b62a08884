#include "generate.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <utility>

#include "choices.hpp"

namespace segue::random::tasks {
namespace {

enum class In { body, generator, callback };

struct Place {
  In in = In::body;
  std::size_t index = 0;  // of the body, generator or callback
  int depth = 3;
  bool in_group = false;
  bool in_timeout = false;
  bool in_condition = false;
  bool may_yield = false;
  bool may_return = true;
};

class Source {
 public:
  explicit Source(std::uint64_t seed) : state_(seed) {
    for (unsigned& factor : factors_) factor = of({0, 1, 1, 4});
    factors_[always] = 1;
    factors_[of_tasks] = std::max(factors_[of_tasks], 1U);
  }

  Program program() {
    bodies_ = 4 + pick(3);
    generators_ = 1 + pick(3);
    callbacks_ = 1 + pick(3);
    Program program;
    program.bodies.push_back(stirring());
    for (std::size_t i = 1; i < bodies_; ++i) program.bodies.push_back(block({.index = i}, 7));
    for (std::size_t i = 0; i < generators_; ++i)
      program.generators.push_back(block({.in = In::generator, .index = i, .depth = 2, .may_yield = true}, 5));
    for (std::size_t i = 0; i < callbacks_; ++i)
      program.callbacks.push_back(block({.in = In::callback, .index = i, .depth = 0}, 3));
    const int started = between(1, 3);
    program.started.push_back(0);
    for (int i = 0; i < started; ++i) program.started.push_back(1 + pick(3));
    program.parties = between(1, 3);
    program.permits = between(0, 2);
    program.maxsize = between(0, 2);
    program.shares_lock = one_in(4);
    program.eager = one_in(4);
    return program;
  }

 private:
  // splitmix64
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  unsigned below(unsigned limit) { return static_cast<unsigned>((next() >> 32U) % limit); }
  std::size_t pick(std::size_t count) { return below(static_cast<unsigned>(count)); }
  int between(int least, int most) { return least + static_cast<int>(below(static_cast<unsigned>(most - least + 1))); }
  bool one_in(unsigned count) { return below(count) == 0; }
  template <class T>
  T of(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<unsigned>(values.size()))];
  }
  unsigned of(std::initializer_list<int> values) {
    return static_cast<unsigned>(values.begin()[below(static_cast<unsigned>(values.size()))]);
  }

  // The first body stirs the others up, from time to time: else most of them would soon wait for ever.
  Block stirring() {
    const Place place{.depth = 0};
    Block result;
    const int count = between(4, 12);
    for (int i = 0; i < count; ++i) {
      Statement pause;
      pause.delay = between(0, 4);
      result.push_back(pause);
      const int actions = between(1, 3);
      for (int j = 0; j < actions; ++j) {
        if (factors_[of_conditions] > 0 && one_in(4)) {
          result.push_back(notifying());
          continue;
        }
        Kind chosen = Kind::start;
        if (!one_in(5)) {
          do chosen = kind({.in = In::callback, .may_return = false});
          while (chosen == Kind::raise);
        }
        result.push_back(statement(place, chosen));
        result.back().guarded = true;
      }
    }
    return result;
  }
  Statement notifying() {
    Statement result;
    result.kind = Kind::with_condition;
    result.block = {statement({}, Kind::count_up), statement({}, one_in(3) ? Kind::notify : Kind::notify_all)};
    return result;
  }

  Block block(const Place& place, int most) {
    Block result;
    const int count = between(1, most);
    if (place.may_yield && one_in(2)) result.push_back(statement(place, Kind::yield));
    for (int i = 0; i < count; ++i) {
      result.push_back(likely_caught(place, statement(place)));
      if (result.back().kind == Kind::raise || result.back().kind == Kind::return_) break;
    }
    return result;
  }

  // What limits a time, or has tasks of its own, ends with an error of its own, which is worth catching.
  Statement likely_caught(const Place& place, Statement s) {
    if ((s.kind != Kind::with_timeout && s.kind != Kind::with_group) || one_in(2)) return s;
    Statement attempt = statement({.depth = 0}, Kind::sleep);
    attempt.kind = Kind::try_except;
    attempt.caught = s.kind == Kind::with_timeout ? Caught::timeout_error : Caught::group;
    attempt.reraises = one_in(4);
    attempt.block.push_back(std::move(s));
    Place after = place;
    after.depth = 0;
    attempt.handler = block(after, 2);
    return attempt;
  }

  // Whether a statement may stand there. Bodies call those behind them, generators and callbacks, too, so that each
  // program ends.
  bool allowed(Kind kind, const Place& place) const {
    switch (kind) {
      case Kind::start:
      case Kind::start_in_context:
      case Kind::start_in_group:
      case Kind::await_body:
      case Kind::gather_bodies:
      case Kind::gather_mixed:
      case Kind::shield_body:
      case Kind::wait_for_body: return place.in == In::body && place.index + 1 < bodies_;
      case Kind::group_start: return place.in_group && place.index + 1 < bodies_;
      case Kind::new_generator:
      case Kind::for_generator: return place.in != In::generator || place.index + 1 < generators_;
      case Kind::call_soon:
      case Kind::call_in_context:
      case Kind::call_later:
      case Kind::add_done_callback:
      case Kind::future_callback: return place.in != In::callback || place.index + 1 < callbacks_;
      case Kind::reschedule:
      case Kind::expired: return place.in_timeout;
      case Kind::yield: return place.may_yield;
      case Kind::return_: return place.may_return;
      default: return !is_compound(kind) || place.depth > 0;
    }
  }

  unsigned weight(const Choice& choice, const Place& place) const {
    if (!allowed(choice.kind, place)) return 0;
    const unsigned weight = choice.weight * factors_[choice.theme];
    switch (choice.kind) {
      case Kind::wait_condition:
      case Kind::wait_for_condition:
      case Kind::notify:
      case Kind::notify_all: return place.in_condition ? weight * 40 : weight;
      default: return weight * 10;
    }
  }

  Kind kind(const Place& place) {
    unsigned sum = 0;
    const auto for_each = [&](auto visit) {
      for (const Choice& each : for_callbacks) visit(each);
      if (place.in == In::callback) return;
      for (const Choice& each : for_tasks) visit(each);
    };
    for_each([&](const Choice& each) { sum += weight(each, place); });
    unsigned left = below(sum);
    Kind found = Kind::sleep;
    bool is_found = false;
    for_each([&](const Choice& each) {
      const unsigned share = weight(each, place);
      if (!is_found && left < share) {
        found = each.kind;
        is_found = true;
      }
      left -= is_found ? 0 : share;
    });
    return found;
  }

  // One behind the one that asks, where they are of one kind.
  std::size_t body(const Place& place) { return place.index + 1 + pick(bodies_ - place.index - 1); }
  std::size_t generator(const Place& place) {
    const std::size_t first = place.in == In::generator ? place.index + 1 : 0;
    return first + pick(generators_ - first);
  }
  std::size_t callback(const Place& place) {
    const std::size_t first = place.in == In::callback ? place.index + 1 : 0;
    return first + pick(callbacks_ - first);
  }

  static std::size_t count_of(Kind kind) {
    switch (kind) {
      case Kind::set_result:
      case Kind::set_exception:
      case Kind::cancel_future:
      case Kind::new_future:
      case Kind::future_state:
      case Kind::future_callback:
      case Kind::await_future:
      case Kind::shield_future:
      case Kind::wait_for_future: return futures;
      case Kind::put:
      case Kind::get:
      case Kind::join:
      case Kind::put_nowait:
      case Kind::get_nowait:
      case Kind::task_done:
      case Kind::shutdown:
      case Kind::qsize: return queues;
      case Kind::set_event:
      case Kind::clear_event:
      case Kind::wait_event:
      case Kind::release_lock:
      case Kind::acquire_lock:
      case Kind::with_lock:
      case Kind::locked:
      case Kind::release_semaphore:
      case Kind::acquire_semaphore:
      case Kind::with_semaphore:
      case Kind::set_var:
      case Kind::reset_var:
      case Kind::run_in_context:
      case Kind::get_var: return 2;
      default: return slots;
    }
  }

  Statement statement(const Place& place) { return statement(place, kind(place)); }
  Statement statement(const Place& place, Kind kind) {
    Statement s;
    s.kind = kind;
    s.which = pick(count_of(s.kind));
    s.flag = one_in(3);
    s.guarded = !one_in(5);
    s.error =
        of({Error::value_error, Error::value_error, Error::lookup_error, Error::timeout_error, Error::cancelled_error});
    s.number = ++last_number_;
    if (one_in(2)) s.message = last_number_;
    switch (s.kind) {
      case Kind::start_in_context:
      case Kind::start_in_group:
        s.several = {pick(slots)};
        s.body = body(place);
        break;
      case Kind::call_in_context:
        s.several = {pick(slots)};
        s.body = callback(place);
        break;
      case Kind::run_in_context: s.several = {pick(slots)}; break;
      case Kind::start:
      case Kind::group_start:
      case Kind::await_body:
      case Kind::gather_mixed:
      case Kind::shield_body: s.body = body(place); break;
      case Kind::gather_bodies: {
        const int count = between(1, 3);
        for (int i = 0; i < count; ++i) s.several.push_back(body(place));
        break;
      }
      case Kind::gather_tasks:
      case Kind::gather_later:
      case Kind::wait_tasks:
      case Kind::as_completed:
      case Kind::async_as_completed: {
        const int count = between(1, 4);
        for (int i = 0; i < count; ++i) s.several.push_back(pick(slots));
        s.delay = limit();
        break;
      }
      case Kind::wait_for_body:
        s.body = body(place);
        s.delay = limit();
        break;
      case Kind::wait_futures: {
        const int count = between(1, 4);
        for (int i = 0; i < count; ++i) s.several.push_back(pick(futures));
        s.delay = limit();
        break;
      }
      case Kind::wait_for_task:
      case Kind::wait_for_future:
      case Kind::reschedule_other:
      case Kind::reschedule: s.delay = limit(); break;
      case Kind::call_later:
        s.body = callback(place);
        s.delay = between(0, 6);
        break;
      case Kind::call_soon:
      case Kind::add_done_callback:
      case Kind::future_callback: s.body = callback(place); break;
      case Kind::remove_done_callback: s.body = pick(callbacks_); break;
      case Kind::set_var:
      case Kind::reset_var: s.body = pick(slots); break;
      case Kind::new_generator: s.body = generator(place); break;
      case Kind::sleep: s.delay = static_cast<int>(of({0, 0, 1, 1, 2, 3, 5})); break;
      case Kind::notify: s.number = between(0, 2); break;
      case Kind::count_up: s.number = between(1, 2); break;
      case Kind::wait_for_condition: s.number = between(1, 4); break;
      case Kind::repeat: s.number = between(2, 3); break;
      case Kind::for_generator:
        s.body = generator(place);
        s.number = between(0, 3);
        break;
      case Kind::for_slot: s.number = between(0, 3); break;
      default: break;
    }
    if (is_compound(s.kind)) blocks(s, place);
    return s;
  }

  void blocks(Statement& s, Place place) {
    --place.depth;
    const bool attempt = s.kind == Kind::try_except || s.kind == Kind::try_finally;
    place.may_yield = place.may_yield && attempt;
    place.in_group = place.in_group || s.kind == Kind::with_group;
    place.in_condition = s.kind == Kind::with_condition || (place.in_condition && attempt);
    if (s.kind == Kind::with_timeout) {
      place.in_timeout = true;
      s.delay = limit();
    }
    s.block = block(place, 4);
    if (s.kind == Kind::with_group && allowed(Kind::group_start, place)) {
      const auto members = static_cast<std::ptrdiff_t>(pick(3));
      for (std::ptrdiff_t i = 0; i < members; ++i) s.block.insert(s.block.begin(), statement(place, Kind::group_start));
    }
    if (!attempt) return;
    s.caught = of({Caught::value_error, Caught::timeout_error, Caught::cancelled_error, Caught::cancelled_error,
                   Caught::exception, Caught::exception, Caught::base_exception, Caught::group});
    s.reraises = one_in(2);
    place.may_return = place.may_return && s.kind == Kind::try_except;
    // One that yields instead of ending would have ignored GeneratorExit: when it is dropped afterwards, CPython throws
    // that once more, and segue takes it apart where it stands.
    if (place.in == In::generator && (s.kind == Kind::try_finally || s.caught == Caught::base_exception)) {
      place.may_yield = false;
      s.reraises = true;
    }
    s.handler = block(place, 3);
  }

  // Of a timeout.
  std::optional<int> limit() {
    if (one_in(6)) return std::nullopt;
    return static_cast<int>(of({0, 1, 1, 2, 3, 4, 6}));
  }

  std::uint64_t state_;
  std::array<unsigned, themes> factors_{};
  std::size_t bodies_ = 0;
  std::size_t generators_ = 0;
  std::size_t callbacks_ = 0;
  int last_number_ = 0;
};

}  // namespace

Program generate(std::uint64_t seed) { return Source(seed).program(); }

}  // namespace segue::random::tasks
