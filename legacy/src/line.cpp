#include "line.hpp"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace segue::legacy::legacy_detail {
namespace {

std::string_view end_of(std::string_view file) noexcept {
  constexpr std::size_t most = 400;
  return file.size() > most ? file.substr(file.size() - most) : file;
}

// The place of an address as addr2line takes it: the file that the code was loaded from, and the offset within.
std::optional<Place> place_of_code([[maybe_unused]] const void* address) noexcept {
#if defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
  dl_find_object object;
  if (_dl_find_object(const_cast<void*>(address), &object) == 0) {
    const link_map& map = *object.dlfo_link_map;
    const bool program = *map.l_name == '\0';
    const char* const file = program ? program_invocation_name : map.l_name;
    return Place{end_of(file), "+0x", reinterpret_cast<std::uintptr_t>(address) - map.l_addr, 16};
  }
#endif
#endif
  return std::nullopt;
}

}  // namespace

std::optional<Place> place_of(const Origin& origin) noexcept {
  if (origin.source.line() != 0) return Place{end_of(origin.source.file_name()), ":", origin.source.line(), 10};
  if (origin.caller == nullptr) return std::nullopt;
  // A return address lies behind the call, and may belong to the next line: the byte before it is the call's.
  return place_of_code(static_cast<const char*>(origin.caller) - 1);
}

Line& Line::operator<<(std::string_view text) noexcept {
  const std::size_t count = std::min(text.size(), sizeof text_ - size_);
  std::memcpy(text_ + size_, text.data(), count);
  size_ += count;
  return *this;
}

Line& Line::operator<<(const Place& place) noexcept {
  return (*this << place.file << place.separator).append(place.number, place.base);
}

Line& Line::append(std::size_t number, int base) noexcept {
  const auto [end, error] = std::to_chars(text_ + size_, text_ + sizeof text_, number, base);
  if (error == std::errc()) size_ = static_cast<std::size_t>(end - text_);
  return *this;
}

}  // namespace segue::legacy::legacy_detail
