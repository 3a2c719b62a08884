// run() takes a coroutine
#include <segue/modern/tasks/runners.hpp>

using segue::modern::Coroutine;

Coroutine<> serve();

int main() { segue::modern::run(serve, {.debug = true}); }
