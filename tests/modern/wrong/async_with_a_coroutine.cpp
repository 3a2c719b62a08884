// the body of async_with() is a function
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/tasks/async_with.hpp>

using segue::modern::Coroutine;

Coroutine<> f();

Coroutine<> g(segue::modern::Lock lock) { co_await segue::modern::async_with(lock, f()); }
