// wait_for() takes a coroutine
#include <segue/modern/tasks/wait_for.hpp>

using segue::modern::Coroutine;

Coroutine<int> f();

Coroutine<int> g() { co_return co_await segue::modern::wait_for(f, std::chrono::seconds(1)); }
