// a task or a future is none
#include <segue/modern/tasks/task.hpp>

void g(const segue::modern::Task<int>& task) { segue::modern::create_task(task); }
