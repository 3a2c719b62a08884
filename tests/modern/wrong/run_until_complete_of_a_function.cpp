// run_until_complete() takes a coroutine
#include <segue/modern/tasks/runners.hpp>

using segue::modern::Coroutine;

Coroutine<int> serve();

int main() { return segue::modern::new_event_loop()->run_until_complete(serve); }
