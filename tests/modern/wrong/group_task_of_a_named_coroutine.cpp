// create_task(std::move(coroutine))
#include <segue/modern/tasks/taskgroups.hpp>

using segue::modern::Coroutine;

void g(const segue::modern::TaskGroup& group, Coroutine<> coroutine) { group.create_task(coroutine); }
