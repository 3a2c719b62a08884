#include "memory_limits.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "stack_guard.hpp"

namespace segue::legacy::detail {
namespace {

// Gives each piece of a file of /proc to `take`. Without a stream, for whose buffer there may be no memory now.
template <class Take>
void read_file(const char* name, Take take) {
  const int file = open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  std::array<char, 4096> piece;
  for (ssize_t size; (size = read(file, piece.data(), piece.size())) > 0;) {
    take(std::string_view(piece.data(), static_cast<std::size_t>(size)));
  }
  close(file);
}

// The first number in a file; 0 where there is none.
std::size_t number_in(const char* name) {
  std::size_t number = 0;
  read_file(name, [&](std::string_view text) {
    if (number == 0) std::from_chars(text.data(), text.data() + text.size(), number);
  });
  return number;
}

std::size_t mappings() {
  std::size_t lines = 0;
  read_file("/proc/self/maps", [&](std::string_view text) {
    lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  });
  return lines;
}

// The one of three that has no room for `bytes` more in some mappings more.
std::string limit_hit(std::size_t bytes) {
  constexpr std::size_t some = 4;
  const std::size_t most_mappings = number_in("/proc/sys/vm/max_map_count");
  if (most_mappings != 0 && mappings() + some > most_mappings) {
    return "vm.max_map_count is " + std::to_string(most_mappings);
  }
  rlimit address_space{};
  if (getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY &&
      number_in("/proc/self/statm") * page_size() + bytes > address_space.rlim_cur) {
    return "RLIMIT_AS is " + std::to_string(address_space.rlim_cur) + " bytes";
  }
  return "vm.overcommit_memory is " + std::to_string(number_in("/proc/sys/vm/overcommit_memory"));
}

}  // namespace

std::string why_refused(std::size_t bytes, int error) {
  std::string text = std::strerror(error);
  if (error == ENOMEM) text += " (" + limit_hit(bytes) + ")";
  return text;
}

}  // namespace segue::legacy::detail
