// What a generator's body yields through: `Send s = yield(y)` and `R r = yield.from(sub)`.
#pragma once

#include <any>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <exception>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/detail/body.hpp>
#include <segue/legacy/detail/generator_frame.hpp>
#include <segue/legacy/detail/none.hpp>
#include <segue/legacy/detail/sources.hpp>
#include <segue/outcome.hpp>

namespace segue::legacy {

/// A body's first parameter. It belongs to one generator, and is of use only while that one runs: in the body, and in
/// whatever the body calls.
template <class Yield, class Send = void>
class Yielder {
 public:
  Yielder(const Yielder&) = delete;
  Yielder& operator=(const Yielder&) = delete;

  /// Suspends the generator; its next(), send() or throw_() gives `value`. Evaluates to what is sent next, `Send{}` for
  /// next(). Throws what is thrown in, and GeneratorExit when the generator is closed or destroyed.
  [[gnu::always_inline]] Send operator()(legacy_detail::parameter_t<Yield> value,
                                         std::source_location where = std::source_location::current())
    requires(!std::is_void_v<Yield>)
  {
    frame_.value_ = legacy_detail::address_of(value);
    return wait(where);
  }
  /// The same where anything may be yielded: a string literal is yielded as a std::string.
  template <std::size_t size>
  Send operator()(const char (&text)[size], std::source_location where = std::source_location::current())
    requires(std::same_as<Yield, std::any>)
  {
    return (*this)(Yield(std::string(text)), where);
  }
  /// The same for a generator that yields nothing.
  [[gnu::always_inline]] Send operator()(std::source_location where = std::source_location::current())
    requires std::is_void_v<Yield>
  {
    return wait(where);
  }

  /// Python's `yield from`: yields all that `source` yields, gives it all that is sent and thrown meanwhile, and
  /// evaluates to what it returns. `source` is one of:
  ///
  /// - a Generator: an lvalue is shared, and can be driven by others meanwhile; an rvalue is owned. With the same
  ///   `Yield` and `Send` it is resumed directly from then on, whatever the depth; with types that convert, through
  ///   this body. It evaluates to `Return{}` (None) when somebody else has closed it.
  /// - an object with a member next() that throws StopIteration at its end and, where it has them, send(value),
  ///   throw_(std::exception_ptr) and close() (PEP 380's optional protocol). The value is that of
  ///   StopIteration<Result>; name `Result`, or give the class a `return_type`.
  /// - any input range. It has no send(): sending it something else than None raises AttributeError here. What is
  ///   thrown in is raised here, and leaves the range where it was.
  /// - a function without parameters that gives an std::optional: it is called for each value until it gives nullopt
  ///   (Python's `iter(callable, sentinel)`). What is sent and thrown is treated as with a range.
  template <class Result = legacy_detail::Deduced, class Source>
  decltype(auto) from(Source&& source, std::source_location where = std::source_location::current()) {
    using Plain = std::remove_cvref_t<Source>;
    static_assert(!legacy_detail::is_any_generator<Plain> || !std::is_const_v<std::remove_reference_t<Source>>,
                  "yield.from: a generator that is delegated to is advanced: it cannot be const");
    if constexpr (legacy_detail::is_generator_of<Plain, Yield, Send>) {
      return delegate(static_cast<Source&&>(source), where);
    } else if constexpr (legacy_detail::is_any_generator<Plain>) {
      legacy_detail::GeneratorSource<Source> relayed(static_cast<Source&&>(source), frame_);
      relay(relayed, where);
      return relayed.result();
    } else {
      legacy_detail::SourceFor<Result, Source> relayed(static_cast<Source&&>(source), frame_);
      relay(relayed, where);
      return relayed.result();
    }
  }

 private:
  template <class, class, class, class...>
  friend class legacy_detail::Body;

  explicit Yielder(legacy_detail::GeneratorFrame& frame) noexcept : frame_(frame) {}

  [[gnu::always_inline]] Send wait(const std::source_location& where) {
    void* const sent = wait_for_signal(where);
    if constexpr (std::is_void_v<Send>) {
      if (sent != nullptr) [[unlikely]]
        frame_.raise_signalled();
    } else {
      if (sent == nullptr) return legacy_detail::none<Send>();
      if (legacy_detail::is_signal(sent)) [[unlikely]]
        frame_.raise_signalled();
      frame_.sent_ = nullptr;
      return legacy_detail::taken<Send>(sent);
    }
  }

  [[gnu::always_inline]] void* wait_for_signal(const std::source_location& where) {
    assert(frame_.runs_here() && "a generator yields through its own yielder, in its own body");
    frame_.where_ = where;
    frame_.suspend(&frame_);
    return frame_.sent_;
  }

  template <class Sub>
  auto delegate(Sub&& source, const std::source_location& where) -> typename std::remove_cvref_t<Sub>::return_type {
    using Return = typename std::remove_cvref_t<Sub>::return_type;
    // An rvalue is kept here, on the delegator's stack, as long as it is delegated to.
    std::conditional_t<std::is_lvalue_reference_v<Sub>, Sub, std::remove_cvref_t<Sub>> sub(static_cast<Sub&&>(source));
    auto* const frame = sub.frame();
    frame_.where_ = where;
    if (frame == nullptr || frame->finished()) return legacy_detail::none<Return>();
    legacy_detail::Delegation delegation(frame_);
    if (std::exception_ptr thrown; !frame_.delegate_to(*frame, delegation, thrown)) {
      Outcome<Return> result;
      if (thrown) legacy_detail::raise_at_delegation(std::move(thrown), result);
      return result.empty() ? legacy_detail::none<Return>() : result.take();
    }
    if (frame->ending_ != legacy_detail::GeneratorFrame::Ending::returned) legacy_detail::raise(frame->take_error());
    return frame->result_.take();
  }

  // PEP 380's expansion of `yield from`.
  template <class Relayed>
  void relay(Relayed& source, const std::source_location& where) {
    bool more = source.next();
    while (more) {
      if constexpr (std::is_void_v<Yield>) {
        source.value();
        more = relay_sent(source, wait_for_signal(where));
      } else {
        using Given = decltype(source.value());
        Given given = source.value();  // kept: a `Yield` that is made of it may be a view of it
        std::conditional_t<std::same_as<Given, Yield>, Yield&&, Yield> value = static_cast<Given&&>(given);
        frame_.value_ = legacy_detail::address_of(value);
        more = relay_sent(source, wait_for_signal(where));
      }
    }
  }

  template <class Relayed>
  bool relay_sent(Relayed& source, void* sent) {
    if (sent == nullptr) return source.next();
    if (legacy_detail::is_signal(sent)) return relay_signal(source);
    frame_.sent_ = nullptr;
    if constexpr (!std::is_void_v<Send>) {
      auto& value = *static_cast<std::remove_reference_t<Send>*>(sent);
      if (!legacy_detail::is_none(value)) return source.send(static_cast<Send&&>(value));
    }
    return source.next();
  }

  template <class Relayed>
  [[gnu::noinline]] bool relay_signal(Relayed& source) {
    std::exception_ptr error = frame_.take_signalled();
    if (holds<GeneratorExit>(error)) {
      if (!source.close()) return false;
      legacy_detail::raise(std::move(error));
    }
    return source.throw_(std::move(error));
  }

  legacy_detail::GeneratorFrame& frame_;
};

}  // namespace segue::legacy
