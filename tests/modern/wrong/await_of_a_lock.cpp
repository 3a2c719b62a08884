// lock.acquire()
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/sync/lock.hpp>

using segue::modern::Coroutine;

Coroutine<> g(segue::modern::Lock lock) { co_await lock; }
