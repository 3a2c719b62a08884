// A line of text for a report, put together without the heap: all that a signal handler may do.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <segue/legacy/fiber.hpp>

namespace segue::legacy::legacy_detail {

/// A place as it is written: `log.cpp:28`, or `./server+0x1a2b`.
struct Place {
  std::string_view file;
  std::string_view separator;
  std::size_t number;
  int base;
};

/// Where something was made, when that can be told. The file's name is cut off from its front past 400 characters.
std::optional<Place> place_of(const Origin& origin) noexcept;

/// Text that does not fit in is cut off; a number that does not is left out.
class Line {
 public:
  Line& operator<<(std::string_view text) noexcept;
  Line& operator<<(std::size_t number) noexcept { return append(number, 10); }
  Line& operator<<(const Place& place) noexcept;

  std::string_view text() const noexcept { return {text_, size_}; }

 private:
  Line& append(std::size_t number, int base) noexcept;

  char text_[1024];
  std::size_t size_ = 0;
};

}  // namespace segue::legacy::legacy_detail
