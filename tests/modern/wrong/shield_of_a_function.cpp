// shield() takes a coroutine
#include <segue/modern/tasks/shield.hpp>

using segue::modern::Coroutine;

Coroutine<int> f();

Coroutine<int> g() { co_return co_await segue::modern::shield(f); }
