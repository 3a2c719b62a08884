// Python's generators (PEP 255, 342, 380, 479): a function that yields from anywhere below it, on a stack of its own.
//
//   Generator<int> count([](auto& yield) {
//     for (int i = 0;; ++i) yield(i);
//   });
//   count.next();  // 0
//   count.next();  // 1
//
//   Generator<double, std::optional<double>, std::string> average([](auto& yield) -> std::string {
//     double sum = 0, n = 0;
//     while (std::optional<double> x = yield(n ? sum / n : 0)) sum += *x, ++n;
//     return "averaged " + std::to_string(int(n));
//   });
//   average.next();     // 0: runs up to the first yield
//   average.send(10);   // 10
//   average.next();     // throws StopIteration<std::string>, whose value is "averaged 1"
//
// next() and send() are inlined down to the switch of stacks, and go straight to the innermost generator of a chain of
// `yield.from(…)`: their cost does not depend on its depth. They allocate nothing.
#pragma once

#include <any>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/detail/body.hpp>
#include <segue/legacy/detail/generator_frame.hpp>
#include <segue/legacy/detail/none.hpp>
#include <segue/legacy/stack.hpp>
#include <segue/legacy/yielder.hpp>
#include <segue/outcome.hpp>
#include <segue/type_name.hpp>

namespace segue::legacy {
namespace legacy_detail {
struct Inspection;
}

/// What can be said of a generator when it is made.
struct GeneratorOptions {
  const char* name = "";                                ///< for reports; copied, not null; "" for none
  StackSize stack_size = {};                            ///< rounded up as StackSize says; 0 for default_stack_size()
  std::pmr::memory_resource* stack_resource = nullptr;  ///< where its stack comes from; null for the pool
  bool measure_stack = false;                           ///< for stack_used() and stack_report()
  std::source_location created = std::source_location::current();  ///< where it is made, for reports; {} for unknown
  const void* caller = nullptr;  ///< where `created` is unknown: a return address in what makes it, or null
};

/// Owns a suspended function that yields `Yield`s, is sent `Send`s and returns a `Return`; each may be void, a
/// reference or move-only. Its errors and their messages are CPython's.
///
/// The destructor closes it, as close() does. What it cannot raise goes to the unraisable hook; a body that answers
/// GeneratorExit with further yields is asked again a number of times, then given up with its stack. A generator that
/// is destroyed while it runs is closed as soon as it suspends.
///
/// Move-only; moved-from it is closed. Not thread-safe, but a suspended one may go on, or be destroyed, in any thread.
template <class Yield, class Send = void, class Return = void>
class [[nodiscard]] Generator {
 public:
  class Iterator;
  using yield_type = Yield;                  ///< what next() and send() give; a reference stays one
  using send_type = Send;                    ///< what send() takes; void: there is no send() of values
  using return_type = Return;                ///< what the body returns, and StopIteration carries as its value
  using YielderType = Yielder<Yield, Send>;  ///< the body's first parameter, which it takes by reference

  /// Keeps `body` and `args` and calls `Return body(Yielder<Yield, Send>& yield, args...)` at the first next(). Throws
  /// MemoryError when there is no stack to be had.
  template <class Body>
    requires(!std::same_as<std::remove_cvref_t<Body>, Generator>)
  explicit Generator(Body&& body, std::source_location created = std::source_location::current())
      : Generator(GeneratorOptions{.created = created}, std::forward<Body>(body)) {}

  /// The same for a function, and for a function template, `void count(auto& yield)`.
  explicit Generator(Return (*body)(YielderType&), std::source_location created = std::source_location::current())
      : Generator(GeneratorOptions{.created = created}, body) {}

  /// The same with arguments. Reports know where it was made by its address in the program, not by file and line: for
  /// those begin with GeneratorOptions.
  template <class Body, class Arg, class... Args>
    requires(!std::same_as<std::remove_cvref_t<Body>, GeneratorOptions> &&
             !(sizeof...(Args) == 0 && std::same_as<std::remove_cvref_t<Arg>, std::source_location>))
  [[gnu::noinline]] explicit Generator(Body&& body, Arg&& arg, Args&&... args)
      : Generator(GeneratorOptions{.created = {}, .caller = __builtin_return_address(0)}, std::forward<Body>(body),
                  std::forward<Arg>(arg), std::forward<Args>(args)...) {}

