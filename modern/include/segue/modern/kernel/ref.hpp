// Shared ownership within one thread: an intrusive count that is not atomic, since a loop and all that belongs to it
// live in one thread. A chain of objects that hold each other's last reference may have any length (let_go.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <segue/let_go.hpp>
#include <segue/modern/kernel/pool.hpp>

namespace segue::modern {

class RefCounted : public Pooled {
 public:
  RefCounted() noexcept = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;
  virtual ~RefCounted() = default;

  void retain() noexcept { ++references_; }
  void release() noexcept {
    if (references_ == 1) return release_last();
    --references_;
  }
  std::uint32_t references() const noexcept { return references_; }
  bool unique() const noexcept { return references_ == 1; }

 private:
  // While it waits to be let go of it counts, so that who finds the object meanwhile may still share it.
  struct LastReference {
    void operator()(RefCounted* object) const noexcept {
      if (--object->references_ == 0) delete object;
    }
  };
  void release_last() noexcept { let_go(std::unique_ptr<RefCounted, LastReference>(this)); }

  std::uint32_t references_ = 0;
};

template <class T>
class Ref {
 public:
  Ref() noexcept = default;
  Ref(T* object) noexcept : object_(object) {  // NOLINT(google-explicit-constructor): as a pointer converts
    if (object_) object_->retain();
  }
  Ref(const Ref& other) noexcept : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  Ref(Ref<U> other) noexcept : object_(other.detach()) {}  // NOLINT(google-explicit-constructor)
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->release();
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) noexcept { return a.object_ == b.object_; }

  /// Gives the reference up without releasing it.
  T* detach() noexcept { return std::exchange(object_, nullptr); }
  /// Takes over a reference that was detached.
  static Ref adopt(T* object) noexcept {
    Ref ref;
    ref.object_ = object;
    return ref;
  }

 private:
  T* object_ = nullptr;
};

template <class T, class... Args>
Ref<T> make_ref(Args&&... args) {
  return Ref<T>(new T(std::forward<Args>(args)...));
}

}  // namespace segue::modern
