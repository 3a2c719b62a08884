// gather() takes coroutines
#include <segue/modern/tasks/gather.hpp>

using segue::modern::Coroutine;

Coroutine<int> f();

Coroutine<> g() { auto [a, b] = co_await segue::modern::gather(f(), f); }