  /// The same with a name, a stack of another size or from a resource, measured. Throws also what the resource throws,
  /// and std::bad_alloc for a name that is not short or when there is no memory to measure the stack.
  template <class Body, class... Args>
  Generator(GeneratorOptions options, Body&& body, Args&&... args) {
    if constexpr (legacy_detail::check_body<YielderType, Return, std::decay_t<Body>, std::decay_t<Args>...>()) {
      using Block = legacy_detail::Body<YielderType, Return, std::decay_t<Body>, std::decay_t<Args>...>;
      frame_ = make_fiber<Block>({options.stack_size, options.stack_resource, options.measure_stack}, &frame_,
                                 options.name, Origin{options.created, options.caller}, std::forward<Body>(body),
                                 std::forward<Args>(args)...);
    }
  }

  /// A closed one.
  Generator() noexcept = default;
  /// The body does not notice, even where it runs; `other` is closed afterwards.
  Generator(Generator&& other) noexcept { take(other); }
  /// The same; the generator that was here is closed as by the destructor, when `other`'s is in its place.
  Generator& operator=(Generator&& other) noexcept {
    if (this != &other) {
      const Generator former(std::move(*this));
      take(other);
    }
    return *this;
  }
  ~Generator() { drop(); }

  /// Runs to the next yield and gives what it yields; the yield in the body evaluates to `Send{}`. At the end of the
  /// body throws StopIteration<Return> with what it returned, the first time; StopIteration<void> ever after. Throws
  /// what the body raises, a StopIteration as a RuntimeError (PEP 479); ValueError while it runs; TypeError when `Send`
  /// has no default, unless it is the first.
  [[gnu::always_inline]] Yield next() {
    legacy_detail::GeneratorFrame* const frame = frame_;
    legacy_detail::GeneratorFrame* leaf = frame != nullptr ? frame->leaf_ : nullptr;
    if (leaf == nullptr) [[unlikely]]
      leaf = ready();
    if constexpr (!std::is_void_v<Send> && !std::default_initializable<Send>)
      legacy_detail::check_started_for_next(*frame_);
    return resume(leaf);
  }

  /// Python's `next(g, default)`: gives `default_value` at the end, without an exception; what the body returns is
  /// dropped. Throws the rest of what next() throws.
  Yield next(legacy_detail::parameter_t<Yield> default_value)
    requires(!std::is_void_v<Yield>)
  {
    legacy_detail::GeneratorFrame* leaf = frame_ != nullptr ? frame_->leaf_ : nullptr;
    if (leaf == nullptr) [[unlikely]]
      leaf = ready_or_null();
    if (leaf == nullptr) return std::forward<Yield>(default_value);
    GeneratorFrame* const frame = this->frame();
    if constexpr (!std::is_void_v<Send> && !std::default_initializable<Send>)
      legacy_detail::check_started_for_next(*frame);
    frame->leaf_ = nullptr;
    auto* tip = static_cast<legacy_detail::GeneratorFrame*>(leaf->resume());
    if (tip == nullptr) tip = frame->settle(leaf);
    if (tip != nullptr) return yielded(frame, tip);
    end(frame);
    return std::forward<Yield>(default_value);
  }

  /// The yield that it is suspended at evaluates to `value`; runs to the next one, and gives what that yields. Throws
  /// TypeError when it has not been started and `value` is not None (an empty optional, a null pointer, …); otherwise
  /// what next() throws. PEP 342.
  [[gnu::always_inline]] Yield send(legacy_detail::parameter_t<Send> value)
    requires(!std::is_void_v<Send>)
  {
    legacy_detail::GeneratorFrame* const frame = frame_;
    legacy_detail::GeneratorFrame* leaf = frame != nullptr ? frame->leaf_ : nullptr;
    if (leaf == nullptr) [[unlikely]]
      leaf = ready();
    if (frame_->started()) [[likely]] {
      leaf->sent_ = legacy_detail::address_of(value);
    } else if (!legacy_detail::is_none(value)) {
      legacy_detail::refuse_first_send();
    }
    return resume(leaf);
  }
  /// The same where anything may be sent: a string literal is sent as a std::string.
  template <std::size_t size>
  Yield send(const char (&text)[size])
    requires(std::same_as<Send, std::any>)
  {
    return send(Send(std::string(text)));
  }
  /// Python's `g.send(None)`: next().
  Yield send(None)
    requires(!std::same_as<Send, None>)
  {
    return next();
  }

