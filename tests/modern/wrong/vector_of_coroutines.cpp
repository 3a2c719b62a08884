// anywhere: of several: gather(a(), b()), std::to_array({a(), b()})
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>

using segue::modern::Coroutine;

Coroutine<> a();
Coroutine<> b();

void g() { std::vector<Coroutine<>> coroutines{a(), b()}; }
