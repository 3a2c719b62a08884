// A loop and Asio in one thread, each with much to do: neither keeps the other from its turns. By whom they are run:
// the loop runs its own io_context, or the program's, or the program's io_context runs the loop.
#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/asio.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using modern::Coroutine;
using Socket = asio::local::stream_protocol::socket;

enum class Host { loops_own, programs, guest };

class Together : public ::testing::TestWithParam<Host> {
 protected:
  Together() {
    if (GetParam() == Host::programs) loop = modern::new_event_loop(make_reactor(program));
    if (GetParam() == Host::guest) guest.emplace(*loop, program);
  }
  ~Together() override {
    busy = false;
    guest.reset();
  }

  asio::io_context& io() { return GetParam() == Host::guest ? program : io_context(*loop); }
  /// Runs both until `task` is done; that it ends is what the tests are about.
  template <class T>
  void run(const modern::Task<T>& task) {
    if (!guest) {
      loop->run_until_complete(task);
    } else {
      while (!task.done()) program.run_one();
    }
  }

  /// Without end, in a strand and beside it.
  void keep_asio_busy() {
    if (!busy) return;
    asio::post(io(), [this] { keep_asio_busy(); });
    ++turns_of_asio;
  }
  Coroutine<> keep_loop_busy() {
    for (; busy; ++turns_of_loop) co_await modern::sleep(0s);
  }

  asio::io_context program;
  modern::EventLoopPtr loop = modern::new_event_loop();
  std::optional<Guest> guest;
  bool busy = true;
  int turns_of_asio = 0;
  int turns_of_loop = 0;
};
std::string name_of(const ::testing::TestParamInfo<Host>& host) {
  if (host.param == Host::guest) return "Guest";
  return host.param == Host::programs ? "TheProgramsContext" : "ItsOwnContext";
}
INSTANTIATE_TEST_SUITE_P(Each, Together, ::testing::Values(Host::loops_own, Host::programs, Host::guest), name_of);

TEST_P(Together, a_busy_asio_leaves_tasks_their_turns) {
  asio::post(io(), [this] { keep_asio_busy(); });
  const auto task = loop->create_task([this]() -> Coroutine<> {
    for (int i = 0; i < 10; ++i) co_await modern::sleep(i < 5 ? 0ms : 1ms);
    busy = false;
  });
  run(task);
  EXPECT_GT(turns_of_asio, 0);
}

TEST_P(Together, a_busy_loop_leaves_handlers_their_turns) {
  const auto task = loop->create_task(keep_loop_busy());
  const auto strand = asio::make_strand(io());
  asio::steady_timer timer(io());
  Socket here(io());
  Socket there(io());
  asio::local::connect_pair(here, there);
  char byte;
  loop->call_soon([&] {
    timer.expires_after(1ms);
    timer.async_wait([&](const auto&) { asio::post(strand, [&] { asio::write(there, asio::buffer("x", 1)); }); });
  });
  here.async_read_some(asio::buffer(&byte, 1), asio::bind_executor(strand, [&](const auto& error, std::size_t) {
                         EXPECT_FALSE(error);
                         EXPECT_TRUE(strand.running_in_this_thread());
                         busy = false;
                       }));
  run(task);
  EXPECT_GT(turns_of_loop, 0);
}

// Signals are the process's: one that both may get is Asio's and the task's alike.
TEST_P(Together, a_signal_comes_through_both_that_are_busy) {
  asio::post(io(), [this] { keep_asio_busy(); });
  const auto other = loop->create_task(keep_loop_busy());
  const auto task = loop->create_task([this]() -> Coroutine<int> {
    asio::signal_set signals(io(), SIGUSR1);
    modern::get_running_loop().call_later(1ms, [] { std::raise(SIGUSR1); });
    const int signal = co_await signals.async_wait(use_segue);
    busy = false;
    co_return signal;
  });
  run(task);
  EXPECT_EQ(task.result(), SIGUSR1);
  run(other);
}

TEST_P(Together, operations_of_both_go_on_where_both_are_busy) {
  asio::post(io(), [this] { keep_asio_busy(); });
  const auto other = loop->create_task(keep_loop_busy());
  auto ticks = [](int& count) -> asio::awaitable<void> {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (; count < 5; ++count) {
      timer.expires_after(1ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
  };
  int of_asio = 0;
  asio::co_spawn(io(), ticks(of_asio), asio::detached);
  const auto task = loop->create_task([&]() -> Coroutine<> {
    for (int i = 0; i < 5 || of_asio < 5; ++i) co_await modern::sleep(1ms);
    busy = false;
  });
  run(task);
  run(other);
  EXPECT_GT(turns_of_asio, 5);
  EXPECT_GT(turns_of_loop, 5);
}

}  // namespace
}  // namespace segue::bridge
