// std::ref(x) for a parameter that is a reference
#include <segue/bridge/portal.hpp>

using namespace segue::bridge;

void f(int& x);

void g(int x) { const auto made = portal(f, x); }
