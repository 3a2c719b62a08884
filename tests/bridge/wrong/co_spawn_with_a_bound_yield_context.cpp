// as_tuple(yield)
#include <boost/asio/bind_executor.hpp>

#include <segue/bridge/asio/co_spawn.hpp>

using namespace segue::bridge;

using Yield = boost::asio::basic_yield_context<LoopExecutor>;

segue::modern::Coroutine<int> f();

void h(segue::modern::EventLoop& loop, const boost::asio::executor_binder<Yield, LoopExecutor>& yield) {
  co_spawn(loop, f, yield);
}
