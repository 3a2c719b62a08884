// What a crossing takes from the heap in the long run: nothing, where none is for somebody else. Frames, futures and
// tasks come from the thread's pool, stacks from theirs.
#include <cstddef>
#include <exception>

#include <boost/asio/awaitable.hpp>
#include <gtest/gtest.h>

#include <segue/bridge/asio/co_spawn.hpp>
#include <segue/bridge/asio/from_asio.hpp>
#include <segue/bridge/asio/use_segue.hpp>
#include <segue/bridge/c_callback.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/listener.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/promisify.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/loop/event_loop.hpp>

#include "bridge/loop.hpp"
#include "counted_allocations.hpp"

namespace segue::bridge {
namespace {

using modern::Coroutine;
using segue::testing::allocations_made;

class CrossingAllocation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!segue::testing::allocations_counted || !modern::detail::pooled())
      GTEST_SKIP() << "not counted under a sanitizer";
  }

  /// What awaiting `cross()` takes once the pools are filled.
  template <class Cross>
  std::size_t taken_by(Cross cross) {
    std::size_t taken = 0;
    const auto main = [&]() -> Coroutine<> {
      for (int i = 0; i < 3; ++i) {
        const std::size_t before = allocations_made();
        const int result = co_await cross();
        taken = allocations_made() - before;
        EXPECT_EQ(result, 1);
      }
    };
    testing::make_loop()->run_until_complete(main());
    return taken;
  }
};

Coroutine<int> gives_one() { co_return 1; }
const auto old_gives_one = coroutine<int>([] { return 1; });
const auto old_awaits_one = coroutine<int>([] { return yield_from(gives_one()); });
Coroutine<int> awaits_old_one() { co_return co_await old_gives_one(); }

struct OneListener {
  virtual ~OneListener() = default;
  virtual void on_one(int one) = 0;
};
struct OneCame final : Listener<OneListener, int> {
  void on_one(int one) override { succeed(one); }
};

TEST_F(CrossingAllocation, between_the_generations_there_is_none) {
  EXPECT_EQ(taken_by([] { return old_gives_one(); }), 0U);
  EXPECT_EQ(taken_by([] { return old_awaits_one(); }), 0U);
  EXPECT_EQ(taken_by(awaits_old_one), 0U);
  EXPECT_EQ(taken_by([] { return portal([] { return await_(gives_one()); }); }), 0U);
}

TEST_F(CrossingAllocation, from_callbacks_and_back_there_is_none) {
  const auto later = [](auto done) { modern::get_running_loop().call_soon([done] { done(1); }); };
  const auto without_error = [](auto done) { done(std::exception_ptr(), 1); };
  const auto in_c = [](auto* call, void* data) { call(1, data); };
  const auto there_and_back = [](auto done) { to_callback(gives_one)(done); };
  EXPECT_EQ(taken_by([] { return from_callback<int>([](auto done) { done(1); }); }), 0U);
  EXPECT_EQ(taken_by([&] { return from_callback<int>(later); }), 0U);
  EXPECT_EQ(taken_by([&] { return from_callback<int>(error_first, without_error); }), 0U);
  EXPECT_EQ(taken_by([&] { return from_callback<void(int, void*)>(in_c); }), 0U);
  EXPECT_EQ(taken_by([] { return promisify<int>([](auto done) { done(1); })(); }), 0U);
  EXPECT_EQ(taken_by([&] { return from_callback<int>(error_first, there_and_back); }), 0U);
}

TEST_F(CrossingAllocation, of_a_listener_it_is_the_object) {
  EXPECT_EQ(taken_by([] { return from_listener<OneCame>([](OneCame& listener) { listener.on_one(1); }); }), 1U);
}

TEST_F(CrossingAllocation, to_asio_and_back_there_is_one_at_most) {
  const auto awaitable = []() -> boost::asio::awaitable<int, LoopExecutor> { co_return 1; };
  EXPECT_LE(taken_by([] { return co_spawn(modern::get_running_loop(), gives_one(), use_segue); }), 1U);
  EXPECT_LE(taken_by([&] { return from_asio(LoopExecutor(modern::get_running_loop()), awaitable()); }), 1U);
}

}  // namespace
}  // namespace segue::bridge
