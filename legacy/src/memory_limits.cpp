#include "memory_limits.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>

#include "stack_guard.hpp"

namespace segue::legacy::legacy_detail {
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

// A field of /proc/self/statm, in bytes; the first is 0.
std::size_t memory_taken(std::size_t field) {
  std::size_t pages = 0;
  read_file("/proc/self/statm", [&](std::string_view text) {
    for (; field != 0 && !text.empty(); --field) text.remove_prefix(std::min(text.find(' '), text.size() - 1) + 1);
    std::from_chars(text.data(), text.data() + text.size(), pages);
  });
  return pages * page_size();
}

// `RLIMIT_AS is 1048576 bytes`, where that is less than `needed`; empty otherwise.
std::string limit_below(std::size_t needed, decltype(RLIMIT_AS) resource, const char* name) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || needed <= limit.rlim_cur) return {};
  return name + (" is " + std::to_string(limit.rlim_cur) + " bytes");
}

// Which of four limits leaves no room for `bytes` more, or for a few mappings more. The last one is told by
// elimination.
std::string limit_hit(std::size_t bytes) {
  constexpr std::size_t some = 4;
  const std::size_t most_mappings = number_in("/proc/sys/vm/max_map_count");
  if (most_mappings != 0 && mappings() + some > most_mappings) {
    return "vm.max_map_count is " + std::to_string(most_mappings);
  }
  constexpr std::size_t address_space = 0;
  constexpr std::size_t data = 5;  // with the main thread's stack, which the limit leaves out
  std::string hit = limit_below(memory_taken(address_space) + bytes, RLIMIT_AS, "RLIMIT_AS");
  if (hit.empty()) hit = limit_below(memory_taken(data) + bytes, RLIMIT_DATA, "RLIMIT_DATA");
  if (!hit.empty()) return hit;
  return "vm.overcommit_memory is " + std::to_string(number_in("/proc/sys/vm/overcommit_memory"));
}

}  // namespace

std::string why_refused(std::size_t bytes, int error) {
  std::string text = std::strerror(error);
  std::string hit;
  if (error == ENOMEM) hit = limit_hit(bytes);
  // After mlockall(MCL_FUTURE) new memory is locked memory; mmap() gives this error for nothing else.
  if (error == EAGAIN) hit = limit_below(std::numeric_limits<std::size_t>::max(), RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK");
  if (!hit.empty()) text += " (" + hit + ")";
  return text;
}

std::string why_heap_refused(std::size_t bytes) {
  constexpr std::size_t least = std::size_t{1} << 20;  // malloc() asks the system for no less
  return why_refused(std::max(bytes, least), ENOMEM);
}

}  // namespace segue::legacy::legacy_detail
