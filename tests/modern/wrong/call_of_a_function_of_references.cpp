// std::ref(x) for a parameter that is a reference
#include <segue/modern/tasks/call.hpp>

using segue::modern::Coroutine;

Coroutine<> f(int& x);

Coroutine<> g(int x) { co_await segue::modern::call(f, x); }