  /// Raises `error` at the yield that it is suspended at, and runs to the next yield. What the body does not catch
  /// comes out again. One that has not been started, or has ended, raises `error` at once, and is closed. Throws
  /// TypeError for a null `error`; otherwise what next() throws. PEP 342.
  Yield throw_(std::exception_ptr error);
  /// The same for an exception object: `g.throw_(ValueError("…"))`. One that is known by a base alone keeps its
  /// class where it is the exception that is being handled; elsewhere TypeError.
  template <class Error>
    requires(!std::convertible_to<Error, std::exception_ptr>)
  Yield throw_(Error&& error) {
    return throw_(segue_detail::whole_exception("throw_", std::forward<Error>(error)));
  }

  /// What close() gives: nothing for a body that returns nothing, otherwise what it returned when GeneratorExit made it
  /// return (Python 3.13).
  using Closed = std::conditional_t<std::is_void_v<Return>, void, std::optional<stored_t<Return>>>;

  /// Raises GeneratorExit at the yield that it is suspended at; the body has to end. Throws RuntimeError when it yields
  /// again, and then it remains suspended; ValueError while it runs; whatever else the body raises. Does nothing when
  /// it is closed already; one that has not been started is destroyed without running. PEP 342.
  Closed close();

  /// The values from here on, up to the end of the body: an input range. Leaving a loop early does not close the
  /// generator. What the body returns is dropped. Throws nothing itself; a step throws what next(default) does.
  Iterator begin()
    requires(!std::is_void_v<Yield>)
  {
    return Iterator(*this);
  }
  /// The end of the body. Comparing an iterator with it may run the body to its next yield, and throw.
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Whether there is still something to run: it is neither closed, nor finished, nor moved from.
  explicit operator bool() const noexcept { return frame_ != nullptr && !frame_->finished(); }

  /// What tells this generator from all others that are alive; null when it is finished or closed.
  const void* id() const noexcept { return *this ? frame_ : nullptr; }

  /// The name that reports use; empty until one is given, and when it is closed.
  std::string name() const { return frame_ != nullptr ? frame_->name_ : std::string(); }
  /// Renames it, for reports to come; a closed one stays without a name.
  void set_name(std::string name) {
    if (frame_ != nullptr) frame_->name_ = std::move(name);
  }

 private:
  template <class, class>
  friend class Yielder;
  friend struct legacy_detail::Inspection;
  template <class>
  friend class legacy_detail::GeneratorSource;

  using GeneratorFrame = legacy_detail::ResultFrame<Return>;

  void take(Generator& other) noexcept {
    frame_ = std::exchange(other.frame_, nullptr);
    // Laundered, lest g++ 12 warn of a dangling pointer where it sees the address of a user's local stored.
    if (frame_ != nullptr) frame_->handle_ = std::launder(&frame_);
  }
  void drop() noexcept {
    if (frame_ != nullptr) GeneratorFrame::let_go(*std::exchange(frame_, nullptr));
  }
  GeneratorFrame* frame() noexcept { return static_cast<GeneratorFrame*>(frame_); }

  /// The leaf to resume. Throws StopIteration when the generator is closed and ValueError when it runs.
  [[gnu::noinline]] legacy_detail::GeneratorFrame* ready() {
    if (legacy_detail::GeneratorFrame* const leaf = ready_or_null()) return leaf;
    throw StopIteration<void>();
  }
  [[gnu::noinline]] legacy_detail::GeneratorFrame* ready_or_null() {
    if (frame_ == nullptr) return nullptr;
    if (legacy_detail::GeneratorFrame* const leaf = frame_->claim()) return leaf;
    drop();
    return nullptr;
  }

