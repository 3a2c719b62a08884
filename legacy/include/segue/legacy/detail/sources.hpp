// What `yield.from(x)` does with an x that cannot be resumed directly: a generator of other types, an object with a
// member next(), a range, a function. Each source answers next(), send(), throw_() and close() as PEP 380's expansion
// wants them: true when there is a value, false when the source has ended, and the delegation with it. close() gives
// true when GeneratorExit is still to be raised, false when the delegation has ended instead (a close() that throws
// StopIteration).
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <segue/exceptions.hpp>
#include <segue/legacy/detail/body.hpp>
#include <segue/legacy/detail/generator_frame.hpp>
#include <segue/outcome.hpp>
#include <segue/type_name.hpp>
#include <segue/unraisable.hpp>

namespace segue::legacy {

template <class Yield, class Send, class Return>
class Generator;

namespace legacy_detail {

template <class T, class Yield, class Send>
inline constexpr bool is_generator_of = false;
template <class Yield, class Send, class Return>
inline constexpr bool is_generator_of<Generator<Yield, Send, Return>, Yield, Send> = true;

/// None as a `T`: its default. TypeError where there is none.
template <class T>
T none() {
  if constexpr (std::is_void_v<T>) {
    return;
  } else if constexpr (std::default_initializable<T>) {
    return T{};
  } else {
    throw TypeError("None, where the type " + type_name(typeid(T)) + " has no default");
  }
}

struct Deduced {};

/// The value of a StopIteration, which others may hold, too: moved only where it cannot be copied.
template <class T>
decltype(auto) stopped_value(T& value) noexcept {
  if constexpr (std::copy_constructible<T>) {
    return std::as_const(value);
  } else {
    return std::move(value);
  }
}

/// Raises `error` where a delegation stands. A StopIteration ends the delegation there, as in CPython: gives false,
/// with its value in `result` when it is of the right type; a value of another type is reported as unraisable.
template <class Return>
bool raise_at_delegation(std::exception_ptr error, Outcome<Return>& result) {
  try {
    raise(std::move(error));
  } catch (StopIteration<stored_t<Return>>& stop) {
    if constexpr (!std::is_void_v<Return> && !std::is_reference_v<Return>) {
      result.set_value(stopped_value(stop.value));
    } else if constexpr (std::is_reference_v<Return>) {
      result.set_value(stop.value);
    }
  } catch (const StopIteration<void>&) {
  } catch (const StopIterationBase&) {
    if constexpr (!std::is_void_v<Return>) {
      report_unraisable(std::current_exception(),
                        "yield.from, which drops a value that is no " + type_name(typeid(stored_t<Return>)));
    }
  }
  return false;
}

/// A generator of other types: its values, and those sent to it, are converted. From its start on the delegation
/// knows its frame, and when that has gone, wherever the generator object is moved to.
template <class Source>
class GeneratorSource {
  using Sub = std::remove_cvref_t<Source>;
  using SubYield = typename Sub::yield_type;
  using SubSend = typename Sub::send_type;
  using Return = typename Sub::return_type;

 public:
  GeneratorSource(Source&& source, GeneratorFrame& delegator)
      : sub_(static_cast<Source&&>(source)), delegation_(delegator) {}

  SubYield value() { return taken<SubYield>(value_); }
  Return result() { return result_.empty() ? none<Return>() : result_.take(); }

  bool next() {
    GeneratorFrame* const leaf = leaf_to_resume();
    return leaf != nullptr && resumed(running_->go_on(leaf));
  }

  template <class Sent>
  bool send(Sent&& value) {
    if constexpr (std::is_void_v<SubSend>) {
      return next();
    } else {
      static_assert(std::convertible_to<Sent, SubSend>,
                    "yield.from: what is sent has to convert to the delegate's Send");
      sent_.set_value(static_cast<Sent&&>(value));
      GeneratorFrame* const leaf = leaf_to_resume();
      if (leaf == nullptr) return false;
      if constexpr (std::is_reference_v<SubSend>) {
        leaf->sent_ = address_of(sent_.stored().get());
      } else {
        leaf->sent_ = address_of(sent_.stored());
      }
      return resumed(running_->go_on(leaf));
    }
  }

  bool throw_(std::exception_ptr error) {
    GeneratorFrame* const leaf = leaf_to_resume();
    if (leaf == nullptr) return raise_at_delegation(std::move(error), result_);
    return resumed(running_->throw_in(leaf, std::move(error)));
  }

  bool close() {
    GeneratorFrame* const leaf = leaf_to_resume();
    if (leaf == nullptr) return true;
    close_from(*running_, leaf);
    const Freed freed(*running_);
    if (running_->ending_ == GeneratorFrame::Ending::raised) raise(std::move(running_->error_));
    return true;
  }

