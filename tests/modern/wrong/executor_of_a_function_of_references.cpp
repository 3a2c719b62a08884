// std::ref(x) for a parameter that is a reference
#include <segue/modern/threads/to_thread.hpp>

int f(int& x);

void g(segue::modern::EventLoop& loop, int x) { loop.run_in_executor(f, x); }