  /// The leaf to raise something in; null when there is none. A generator that has not been started is destroyed: null.
  legacy_detail::GeneratorFrame* started_leaf() {
    legacy_detail::GeneratorFrame* const leaf =
        frame_ != nullptr && frame_->leaf_ != nullptr ? frame_->leaf_ : ready_or_null();
    if (leaf == nullptr || frame_->started()) return leaf;
    drop();
    return nullptr;
  }

  [[gnu::always_inline]] Yield resume(legacy_detail::GeneratorFrame* leaf) {
    legacy_detail::GeneratorFrame* const frame = frame_;
    frame->leaf_ = nullptr;
    auto* const tip = static_cast<legacy_detail::GeneratorFrame*>(leaf->resume());
    if (tip == nullptr || frame->handle_ == nullptr) [[unlikely]]
      return resumed(static_cast<GeneratorFrame*>(frame), leaf, tip);
    frame->leaf_ = tip;
    return legacy_detail::taken<Yield>(tip->value_);
  }

  /// What is left to do after a resumption that did not simply end in a yield. The generator object itself may be gone,
  /// or be another one by now.
  [[gnu::noinline]] static Yield resumed(GeneratorFrame* frame, legacy_detail::GeneratorFrame* leaf,
                                         legacy_detail::GeneratorFrame* tip) {
    if (tip == nullptr) tip = frame->settle(leaf);
    return yielded(frame, tip);
  }
  static Yield yielded(GeneratorFrame* frame, legacy_detail::GeneratorFrame* tip);
  [[noreturn]] static void stop(GeneratorFrame* frame);
  /// Frees a finished one. Throws what it raised; what it returned is dropped.
  static void end(GeneratorFrame* frame);

  /// The next value, in the body's frame, or null at the end.
  [[gnu::always_inline]] void* advance();
  [[gnu::noinline]] static void* advanced(GeneratorFrame* frame, legacy_detail::GeneratorFrame* leaf,
                                          legacy_detail::GeneratorFrame* tip);

  legacy_detail::GeneratorFrame* frame_ = nullptr;
};

/// Steps through a generator's values. The next value is asked for when it is looked at, not before: a loop over the
/// generator and `| std::views::take(n)` leaves it at its n-th yield, and the rest is still to come. So a comparison or
/// `*` may run the body, and throw. Refers to the generator object: it dangles when that is moved from or destroyed.
template <class Yield, class Send, class Return>
class Generator<Yield, Send, Return>::Iterator {
 public:
  using iterator_concept = std::input_iterator_tag;  ///< it goes through the values once
  using value_type = std::remove_cvref_t<Yield>;     ///< what it goes through
  using difference_type = std::ptrdiff_t;            ///< std::input_iterator asks for it
  /// What `*` gives: the value where the body keeps it, to be moved from; a `Yield` that is a reference as it is.
  using reference = std::conditional_t<std::is_reference_v<Yield>, Yield, Yield&&>;

  /// One that refers to no generator: of no use but to be assigned to.
  Iterator() noexcept = default;
  /// Move-only.
  Iterator(Iterator&&) noexcept = default;
  /// Move-only.
  Iterator& operator=(Iterator&&) noexcept = default;

  /// The current value; the same until the iterator is moved on.
  [[gnu::always_inline]] reference operator*() const {
    look();
    using Value = std::remove_reference_t<Yield>;
    return static_cast<reference>(*static_cast<Value*>(value_));
  }
  /// Moves on. The value that is passed over is asked for, if nobody has looked at it; the next one is not yet.
  Iterator& operator++() {
    look();
    looked_ = false;
    return *this;
  }
  /// The same.
  void operator++(int) { ++*this; }
  /// Whether there is no value any more.
  [[gnu::always_inline]] friend bool operator==(const Iterator& it, std::default_sentinel_t) {
    it.look();
    return it.value_ == nullptr;
  }

 private:
  friend Generator;
  explicit Iterator(Generator& generator) noexcept : generator_(&generator) {}

  [[gnu::always_inline]] void look() const {
    if (looked_) return;
    looked_ = true;
    value_ = nullptr;
    value_ = generator_->advance();
  }

