// ensure_future() takes a coroutine
#include <segue/modern/tasks/task.hpp>

using segue::modern::Coroutine;

Coroutine<int> f();

void g() { segue::modern::ensure_future(f); }