 private:
  // Whether it was not started, or has been closed or destroyed by others.
  bool gone() const noexcept { return delegation_.delegate() == nullptr; }

  GeneratorFrame* leaf_to_resume() {
    if (running_ == nullptr) {
      if (sub_.ready_or_null() == nullptr) return nullptr;
      running_ = sub_.frame_;
      delegation_.link(*running_);
    } else if (gone()) {
      return nullptr;
    }
    GeneratorFrame* const leaf = running_->leaf_ != nullptr ? running_->leaf_ : running_->claim();
    running_->leaf_ = nullptr;
    return leaf;
  }

  bool resumed(GeneratorFrame* tip) {
    if (tip != nullptr) {
      running_->leaf_ = tip;
      value_ = tip->value_;
      return true;  // even where its owner has gone meanwhile: this delegation waits for it
    }
    const Freed freed(*running_);
    if (running_->ending_ != GeneratorFrame::Ending::returned) raise(running_->take_error());
    result_ = std::move(static_cast<ResultFrame<Return>*>(running_)->result_);
    return false;
  }

  Source sub_;  // not looked at once `running_` is known: it may be moved from
  GeneratorFrame* running_ = nullptr;
  void* value_ = nullptr;
  Outcome<SubSend> sent_;  // kept, for its destructor may resume the delegate, whose value is still to be taken
  Outcome<Return> result_;
  Delegation delegation_;
};

template <class Range>
inline constexpr bool is_list = false;
template <class T, class Allocator>
inline constexpr bool is_list<std::vector<T, Allocator>> = true;

/// What an error calls the iterator over such a range or function: Python's name for that of a list, a string or a
/// function; for any other range the name of its class.
template <class Range>
std::string iterator_name() {
  if constexpr (requires { typename Range::iterated_type; }) {
    return iterator_name<typename Range::iterated_type>();
  } else if constexpr (is_list<Range>) {
    return "list_iterator";
  } else if constexpr (std::same_as<Range, std::string>) {
    return "str_ascii_iterator";
  } else if constexpr (!std::ranges::range<Range>) {
    return "callable_iterator";
  } else {
    return type_name(typeid(Range));
  }
}

/// A source that has a next element, and nothing else: sending it a value raises AttributeError at the delegation, and
/// what is thrown in is raised there, too.
template <class Iterated>
class IteratorSource {
 public:
  void result() const noexcept {}

  template <class Sent>
  bool send(Sent&&) {
    throw AttributeError("'" + iterator_name<std::remove_cv_t<Iterated>>() + "' object has no attribute 'send'");
  }
  bool throw_(std::exception_ptr error) {
    Outcome<void> result;
    return raise_at_delegation(std::move(error), result);
  }
  bool close() noexcept { return true; }
};

template <class Source>
class RangeSource final : public IteratorSource<std::remove_reference_t<Source>> {
  using Range = std::remove_reference_t<Source>;

 public:
  RangeSource(Source&& range, GeneratorFrame& delegator)
      : range_(static_cast<Source&&>(range)), delegation_(delegator, std::addressof(range_)) {}

  decltype(auto) value() {
    if constexpr (made_in_next) {
      return value_.take();
    } else {
      return *(*position_);
    }
  }

  bool next() {
    try {
      if (position_) {
        ++*position_;
      } else {
        position_.emplace(std::ranges::begin(range_));
      }
      if (*position_ == std::ranges::end(range_)) return false;
      if constexpr (made_in_next) value_.set_value(*(*position_));
      return true;
    } catch (const StopIterationBase&) {
      return false;
    }
  }

 private:
  using Iterator = std::ranges::iterator_t<Range>;
  using Reference = std::ranges::range_reference_t<Range>;
  // Whether `*` may throw, so that the element is made in next(): a StopIteration thrown by it ends the range.
  static constexpr bool made_in_next = !noexcept(*std::declval<Iterator&>()) &&
                                       !std::is_rvalue_reference_v<Reference> && std::move_constructible<Reference>;

  Source range_;
  std::optional<Iterator> position_;
  std::conditional_t<made_in_next, Outcome<std::remove_cv_t<Reference>>, None> value_;
  Delegation delegation_;
};

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// A function without parameters that gives optional values.
template <class T>
concept PullFunction =
    requires(T& function) { requires is_optional<std::remove_cvref_t<decltype(std::invoke(function))>>; };

template <class Source>
class FunctionSource final : public IteratorSource<std::remove_reference_t<Source>> {
  using Value = typename std::remove_cvref_t<std::invoke_result_t<std::remove_reference_t<Source>&>>::value_type;

