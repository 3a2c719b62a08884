// async_with() takes a context manager
#include <segue/modern/sync/event.hpp>
#include <segue/modern/tasks/async_with.hpp>

using segue::modern::Coroutine;

Coroutine<> g(segue::modern::Event event) {
  co_await segue::modern::async_with(event, []() -> Coroutine<> { co_return; });
}
