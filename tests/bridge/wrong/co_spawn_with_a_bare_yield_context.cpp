// as_tuple(yield)
#include <segue/bridge/asio/co_spawn.hpp>

using namespace segue::bridge;

segue::modern::Coroutine<int> f();

void h(segue::modern::EventLoop& loop, const boost::asio::basic_yield_context<LoopExecutor>& yield) {
  co_spawn(loop, f, yield);
}
