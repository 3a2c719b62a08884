// std::ref(x) for a parameter that is a reference
#include <segue/bridge/coroutine.hpp>

using namespace segue::bridge;

void f(int& x);

void g(int x) { const auto made = coroutine(f)(x); }
