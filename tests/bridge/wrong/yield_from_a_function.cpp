// yield_from() takes a coroutine
#include <segue/bridge/coroutine.hpp>

using namespace segue::bridge;

segue::modern::Coroutine<int> f();

int g() { return yield_from(f); }