 public:
  FunctionSource(Source&& function, GeneratorFrame& delegator)
      : function_(static_cast<Source&&>(function)), delegation_(delegator, std::addressof(function_)) {}

  Value value() { return value_.take(); }

  bool next() {
    try {
      std::optional<Value> value = std::invoke(function_);
      if (value) value_.set_value(*std::move(value));
      return value.has_value();
    } catch (const StopIterationBase&) {
      return false;
    }
  }

 private:
  Source function_;
  Outcome<Value> value_;
  Delegation delegation_;
};

/// An object with a member next() and, where it has them, send(), throw_() and close(): PEP 380's optional protocol.
template <class Result, class Source>
class ObjectSource {
  using Object = std::remove_reference_t<Source>;
  using Value = decltype(std::declval<Object&>().next());

 public:
  ObjectSource(Source&& object, GeneratorFrame& delegator)
      : object_(static_cast<Source&&>(object)), delegation_(delegator, std::addressof(object_)) {}

  Value value() { return value_.take(); }
  Result result() { return result_.empty() ? none<Result>() : result_.take(); }

  bool next() {
    return step([this] { return static_cast<Value>(object_.next()); });
  }

  template <class Sent>
  bool send(Sent&& sent) {
    if constexpr (requires { object_.send(static_cast<Sent&&>(sent)); }) {
      return step([&] { return static_cast<Value>(object_.send(static_cast<Sent&&>(sent))); });
    } else if constexpr (requires { &Object::send; }) {
      throw TypeError("send() of a '" + type_name(typeid(Object)) + "' object takes no " + type_name(typeid(Sent)));
    } else {
      throw AttributeError("'" + type_name(typeid(Object)) + "' object has no attribute 'send'");
    }
  }

  bool throw_(std::exception_ptr error) {
    if constexpr (requires { object_.throw_(error); }) {
      return step([&] { return static_cast<Value>(object_.throw_(std::move(error))); });
    } else {
      static_assert(!requires { &Object::throw_; }, "an object's throw_() takes a std::exception_ptr");
      return raise_at_delegation(std::move(error), result_);
    }
  }

  bool close() {
    if constexpr (requires { object_.close(); }) {
      return run_to_stop([this] { object_.close(); });
    } else {
      return true;
    }
  }

 private:
  template <class Call>
  bool step(Call call) {
    return run_to_stop([&] {
      if constexpr (std::is_void_v<Value>) {
        call();
        value_.set_value();
      } else {
        value_.set_value(call());
      }
    });
  }
  template <class Call>
  bool run_to_stop(Call call) {
    try {
      call();
      return true;
    } catch (const StopIterationBase&) {
      return raise_at_delegation(std::current_exception(), result_);
    }
  }

  Source object_;
  Outcome<Value> value_;
  Outcome<Result> result_;
  Delegation delegation_;
};

/// What has a member next() that gives values. std::ranges::subrange has one, too, but it gives a subrange.
template <class T>
concept HasNext = requires(T& object) {
  object.next();
  requires !std::same_as<std::remove_cvref_t<decltype(object.next())>, std::remove_cv_t<T>>;
};

template <class T>
inline constexpr bool is_any_generator = false;
template <class Yield, class Send, class Return>
inline constexpr bool is_any_generator<Generator<Yield, Send, Return>> = true;

template <class Result, class Object>
consteval auto result_type() {
  if constexpr (!std::same_as<Result, Deduced>) {
    return std::type_identity<Result>();
  } else if constexpr (requires { typename Object::return_type; }) {
    return std::type_identity<typename Object::return_type>();
  } else {
    return std::type_identity<void>();
  }
}

template <class Result, class Source>
consteval auto source_for() {
  using Plain = std::remove_cvref_t<Source>;
  if constexpr (HasNext<std::remove_reference_t<Source>>) {
    return std::type_identity<ObjectSource<typename decltype(result_type<Result, Plain>())::type, Source>>();
  } else if constexpr (!std::ranges::input_range<Source> && PullFunction<std::remove_reference_t<Source>>) {
    // A function is kept by its address.
    using Kept = std::conditional_t<std::is_function_v<std::remove_reference_t<Source>>, std::decay_t<Source>, Source>;
    return std::type_identity<FunctionSource<Kept>>();
  } else {
    static_assert(std::ranges::input_range<Source>,
                  "yield.from takes a generator, an object with a member next(), an input range, or a function without "
                  "parameters that gives an std::optional");
    return std::type_identity<RangeSource<Source>>();
  }
}

/// `Source` is a reference for an lvalue; an rvalue is kept by value.
template <class Result, class Source>
using SourceFor = typename decltype(source_for<Result, Source>())::type;

}  // namespace legacy_detail
}  // namespace segue::legacy
