#include <segue/bridge/asio/use_segue.hpp>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
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

TEST(UseSegue, LeavesTheErrorToWhoAsksForIt) {
  const auto loop = modern::new_event_loop();
  auto main = [&]() -> Coroutine<> {
    tcp::endpoint nobody;
    {
      tcp::acceptor closed = listen(*loop);
      nobody = closed.local_endpoint();
    }
    boost::system::error_code error;
    tcp::socket socket(io_context(*loop));
    co_await socket.async_connect(nobody, asio::redirect_error(use_segue, error));
    EXPECT_EQ(error, asio::error::connection_refused);

    tcp::acceptor acceptor = listen(*loop);
    tcp::socket client(io_context(*loop));
    co_await client.async_connect(acceptor.local_endpoint(), asio::redirect_error(use_segue, error));
    EXPECT_FALSE(error);
    tcp::socket server = co_await acceptor.async_accept(asio::redirect_error(use_segue, error));
    const std::size_t written = co_await asio::async_write(server, asio::buffer("abc", 3), use_segue);
    EXPECT_EQ(written, 3U);
    server.close();
    char bytes[5];
    const std::size_t read =
        co_await asio::async_read(client, asio::buffer(bytes), asio::redirect_error(use_segue, error));
    EXPECT_EQ(read, 3U);
    EXPECT_EQ(error, asio::error::eof);
  };
  loop->run_until_complete(main());
}

TEST(UseSegue, CancelsAnOperationWhoseErrorIsRedirected) {
  const auto loop = modern::new_event_loop();
  auto main = [&]() -> Coroutine<> {
    asio::steady_timer timer(io_context(*loop), 1h);
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(use_segue, error));
  };
  const auto task = loop->create_task(main());
  loop->call_soon([&] { loop->call_soon([&] { task.cancel(); }); });
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
}

TEST(UseSegue, ThrowsEOFErrorAtTheEndOfAStream) {
  const auto loop = modern::new_event_loop();
  tcp::acceptor acceptor = listen(*loop);
  auto main = [&]() -> Coroutine<> {
    tcp::socket client(io_context(*loop));
    co_await client.async_connect(acceptor.local_endpoint(), use_segue);
    {
      const tcp::socket closed = co_await acceptor.async_accept(use_segue);
    }
    char bytes[5];
    co_await asio::async_read(client, asio::buffer(bytes), use_segue);
  };
  EXPECT_THROW(loop->run_until_complete(main()), EOFError);
}

TEST(UseSegue, LeavesNothingOfALoopThatEndsDuringAnOperation) {
  const auto open_files = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  const auto before = open_files();
  {
    const auto loop = modern::new_event_loop();
    loop->set_exception_handler([](auto&, const auto&) {});
    asio::steady_timer timer(io_context(*loop), 1h);
    auto main = [&]() -> Coroutine<> { co_await timer.async_wait(use_segue); };
    const auto task = loop->create_task(main());
    loop->run_until_complete(modern::sleep(0s));
  }
  EXPECT_EQ(open_files(), before);
}

TEST(UseSegue, IgnoresAnOperationOfAnotherThreadThatOutlivesTheLoop) {
  asio::io_context context;
  asio::steady_timer timer(context, 1h);
  {
    const auto loop = modern::new_event_loop();
    loop->set_exception_handler([](auto&, const auto&) {});
    auto main = [&]() -> Coroutine<> { co_await timer.async_wait(use_segue); };
    const auto task = loop->create_task(main());
    loop->run_until_complete(modern::sleep(0s));
  }
  timer.expires_after(0s);  // completes the operation, with an error
  std::thread([&context] { context.run(); }).join();
}

// A composed operation looks at its cancellation state, which lies in its slot, until it ends.
TEST(UseSegue, IgnoresAComposedOperationThatOutlivesTheLoop) {
  asio::io_context context;
  asio::local::stream_protocol::socket here(context);
  asio::local::stream_protocol::socket there(context);
  asio::local::connect_pair(here, there);
  char bytes[4];
  {
    const auto loop = modern::new_event_loop();
    loop->set_exception_handler([](auto&, const auto&) {});
    auto main = [&]() -> Coroutine<> { co_await asio::async_read(here, asio::buffer(bytes), use_segue); };
    const auto task = loop->create_task(main());
    loop->run_until_complete(modern::sleep(0s));
  }
  asio::write(there, asio::buffer("ab", 2));
  context.run_one();
  asio::write(there, asio::buffer("cd", 2));
  context.run();
  EXPECT_EQ(std::string(bytes, 4), "abcd");
}

TEST(UseSegue, FailsWhereTheOperationIsDestroyed) {
  const auto loop = modern::new_event_loop();
  auto context = std::make_unique<asio::io_context>();
  auto main = [&]() -> Coroutine<> { co_await asio::post(*context, use_segue); };
  const auto task = loop->create_task(main());
  loop->run_until_complete(modern::sleep(0s));
  context = nullptr;
  try {
    loop->run_until_complete(task);
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "callback was destroyed without being called");
  }
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
