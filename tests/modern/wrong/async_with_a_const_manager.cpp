// one that is const has to have them const
#include <segue/modern/tasks/async_with.hpp>

using segue::modern::Coroutine;

struct Manager {
  void aenter();
  void aexit(const std::exception_ptr& error);
};

Coroutine<> g(const Manager& manager) {
  co_await segue::modern::async_with(manager, []() -> Coroutine<> { co_return; });
}
