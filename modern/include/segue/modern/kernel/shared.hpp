// Shared ownership between threads: what ref.hpp is within one. For the little that leaves its thread as a whole, such
// as the context that a call in another thread gets a copy of.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

#include <segue/modern/kernel/pool.hpp>

namespace segue::modern {

/// Whether the process has never had a second thread: then it needs no atomic additions, which cost several times what
/// plain ones do.
inline bool single_threaded() noexcept {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

/// A count of references that any thread may change. It is one when it is made.
class SharedCount {
 public:
  void retain() noexcept {
    if (single_threaded()) {
      count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    } else {
      count_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  /// Whether it was the last reference.
  [[nodiscard]] bool release() noexcept {
    if (unique()) return true;
    if (!single_threaded()) return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    count_.store(count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    return false;
  }
  bool unique() const noexcept { return count_.load(std::memory_order_acquire) == 1; }

 private:
  std::atomic<std::uint32_t> count_{1};
};

/// Bits that any thread may set. All are clear when it is made.
class SharedFlags {
 public:
  bool has(std::uint8_t flags) const noexcept { return (flags_.load(std::memory_order_acquire) & flags) != 0; }
  /// Which were set before.
  std::uint8_t set(std::uint8_t flags) noexcept {
    if (!single_threaded()) return flags_.fetch_or(flags, std::memory_order_acq_rel);
    const std::uint8_t before = flags_.load(std::memory_order_relaxed);
    flags_.store(before | flags, std::memory_order_relaxed);
    return before;
  }
  void clear(std::uint8_t flags) noexcept {
    flags_.fetch_and(static_cast<std::uint8_t>(~flags), std::memory_order_release);
  }

 private:
  std::atomic<std::uint8_t> flags_{0};
};

/// A base of what Shared refers to.
class SharedCounted : public Pooled {
 public:
  SharedCounted() noexcept = default;
  SharedCounted(const SharedCounted&) = delete;
  SharedCounted& operator=(const SharedCounted&) = delete;

  SharedCount references;

 protected:
  ~SharedCounted() = default;
};

/// Refers to a `T` that is SharedCounted, and ends it, by `T::end(T*)`, with the last reference.
template <class T>
class Shared {
 public:
  Shared() noexcept = default;
  Shared(const Shared& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) object_->references.retain();
  }
  Shared(Shared&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Shared() {
    if (object_ != nullptr && object_->references.release()) T::end(object_);
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const Shared& a, const Shared& b) noexcept { return a.object_ == b.object_; }

  /// Gives the reference up without releasing it.
  T* detach() noexcept { return std::exchange(object_, nullptr); }
  /// Takes over a reference that was detached, or the first one, of a new object.
  static Shared adopt(T* object) noexcept {
    Shared shared;
    shared.object_ = object;
    return shared;
  }
  /// One more reference.
  static Shared share(T* object) noexcept {
    if (object != nullptr) object->references.retain();
    return adopt(object);
  }

 private:
  T* object_ = nullptr;
};

}  // namespace segue::modern
