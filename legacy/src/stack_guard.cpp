#include "stack_guard.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <segue/exceptions.hpp>
#include <segue/legacy/stack.hpp>

namespace segue::legacy {
namespace {

#ifndef MADV_GUARD_INSTALL
constexpr int MADV_GUARD_INSTALL = 102;
constexpr int MADV_GUARD_REMOVE = 103;
#endif

bool kernel_has_light_guards() {
  static const bool has = [] {
    const std::size_t size = detail::page_size();
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

// The digits of vm.max_map_count. Without a stream, whose buffer the heap may have no room for when this limit is hit.
std::string max_map_count() {
  std::array<char, 32> text;
  const int file = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
  const ssize_t size = file < 0 ? 0 : read(file, text.data(), text.size());
  if (file >= 0) close(file);
  const std::string_view read_text(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return std::string(read_text.substr(0, read_text.find('\n')));
}

std::string guard_failure(int error) {
  std::string message = std::string("cannot guard a stack: ") + std::strerror(error);
  if (error == ENOMEM) {
    message += " (vm.max_map_count is " + max_map_count() + ", and a protected guard takes two mappings a stack)";
  }
  return message;
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

std::size_t detail::page_size() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// Several pages, so that one large frame does not step over them.
std::size_t detail::guard_size() { return std::max<std::size_t>(16 * 1024, page_size()); }

void detail::install_guard(std::byte* where) {
  if (stack_guard() == StackGuard::light && madvise(where, guard_size(), MADV_GUARD_INSTALL) == 0) return;
  if (mprotect(where, guard_size(), PROT_NONE) != 0) throw MemoryError(guard_failure(errno));
}

void detail::remove_guard(std::byte* where) noexcept {
  // Each leaves what the other one is for as it is.
  madvise(where, guard_size(), MADV_GUARD_REMOVE);
  mprotect(where, guard_size(), PROT_READ | PROT_WRITE);
}

}  // namespace segue::legacy
