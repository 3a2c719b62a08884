// create_task(std::move(coroutine))
#include <segue/modern/tasks/task.hpp>

using segue::modern::Coroutine;

Coroutine<> f();

void g() {
  Coroutine<> coroutine = f();
  segue::modern::create_task(coroutine);
}
