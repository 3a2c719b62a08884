// std::ref(x) for a parameter that is a reference
#include <segue/modern/threads/to_thread.hpp>

using segue::modern::Coroutine;

int f(int& x);

Coroutine<int> g(int x) { co_return co_await segue::modern::to_thread(f, x); }
