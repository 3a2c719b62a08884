// create_task() takes a coroutine, or a function and copies
#include <segue/modern/tasks/taskgroups.hpp>

using segue::modern::Coroutine;

Coroutine<> f(int x);

void g(const segue::modern::TaskGroup& group) { group.create_task(f); }
