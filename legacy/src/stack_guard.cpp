#include "stack_guard.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>

#include <segue/exceptions.hpp>
#include <segue/legacy/stack.hpp>

#include "memory_limits.hpp"

namespace segue::legacy {
namespace {

#ifndef MADV_GUARD_INSTALL
constexpr int MADV_GUARD_INSTALL = 102;
constexpr int MADV_GUARD_REMOVE = 103;
#endif

bool kernel_has_light_guards() {
  static const bool has = [] {
    const std::size_t size = legacy_detail::page_size();
    void* const page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    const bool installed = madvise(page, size, MADV_GUARD_INSTALL) == 0;
    munmap(page, size);
    return installed;
  }();
  return has;
}

std::atomic<bool>& protect_asked_for() {
  static std::atomic<bool> asked{false};
  return asked;
}

}  // namespace

StackGuard stack_guard() noexcept {
  return kernel_has_light_guards() && !protect_asked_for().load(std::memory_order_relaxed) ? StackGuard::light
                                                                                           : StackGuard::protect;
}

bool set_stack_guard(StackGuard guard) noexcept {
  if (guard == StackGuard::light && !kernel_has_light_guards()) return false;
  protect_asked_for().store(guard == StackGuard::protect, std::memory_order_relaxed);
  return true;
}

std::size_t legacy_detail::page_size() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// Several pages, so that one large frame does not step over them.
std::size_t legacy_detail::guard_size() { return std::max<std::size_t>(16 * 1024, page_size()); }

void legacy_detail::install_guard(std::byte* where) {
  if (stack_guard() == StackGuard::light && madvise(where, guard_size(), MADV_GUARD_INSTALL) == 0) return;
  if (mprotect(where, guard_size(), PROT_NONE) != 0) {
    throw MemoryError("cannot guard a stack: " + why_refused(0, errno));
  }
}

void legacy_detail::remove_guard(std::byte* where) noexcept {
  // Which kind of guard it is, is not known here: both calls are made, and neither does anything to the other kind.
  madvise(where, guard_size(), MADV_GUARD_REMOVE);
  mprotect(where, guard_size(), PROT_READ | PROT_WRITE);
}

}  // namespace segue::legacy
