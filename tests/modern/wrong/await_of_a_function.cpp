// call a coroutine function, f()
#include <segue/modern/kernel/coroutine.hpp>

using segue::modern::Coroutine;

Coroutine<int> f();

Coroutine<int> g() { co_return co_await f; }
