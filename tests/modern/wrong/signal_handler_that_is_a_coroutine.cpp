// coroutines cannot be used with add_signal_handler(): give it a callback that makes a task
#include <segue/modern/tasks/task.hpp>

using segue::modern::Coroutine;

Coroutine<> f();

void g() { segue::modern::get_running_loop().add_signal_handler(1, f); }
