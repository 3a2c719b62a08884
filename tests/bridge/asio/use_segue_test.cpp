#include <segue/bridge/asio/use_segue.hpp>

#include <chrono>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using modern::CancelledError;
using modern::Coroutine;

Coroutine<> echo_once(tcp::acceptor& acceptor) {
  tcp::socket socket = co_await acceptor.async_accept(use_segue);
  char bytes[5];
  const std::size_t count = co_await asio::async_read(socket, asio::buffer(bytes), use_segue);
  co_await asio::async_write(socket, asio::buffer(bytes, count), use_segue);
}

tcp::acceptor listen(modern::EventLoop& loop) {
  return {io_context(loop), tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
}

TEST(UseSegue, ServesBothStylesOfCoroutine) {
  const auto loop = modern::new_event_loop();
  tcp::acceptor acceptor = listen(*loop);
  const auto server = loop->create_task(echo_once(acceptor));
  const auto client = coroutine<std::string>([&] {
    tcp::socket socket(io_context(*loop));
    yield_from(socket.async_connect(acceptor.local_endpoint(), use_segue));
    std::string text = "hello";
    yield_from(asio::async_write(socket, asio::buffer(text), use_segue));
    text.assign(5, '?');
    yield_from(asio::async_read(socket, asio::buffer(text), use_segue));
    return text;
  });
  EXPECT_EQ(loop->run_until_complete(client()), "hello");
  loop->run_until_complete(server);
}

TEST(UseSegue, ThrowsTheErrorCode) {
  const auto loop = modern::new_event_loop();
  auto main = [&]() -> Coroutine<> {
    tcp::endpoint nobody;
    {
      tcp::acceptor closed = listen(*loop);
      nobody = closed.local_endpoint();
    }
    tcp::socket socket(io_context(*loop));
    co_await socket.async_connect(nobody, use_segue);
  };
  try {
    loop->run_until_complete(main());
    FAIL();
  } catch (const OSError& error) {
    EXPECT_EQ(error.errno_code(), ECONNREFUSED);
  }
}

TEST(UseSegue, CancellingTheTaskCancelsTheOperation) {
  const auto loop = modern::new_event_loop();
  bool ended = false;
  auto main = [&]() -> Coroutine<> {
    asio::steady_timer timer(io_context(*loop), 1h);
    try {
      co_await timer.async_wait(use_segue);
    } catch (const CancelledError& error) {
      EXPECT_STREQ(error.what(), "stop");
      EXPECT_EQ(timer.cancel(), 0u);  // nothing is under way any more
      ended = true;
      throw;
    }
  };
  const auto task = loop->create_task(main());
  loop->call_soon([&] { loop->call_soon([&] { task.cancel("stop"); }); });
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  EXPECT_TRUE(ended);
}

TEST(UseSegue, TakesAnOperationThatIsPostedElsewhere) {
  const auto loop = modern::new_event_loop();
  auto main = [&]() -> Coroutine<int> {
    co_await asio::post(io_context(*loop), use_segue);
    co_return 1;
  };
  EXPECT_EQ(loop->run_until_complete(main()), 1);
}

}  // namespace
}  // namespace segue::bridge
