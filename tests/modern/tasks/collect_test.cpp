#include <segue/modern/tasks/collect.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::error_of;
using testing::make_loop;

AsyncGenerator<int> count_to(int end) {
  for (int i = 0; i < end; ++i) {
    co_await sleep(1s);
    co_yield i;
  }
}

Coroutine<int> squared_later(int i) {
  co_await sleep(1s);
  co_return i* i;
}
Coroutine<bool> is_even_later(int i) {
  co_await sleep(1s);
  co_return i % 2 == 0;
}
bool is_even(int i) { return i % 2 == 0; }

TEST(Collect, gives_the_values_in_order) {
  auto loop = make_loop();
  EXPECT_THAT(loop->run_until_complete(collect(count_to(4))), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(loop->run_until_complete(collect(count_to(0))), ElementsAre());
}

TEST(Collect, gives_what_is_made_of_those_that_pass) {
  auto loop = make_loop();
  const auto name = [](int i) { return "n" + std::to_string(i); };
  EXPECT_THAT(loop->run_until_complete(collect(count_to(3), name)), ElementsAre("n0", "n1", "n2"));
  EXPECT_THAT(loop->run_until_complete(collect(count_to(5), name, is_even)), ElementsAre("n0", "n2", "n4"));
  EXPECT_THAT(loop->run_until_complete(collect(count_to(5), std::identity(), is_even)), ElementsAre(0, 2, 4));
}

TEST(Collect, awaits_functions_that_are_coroutines) {
  auto loop = make_loop();
  EXPECT_THAT(loop->run_until_complete(collect(count_to(5), squared_later, is_even_later)), ElementsAre(0, 4, 16));
}

AsyncGenerator<std::unique_ptr<int>> pointers() {
  co_yield std::make_unique<int>(1);
  co_yield std::make_unique<int>(2);
}
AsyncGenerator<std::string&> lent(std::string& text) {
  for (int i = 0; i < 2; ++i) co_yield text;
}

TEST(Collect, moves_values_and_copies_what_is_referred_to) {
  auto loop = make_loop();
  EXPECT_THAT(loop->run_until_complete(collect(pointers())), ElementsAre(::testing::Pointee(1), ::testing::Pointee(2)));
  std::string text = "lent";
  EXPECT_THAT(loop->run_until_complete(collect(lent(text))), ElementsAre("lent", "lent"));
  const auto append = [](std::string& to) { return to += "!"; };
  EXPECT_THAT(loop->run_until_complete(collect(lent(text), append)), ElementsAre("lent!", "lent!!"));
  EXPECT_EQ(text, "lent!!");
}

TEST(Collect, leaves_an_iterator_that_it_was_lent_open_where_a_function_throws) {
  auto loop = make_loop();
  AsyncGenerator<int> counting = count_to(4);
  const auto refuse_one = [](int i) -> int { return i == 1 ? throw ValueError("one") : i; };
  EXPECT_EQ(error_of(*loop, collect(counting, refuse_one)), "ValueError: one");
  EXPECT_THAT(loop->run_until_complete(collect(counting)), ElementsAre(2, 3));
}

/// What has an aiter(), and counts how often that is called.
struct Countdown {
  struct Iterator {
    Coroutine<int> anext() {
      co_await sleep(0s);
      if (left == 0) throw StopAsyncIteration();
      co_return --left;
    }
    int left;
  };
  Iterator aiter() {
    ++asked;
    return {3};
  }
  int asked = 0;
};

TEST(Collect, takes_what_has_an_aiter_and_asks_once) {
  auto loop = make_loop();
  Countdown countdown;
  EXPECT_THAT(loop->run_until_complete(collect(countdown)), ElementsAre(2, 1, 0));
  EXPECT_EQ(countdown.asked, 1);
}

}  // namespace
}  // namespace segue::modern
