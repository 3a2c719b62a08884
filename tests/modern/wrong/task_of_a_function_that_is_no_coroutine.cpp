// create_task() takes a coroutine, or a function and copies
#include <segue/modern/tasks/task.hpp>

using segue::modern::Coroutine;

int f();

void g() { segue::modern::get_running_loop().create_task(f); }
