// gather() takes coroutines
#include <segue/modern/tasks/gather.hpp>

using segue::modern::Coroutine;

Coroutine<> g(std::vector<Coroutine<int>>& coroutines) {
  const auto& seen = coroutines;
  co_await segue::modern::gather(seen);
}
