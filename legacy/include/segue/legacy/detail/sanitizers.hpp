// What the sanitizers have to be told about stacks and switches; nothing of it is left without a sanitizer.
//
// Without these calls AddressSanitizer reports stack overflows that are none, ThreadSanitizer loses its shadow stack,
// and LeakSanitizer does not see what a suspended fiber holds.
#pragma once

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEGUE_LEGACY_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define SEGUE_LEGACY_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(SEGUE_LEGACY_ASAN)
#define SEGUE_LEGACY_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(SEGUE_LEGACY_TSAN)
#define SEGUE_LEGACY_TSAN 1
#endif

#if defined(SEGUE_LEGACY_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#if defined(SEGUE_LEGACY_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace segue::legacy::legacy_detail {

/// Whether a sanitizer is on, which makes frames larger.
#if defined(SEGUE_LEGACY_ASAN) || defined(SEGUE_LEGACY_TSAN)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// A fiber as the sanitizers see it. Each switch is announced by the side that leaves (`leave_…`) and completed by the
/// side that is entered (`enter_…`).
class SanitizedFiber {
 public:
  [[gnu::always_inline]] void create([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SEGUE_LEGACY_ASAN)
    bottom_ = bottom;
    size_ = size;
    go_on_in(*this);
    __lsan_register_root_region(bottom, size);
#endif
#if defined(SEGUE_LEGACY_TSAN)
    fiber_ = __tsan_create_fiber(0);
    go_on_in(*this);
#endif
  }

  /// Clears what frames that never ended have left poisoned on the stack, which may be used again.
  [[gnu::always_inline]] void destroy() noexcept {
#if defined(SEGUE_LEGACY_ASAN)
    __lsan_unregister_root_region(bottom_, size_);
    __asan_unpoison_memory_region(bottom_, size_);
#endif
#if defined(SEGUE_LEGACY_TSAN)
    __tsan_destroy_fiber(fiber_);
#endif
  }

  /// The next switch to it ends on the stack of `innermost`, from which it was left.
  void go_on_in([[maybe_unused]] const SanitizedFiber& innermost) noexcept {
#if defined(SEGUE_LEGACY_ASAN)
    entered_bottom_ = innermost.bottom_;
    entered_size_ = innermost.size_;
#endif
#if defined(SEGUE_LEGACY_TSAN)
    entered_fiber_ = innermost.fiber_;
#endif
  }

  [[gnu::always_inline]] void leave_resumer() noexcept {
#if defined(SEGUE_LEGACY_ASAN)
    __sanitizer_start_switch_fiber(&resumer_fake_stack_, entered_bottom_, entered_size_);
#endif
#if defined(SEGUE_LEGACY_TSAN)
    resumer_fiber_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(entered_fiber_, 0);
#endif
  }

  [[gnu::always_inline]] void enter_fiber() noexcept {
#if defined(SEGUE_LEGACY_ASAN)
    __sanitizer_finish_switch_fiber(fake_stack_, &resumer_bottom_, &resumer_size_);
#endif
  }

  [[gnu::always_inline]] void leave_fiber() noexcept {
#if defined(SEGUE_LEGACY_ASAN)
    __sanitizer_start_switch_fiber(&fake_stack_, resumer_bottom_, resumer_size_);
#endif
#if defined(SEGUE_LEGACY_TSAN)
    __tsan_switch_to_fiber(resumer_fiber_, 0);
#endif
  }

  /// As leave_fiber(), for the last time: what AddressSanitizer keeps for the fiber's frames goes.
  [[gnu::always_inline]] void leave_fiber_for_good() noexcept {
#if defined(SEGUE_LEGACY_ASAN)
    __sanitizer_start_switch_fiber(nullptr, resumer_bottom_, resumer_size_);
#endif
#if defined(SEGUE_LEGACY_TSAN)
    __tsan_switch_to_fiber(resumer_fiber_, 0);
#endif
  }

  [[gnu::always_inline]] void enter_resumer() noexcept {
#if defined(SEGUE_LEGACY_ASAN)
    __sanitizer_finish_switch_fiber(resumer_fake_stack_, nullptr, nullptr);
#endif
  }

 private:
#if defined(SEGUE_LEGACY_ASAN)
  void* bottom_ = nullptr;
  std::size_t size_ = 0;
  const void* entered_bottom_ = nullptr;
  std::size_t entered_size_ = 0;
  void* fake_stack_ = nullptr;
  void* resumer_fake_stack_ = nullptr;
  const void* resumer_bottom_ = nullptr;
  std::size_t resumer_size_ = 0;
#endif
#if defined(SEGUE_LEGACY_TSAN)
  void* fiber_ = nullptr;
  void* entered_fiber_ = nullptr;
  void* resumer_fiber_ = nullptr;
#endif
};

}  // namespace segue::legacy::legacy_detail
