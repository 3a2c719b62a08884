// create_task(std::move(coroutine)), of one that is not const
#include <segue/modern/tasks/task.hpp>

using segue::modern::Coroutine;

Coroutine<> f();

void g() {
  const Coroutine<> coroutine = f();
  segue::modern::create_task(std::move(coroutine), {.name = "const"});
}
