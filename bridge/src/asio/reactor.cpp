#include <segue/bridge/asio/reactor.hpp>

#include <exception>
#include <thread>
#include <utility>

#include <boost/asio/post.hpp>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::bridge {

namespace {

// How many handlers run before the loop has an iteration.
constexpr int most_handlers = 1024;

void report_handler_error() {
  modern::ExceptionContext context;
  context.message = "Exception in Asio handler";
  context.exception = std::current_exception();
  modern::get_running_loop().call_exception_handler(context);
}

}  // namespace

AsioReactor::AsioReactor(modern::Reactor& inner, boost::asio::io_context* context)
    : HostedReactor(inner),
      context_(context != nullptr ? *context : own_.emplace(1)),
      found_(context_, inner.fileno()) {}

AsioReactor::AsioReactor(std::unique_ptr<modern::Reactor> inner, boost::asio::io_context& context)
    : AsioReactor(*inner, &context) {
  keep(std::move(inner));
}

AsioReactor::~AsioReactor() { found_.release(); }

void AsioReactor::wait(time_point deadline, modern::ReadyQueue& ready) {
  const modern::ScopeExit stop_again([this] {
    if (is_guest() && (context_.stopped() || was_stopped_)) context_.stop();
    was_stopped_ = false;
  });
  run_handlers(deadline);
  if (!waits_) inner().poll(time_point::min(), ready);  // else the io_context would have told
}

void AsioReactor::run_handlers(time_point deadline) {
  for (int i = 0; i < most_handlers; ++i) {
    try {
      if (deadline != time_point::min() && own_) return wait_until(deadline);
      restart();
      if (context_.poll_one() > 0) {
        deadline = time_point::min();  // the handler may have scheduled something
      } else if (deadline == time_point::min()) {
        return;
      } else {
        wait_until(std::exchange(deadline, time_point::min()));
      }
    } catch (...) {
      if (ends_program(std::current_exception())) throw;
      report_handler_error();
      deadline = time_point::min();
    }
  }
}

// One that had nothing to do has stopped by itself. Below the program's own run(), which has a guest to wait for, it
// was told to.
void AsioReactor::restart() {
  was_stopped_ = was_stopped_ || context_.stopped();
  context_.restart();
}

// The loop's descriptors have something. Where another thread runs this, the loop would sleep on.
struct AsioReactor::Found {
  void operator()(const boost::system::error_code& error = {}) const {
    if (error) return;
    if (std::this_thread::get_id() == reactor.thread_.load(std::memory_order_relaxed)) {
      reactor.waits_ = false;
      return;
    }
    boost::asio::post(reactor.context_, Found(*this));
    throw RuntimeError("the io_context of an event loop is run by a second thread: the loop runs it, and has one");
  }
  AsioReactor& reactor;
};

// Runs one handler, and waits for it. A wait for found_ that has not ended goes on, but in the program's io_context.
void AsioReactor::wait_until(time_point deadline) {
  struct StopWaiting {
    ~StopWaiting() {
      if (!reactor.waits_ || reactor.own_) return;
      reactor.found_.cancel();
      reactor.waits_ = false;
    }
    AsioReactor& reactor;
  } const at_the_end{*this};
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  if (!waits_) {
    found_.async_wait(boost::asio::posix::descriptor_base::wait_read, Found{*this});
    waits_ = true;
  }
  restart();
  if (deadline == time_point::max()) {
    context_.run_one();
  } else {
    context_.run_one_until(deadline);
  }
}

AsioReactor& AsioReactor::of(modern::EventLoop& loop, boost::asio::io_context* context) {
  if (auto* const reactor = dynamic_cast<AsioReactor*>(&loop.reactor())) {
    if (context != nullptr && context != &reactor->context_)
      throw RuntimeError("this event loop has another io_context already");
    return *reactor;
  }
  if (loop.reactor().fileno() < 0) throw RuntimeError("this event loop's reactor cannot wait in an io_context");
  auto made = std::make_unique<AsioReactor>(loop.reactor(), context);
  AsioReactor& reactor = *made;
  reactor.keep(loop.exchange_reactor(std::move(made)));
  return reactor;
}

std::unique_ptr<modern::Reactor> make_reactor(boost::asio::io_context& context) {
  return std::make_unique<AsioReactor>(modern::make_reactor(), context);
}

boost::asio::io_context& io_context(modern::EventLoop& loop) { return AsioReactor::of(loop).context(); }

}  // namespace segue::bridge
