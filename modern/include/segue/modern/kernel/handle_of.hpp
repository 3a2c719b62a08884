// HandleOf: what every handle is. A Future, a Lock, a Queue, a StreamWriter is a small value that refers to the object
// proper, as a Python variable does: copies refer to the same object, and are equal, whatever its content.
//
//   class Lock : public HandleOf<Lock, Ref<LockState>> {
//    public:
//     bool locked() const { return state()->locked; }
//   };
//
// A handle that was moved from, or made by a constructor without arguments that makes no object, is empty: false as a
// condition, equal to other empty ones, and everything else that is asked of it is a RuntimeError.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <typeinfo>
#include <utility>

namespace segue::modern {

namespace detail {

/// RuntimeError("Lock handle is empty: it was moved from or default-made").
[[noreturn, gnu::cold]] void refuse_empty_handle(const std::type_info& type);

}  // namespace detail

/// `asyncio.locks.Lock object at 0x55d0c8`, of "asyncio.locks.Lock object": how Python names an object.
std::string name_of_object(std::string type, const void* id);

/// The base of a handle class `Self`. `Pointer` shares the object: a Ref or a std::shared_ptr.
template <class Self, class Pointer>
class HandleOf {
 public:
  /// Whether there is an object.
  explicit operator bool() const noexcept { return static_cast<bool>(pointer_); }
  /// What tells the object from all others that exist; null where there is none. CPython: id().
  const void* id() const noexcept { return pointer_.get(); }

  friend bool operator==(const HandleOf& a, const HandleOf& b) noexcept { return a.id() == b.id(); }
  /// Some order, for sets and maps.
  friend std::strong_ordering operator<=>(const HandleOf& a, const HandleOf& b) noexcept {
    return std::compare_three_way()(a.id(), b.id());
  }

 protected:
  HandleOf() noexcept = default;
  explicit HandleOf(Pointer pointer) noexcept : pointer_(std::move(pointer)) {}

  /// The object. RuntimeError where there is none.
  const Pointer& state() const {
    if (!pointer_) [[unlikely]]
      detail::refuse_empty_handle(typeid(Self));
    return pointer_;
  }
  /// The same; the handle is empty afterwards.
  Pointer take_state() {
    state();
    return std::move(pointer_);
  }

 private:
  Pointer pointer_;
};

namespace detail {

template <class Self, class Pointer>
void as_handle(const HandleOf<Self, Pointer>&);

}  // namespace detail

/// A handle, of whatever class.
template <class H>
concept SharedHandle = requires(const H& handle) { detail::as_handle(handle); };

}  // namespace segue::modern

/// By identity, as ==.
template <segue::modern::SharedHandle H>
struct std::hash<H> {
  std::size_t operator()(const H& handle) const noexcept { return std::hash<const void*>()(handle.id()); }
};
