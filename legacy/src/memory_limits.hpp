// Which of the system's limits a mapping was refused for.
#pragma once

#include <cstddef>
#include <string>

namespace segue::legacy::legacy_detail {

/// The text of `error`, as mmap() or mprotect() gave it for `bytes` more, and the limit that was hit:
/// `Cannot allocate memory (vm.max_map_count is 65530)`.
std::string why_refused(std::size_t bytes, int error);

/// The same where the heap gave std::bad_alloc for `bytes` more. To be asked before anything is freed.
std::string why_heap_refused(std::size_t bytes);

}  // namespace segue::legacy::legacy_detail
