// awaiting a coroutine changes it: leave out its const
#include <segue/modern/kernel/coroutine.hpp>

using segue::modern::Coroutine;

Coroutine<> g(const Coroutine<>& coroutine) { co_await coroutine; }
