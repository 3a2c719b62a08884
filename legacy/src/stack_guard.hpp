// What lies below a stack so that an overflow touches it first.
#pragma once

#include <cstddef>

namespace segue::legacy::legacy_detail {

std::size_t page_size();
std::size_t guard_size();

/// Guards the guard_size() bytes at `where`, as stack_guard() says. Throws MemoryError, naming the limit.
void install_guard(std::byte* where);
/// Makes them ordinary memory again, whichever guard it was.
void remove_guard(std::byte* where) noexcept;

}  // namespace segue::legacy::legacy_detail
