// What an initiation or a start function returns, kept for as long as the operation: made in its place and never moved,
// so that there is none that has been started and is not kept.
#pragma once

#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <segue/outcome.hpp>

namespace segue::bridge::bridge_detail {

template <class T>
inline constexpr bool points_to_object = false;
template <class T>
inline constexpr bool points_to_object<T*> = std::is_class_v<T>;
template <class T>
inline constexpr bool points_to_object<std::shared_ptr<T>> = std::is_class_v<T>;
template <class T, class Deleter>
inline constexpr bool points_to_object<std::unique_ptr<T, Deleter>> = std::is_class_v<T>;

/// Whose members cancel, pause or stop: the object, or what it points to, if anything.
template <class Value>
auto* target_of(Value& value) noexcept {
  if constexpr (points_to_object<std::remove_const_t<Value>>) {
    return value ? std::addressof(*value) : nullptr;
  } else {
    return std::addressof(value);
  }
}
template <class Value>
using target_of_t = std::remove_pointer_t<decltype(target_of(std::declval<Value&>()))>;

/// A `Returned` by value.
template <class Returned>
class Kept {
 public:
  using Value = std::decay_t<Returned>;
  using Target = target_of_t<Value>;

  Kept() noexcept {}
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() { reset(); }

  /// Keeps what `make()` gives in place of what was there.
  template <class Make>
  void keep(const Make& make) {
    reset();
    ::new (static_cast<void*>(std::addressof(value_))) Value(make());
    kept_ = true;
  }
  Value& operator*() noexcept { return value_; }
  /// Null where there is none.
  Target* target() noexcept { return kept_ ? target_of(value_) : nullptr; }

 private:
  void reset() noexcept {
    if (std::exchange(kept_, false)) value_.~Value();
  }

  union {
    Value value_;
  };
  bool kept_ = false;
};

/// The object that was returned by reference: somebody else keeps it.
template <class T>
class Kept<T&> {
 public:
  using Value = T;
  using Target = target_of_t<T>;

  template <class Make>
  void keep(const Make& make) {
    value_ = std::addressof(make());
  }
  T& operator*() noexcept { return *value_; }
  Target* target() noexcept { return value_ != nullptr ? target_of(*value_) : nullptr; }

 private:
  T* value_ = nullptr;
};

template <>
class Kept<void> {
 public:
  using Value = None;
  using Target = None;

  template <class Make>
  void keep(const Make& make) {
    make();
  }
  static None* target() noexcept { return nullptr; }
};

}  // namespace segue::bridge::bridge_detail
