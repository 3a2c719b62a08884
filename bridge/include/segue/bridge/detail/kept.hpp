// What an initiation or a start function returns, kept for as long as the operation: made in its place and never moved,
// so that there is none that has been started and is not kept.
#pragma once

#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <segue/outcome.hpp>

namespace segue::bridge::bridge_detail {

/// A `Returned` by value.
template <class Returned>
class Kept {
 public:
  using Value = std::decay_t<Returned>;

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
  explicit operator bool() const noexcept { return kept_; }
  Value& operator*() noexcept { return value_; }
  Value* operator->() noexcept { return std::addressof(value_); }

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

  template <class Make>
  void keep(const Make& make) {
    value_ = std::addressof(make());
  }
  explicit operator bool() const noexcept { return value_ != nullptr; }
  T& operator*() noexcept { return *value_; }
  T* operator->() noexcept { return value_; }

 private:
  T* value_ = nullptr;
};

template <>
class Kept<void> {
 public:
  using Value = None;

  template <class Make>
  void keep(const Make& make) {
    make();
  }
};

}  // namespace segue::bridge::bridge_detail
