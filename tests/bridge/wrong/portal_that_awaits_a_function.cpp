// await_() takes a coroutine
#include <segue/bridge/portal.hpp>

using namespace segue::bridge;

segue::modern::Coroutine<int> f();

int g() { return await_(f); }
