// wait() takes tasks and futures
#include <segue/modern/tasks/wait.hpp>

using segue::modern::Coroutine;

Coroutine<int> f();

Coroutine<> g() { co_await segue::modern::wait(f(), f()); }
