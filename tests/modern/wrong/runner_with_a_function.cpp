// run() takes a coroutine
#include <segue/modern/tasks/runners.hpp>

using segue::modern::Coroutine;

Coroutine<int> serve();

int main() { return segue::modern::Runner().run(serve); }
