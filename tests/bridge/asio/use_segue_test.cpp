#include <segue/bridge/asio/use_segue.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "bridge/loop.hpp"

namespace segue::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using modern::CancelledError;
using modern::Coroutine;
using testing::Trace;

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

TEST(UseSegueAdapted, GivesATupleInsteadOfThrowing) {
  const auto loop = modern::new_event_loop();
  tcp::acceptor acceptor = listen(*loop);
  auto main = [&]() -> Coroutine<> {
    tcp::socket client(io_context(*loop));
    const auto [error] = co_await client.async_connect(acceptor.local_endpoint(), asio::as_tuple(use_segue));
    EXPECT_FALSE(error);
    auto [accept_error, server] = co_await acceptor.async_accept(asio::as_tuple(use_segue));
    EXPECT_FALSE(accept_error);
    co_await asio::async_write(server, asio::buffer("abc", 3), use_segue);
    server.close();
    char bytes[5];
    const auto [end, count] = co_await asio::async_read(client, asio::buffer(bytes), asio::as_tuple(use_segue));
    EXPECT_EQ(end, asio::error::eof);
    EXPECT_EQ(count, 3U);
  };
  loop->run_until_complete(main());
  const auto other_style = coroutine<>([&] {
    asio::steady_timer timer(io_context(*loop), 1ms);
    EXPECT_EQ(yield_from(timer.async_wait(asio::as_tuple(use_segue))), std::tuple(boost::system::error_code()));
  });
  loop->run_until_complete(other_style());
}

// A cancellation is the task's, and no error of the operation's.
TEST(UseSegueAdapted, ThrowsCancelledErrorAlsoWhereErrorsAreValues) {
  const auto loop = modern::new_event_loop();
  auto main = [&]() -> Coroutine<> {
    asio::steady_timer timer(io_context(*loop), 1h);
    co_await timer.async_wait(asio::as_tuple(use_segue));
  };
  const auto task = loop->create_task(main());
  loop->run_until_complete(modern::sleep(0s));
  task.cancel();
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
}

TEST(UseSegueAdapted, ASlotsSignalEndsTheOperationAndTheTaskGetsTheError) {
  const auto loop = modern::new_event_loop();
  asio::cancellation_signal signal;
  auto main = [&]() -> Coroutine<> {
    asio::steady_timer timer(io_context(*loop), 1h);
    const auto [error] =
        co_await timer.async_wait(asio::bind_cancellation_slot(signal.slot(), asio::as_tuple(use_segue)));
    EXPECT_EQ(error, asio::error::operation_aborted);
    co_await timer.async_wait(asio::as_tuple(asio::bind_cancellation_slot(signal.slot(), use_segue)));
  };
  const auto task = loop->create_task(main());
  loop->run_until_complete(modern::sleep(0s));
  signal.emit(asio::cancellation_type::terminal);
  loop->run_until_complete(modern::sleep(1ms));
  EXPECT_FALSE(task.done());  // it waits once more
  task.cancel();
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  signal.emit(asio::cancellation_type::terminal);  // the timer is gone
}

TEST(UseSegueAdapted, CallsAndCancelsByTheExecutorThatIsBound) {
  const auto loop = modern::new_event_loop();
  asio::io_context elsewhere;
  auto main = [&](asio::steady_timer::duration delay) -> Coroutine<> {
    asio::steady_timer timer(io_context(*loop), delay);
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::bind_executor(elsewhere, use_segue), error));
    EXPECT_FALSE(error);
  };
  const auto task = loop->create_task(main(0s));
  loop->run_until_complete(modern::sleep(1ms));
  EXPECT_FALSE(task.done());
  EXPECT_EQ(elsewhere.run(), 1U);
  loop->run_until_complete(task);

  const auto cancelled = loop->create_task(main(1h));
  loop->run_until_complete(modern::sleep(0s));
  cancelled.cancel();
  loop->run_until_complete(modern::sleep(1ms));
  EXPECT_FALSE(cancelled.done());
  elsewhere.restart();
  EXPECT_EQ(elsewhere.run_one(), 1U);            // cancels
  loop->run_until_complete(modern::sleep(1ms));  // the timer tells
  EXPECT_EQ(elsewhere.run(), 1U);                // calls
  EXPECT_THROW(loop->run_until_complete(cancelled), CancelledError);
}

TEST(UseSegueAdapted, IsTheDefaultOfAnObject) {
  const auto loop = modern::new_event_loop();
  using Socket = use_segue_t::as_default_on_t<tcp::socket>;
  using Acceptor = use_segue_t::as_default_on_t<tcp::acceptor>;
  using Timer = use_segue_t::as_default_on_t<asio::steady_timer>;
  auto main = [&]() -> Coroutine<> {
    Acceptor acceptor(io_context(*loop), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    Socket client(io_context(*loop));
    co_await client.async_connect(acceptor.local_endpoint());
    auto server = use_segue.as_default_on(co_await acceptor.async_accept());
    const std::size_t written = co_await server.async_write_some(asio::buffer("abc", 3));
    EXPECT_EQ(written, 3U);
    char bytes[3];
    const std::size_t read = co_await asio::async_read(client, asio::buffer(bytes));
    EXPECT_EQ(read, 3U);
    Timer timer(io_context(*loop), 1ms);
    co_await timer.async_wait();
  };
  loop->run_until_complete(main());
}

// Asio's own operations never do, but others' initiations may.
TEST(UseSegue, TakesACallBeforeTheInitiationReturns) {
  const auto loop = testing::make_loop();
  auto main = [&]() -> Coroutine<int> {
    auto initiation = [](auto handler) { std::move(handler)(boost::system::error_code(), 3); };
    co_return co_await asio::async_initiate<const use_segue_t&, void(boost::system::error_code, int)>(initiation,
                                                                                                      use_segue);
  };
  EXPECT_EQ(loop->run_until_complete(main()), 3);
}

TEST(UseSegue, ThrowsWhatTheInitiationThrows) {
  const auto loop = testing::make_loop();
  auto main = [&]() -> Coroutine<> {
    auto initiation = [](auto) { throw ValueError("cannot start"); };
    co_await asio::async_initiate<const use_segue_t&, void()>(initiation, use_segue);
  };
  EXPECT_THROW(loop->run_until_complete(main()), ValueError);
}

// An operation that takes no notice of its slot.
TEST(UseSegue, LeavesAnOperationThatCannotBeCancelledToItself) {
  const auto loop = testing::make_loop();
  Trace reports;
  testing::collect_reports(*loop, reports);
  std::function<void()> complete;
  auto main = [&]() -> Coroutine<> {
    auto initiation = [&](auto handler) {
      complete = [kept = std::make_shared<decltype(handler)>(std::move(handler))] { (*kept)(); };
    };
    co_await asio::async_initiate<const use_segue_t&, void()>(initiation, use_segue);
  };
  const auto task = loop->create_task(main());
  loop->run_until_complete(modern::sleep(0s));
  task.cancel();
  EXPECT_THROW(loop->run_until_complete(task), CancelledError);
  loop->call_soon(complete);
  loop->run_until_complete(modern::sleep(1s));
  EXPECT_TRUE(reports.empty());
}

}  // namespace
}  // namespace segue::bridge
