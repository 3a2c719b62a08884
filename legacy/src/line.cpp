#include "line.hpp"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace segue::legacy::detail {
namespace {

// An address of code as `addr2line` takes it: in the file that it was loaded from.
struct Code {
  const char* file = "";
  std::uintptr_t offset;
};

Code locate(const void* address) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
  dl_find_object object;
  if (_dl_find_object(const_cast<void*>(address), &object) == 0) {
    const link_map& map = *object.dlfo_link_map;
    const bool program = *map.l_name == '\0';
    return {program ? program_invocation_name : map.l_name, at - map.l_addr};
  }
#endif
  return {.offset = at};
}

}  // namespace

Line& Line::operator<<(std::string_view text) noexcept {
  const std::size_t count = std::min(text.size(), sizeof text_ - size_);
  std::memcpy(text_ + size_, text.data(), count);
  size_ += count;
  return *this;
}

Line& Line::append(std::size_t number, int base) noexcept {
  size_ = static_cast<std::size_t>(std::to_chars(text_ + size_, text_ + sizeof text_, number, base).ptr - text_);
  return *this;
}

Line& Line::operator<<(const Origin& origin) noexcept {
  if (origin.source.line() != 0) return *this << origin.source.file_name() << ":" << std::size_t{origin.source.line()};
  if (origin.caller == nullptr) return *this;
  // The call, whose line it is, ends before the address that it returns to.
  const Code code = locate(static_cast<const char*>(origin.caller) - 1);
  return (*this << code.file << "+0x").append(code.offset, 16);
}

}  // namespace segue::legacy::detail
