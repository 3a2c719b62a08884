// create_task() takes a coroutine, or a function and copies
#include <segue/modern/tasks/task.hpp>

using segue::modern::Coroutine;

Coroutine<> f(int x);

void g() { const auto task = segue::modern::create_task(f); }