  Generator* generator_ = nullptr;
  mutable void* value_ = nullptr;
  mutable bool looked_ = false;
};

template <class Yield, class Send, class Return>
[[gnu::always_inline]] inline void* Generator<Yield, Send, Return>::advance() {
  legacy_detail::GeneratorFrame* const frame = frame_;
  legacy_detail::GeneratorFrame* leaf = frame != nullptr ? frame->leaf_ : nullptr;
  if (leaf == nullptr) [[unlikely]] {
    leaf = ready_or_null();
    if (leaf == nullptr) return nullptr;
  }
  if constexpr (!std::is_void_v<Send> && !std::default_initializable<Send>)
    legacy_detail::check_started_for_next(*frame);
  frame->leaf_ = nullptr;
  auto* const tip = static_cast<legacy_detail::GeneratorFrame*>(leaf->resume());
  if (tip == nullptr || frame->handle_ == nullptr) [[unlikely]] {
    return advanced(static_cast<GeneratorFrame*>(frame), leaf, tip);
  }
  frame->leaf_ = tip;
  return tip->value_;
}

template <class Yield, class Send, class Return>
void* Generator<Yield, Send, Return>::advanced(GeneratorFrame* frame, legacy_detail::GeneratorFrame* leaf,
                                               legacy_detail::GeneratorFrame* tip) {
  if (tip == nullptr) tip = frame->settle(leaf);
  if (tip != nullptr) {
    frame->leaf_ = tip;
    if (frame->handle_ != nullptr) return tip->value_;
    frame->abandon();
    return nullptr;
  }
  end(frame);
  return nullptr;
}

template <class Yield, class Send, class Return>
void Generator<Yield, Send, Return>::end(GeneratorFrame* frame) {
  const legacy_detail::Freed freed(*frame);
  if (frame->ending_ != legacy_detail::GeneratorFrame::Ending::returned) legacy_detail::raise(frame->take_error());
}

template <class Yield, class Send, class Return>
Yield Generator<Yield, Send, Return>::yielded(GeneratorFrame* frame, legacy_detail::GeneratorFrame* tip) {
  if (tip == nullptr) stop(frame);
  frame->leaf_ = tip;
  const legacy_detail::AbandonedIfOrphan abandoned(*frame);
  return legacy_detail::taken<Yield>(tip->value_);
}

template <class Yield, class Send, class Return>
void Generator<Yield, Send, Return>::stop(GeneratorFrame* frame) {
  const legacy_detail::Freed freed(*frame);
  if (frame->ending_ != legacy_detail::GeneratorFrame::Ending::returned) legacy_detail::raise(frame->take_error());
  if constexpr (std::is_void_v<Return>) {
    throw StopIteration<void>();
  } else {
    throw StopIteration<stored_t<Return>>(std::move(frame->result_.stored()));
  }
}

template <class Yield, class Send, class Return>
Yield Generator<Yield, Send, Return>::throw_(std::exception_ptr error) {
  check_exception(error);
  legacy_detail::GeneratorFrame* const leaf = started_leaf();
  if (leaf == nullptr) std::rethrow_exception(std::move(error));
  GeneratorFrame* const frame = this->frame();
  frame->leaf_ = nullptr;
  legacy_detail::GeneratorFrame* const tip = frame->throw_in(leaf, error);
  if (tip == nullptr && frame->error_ == error) {
    const legacy_detail::Freed freed(*frame);
    std::rethrow_exception(std::move(error));  // as it went in: what the caller handles does not become its context
  }
  return yielded(frame, tip);
}

template <class Yield, class Send, class Return>
auto Generator<Yield, Send, Return>::close() -> Closed {
  legacy_detail::GeneratorFrame* const leaf = started_leaf();
  if (leaf == nullptr) return Closed();
  GeneratorFrame* const frame = this->frame();
  legacy_detail::close_from(*frame, leaf);
  const legacy_detail::Freed freed(*frame);
  if (frame->ending_ == legacy_detail::GeneratorFrame::Ending::raised) legacy_detail::raise(std::move(frame->error_));
  if constexpr (!std::is_void_v<Return>) {
    if (frame->ending_ == legacy_detail::GeneratorFrame::Ending::returned) return std::move(frame->result_.stored());
    return std::nullopt;
  }
}

}  // namespace segue::legacy
