// std::ref(x) for a parameter that is a reference
#include <segue/modern/tasks/task.hpp>

using segue::modern::Coroutine;

Coroutine<> f(int& x);

void g(int x) { segue::modern::create_task(f, x); }
