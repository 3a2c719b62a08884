// How often something is thrown, for tests of what must not throw, or not more often than it has to.
#pragma once

#include <cstddef>

namespace segue::testing {

/// Whether throws_made() counts: a sanitizer watches over the same function, and has it for itself.
extern const bool throws_counted;

/// How many exceptions this thread has thrown so far: by `throw`, `throw;` or std::rethrow_exception().
std::size_t throws_made() noexcept;

}  // namespace segue::testing
