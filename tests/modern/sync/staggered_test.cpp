#include <segue/modern/sync/staggered.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using testing::attempt;
using ::testing::ElementsAre;
using testing::make_loop;
using testing::text;
using testing::Trace;

using Entrant = std::function<Coroutine<std::string>()>;

class StaggeredRace : public ::testing::Test {
 protected:
  /// Takes `time`, and fails or wins.
  Entrant runner(std::string name, std::chrono::milliseconds time, bool fails = false) {
    return [this, name, time, fails] { return run_for(trace, name, time, fails); };
  }
  static Coroutine<std::string> run_for(Trace& trace, std::string name, std::chrono::milliseconds time, bool fails) {
    trace.push_back(name + " starts");
    try {
      co_await sleep(time);
    } catch (const CancelledError& error) {
      trace.push_back(name + " is cancelled" + (error.message() ? ": " + *error.message() : ""));
      throw;
    }
    if (fails) throw ValueError(name);
    co_return name + " wins";
  }
  StaggeredResult<std::string> race(std::vector<Entrant> entrants, std::optional<Delay> delay) {
    return loop->run_until_complete(staggered_race(std::move(entrants), delay));
  }
  static std::vector<std::string> errors(const StaggeredResult<std::string>& result) {
    std::vector<std::string> texts;
    for (const auto& error : result.exceptions) texts.push_back(error ? text(error) : "None");
    return texts;
  }

  Trace trace;
  EventLoopPtr loop = make_loop();
};

TEST_F(StaggeredRace, has_no_winner_where_nobody_takes_part) {
  const auto result = race({}, std::nullopt);
  EXPECT_EQ(result.winner_result, std::nullopt);
  EXPECT_EQ(result.winner_index, std::nullopt);
  EXPECT_THAT(errors(result), ElementsAre());
}

TEST_F(StaggeredRace, is_won_by_the_first_alone) {
  const auto result = race({runner("a", 10ms), runner("b", 1ms)}, std::nullopt);
  EXPECT_EQ(result.winner_result, "a wins");
  EXPECT_EQ(result.winner_index, 0U);
  EXPECT_THAT(errors(result), ElementsAre("None"));
  EXPECT_THAT(trace, ElementsAre("a starts"));
}

TEST_F(StaggeredRace, starts_the_next_one_at_a_failure) {
  const auto result = race({runner("a", 10ms, true), runner("b", 1ms)}, std::nullopt);
  EXPECT_EQ(result.winner_index, 1U);
  EXPECT_THAT(errors(result), ElementsAre("ValueError(a)", "None"));
}

TEST_F(StaggeredRace, starts_the_next_one_after_the_delay_and_cancels_who_loses) {
  const auto result = race({runner("a", 10s), runner("b", 1s), runner("c", 1ms)}, 100ms);
  EXPECT_EQ(result.winner_result, "c wins");
  EXPECT_EQ(result.winner_index, 2U);
  EXPECT_THAT(errors(result), ElementsAre("CancelledError()", "CancelledError()", "None"));
  EXPECT_THAT(trace, ElementsAre("a starts", "b starts", "c starts", "a is cancelled", "b is cancelled"));
}

TEST_F(StaggeredRace, does_not_wait_for_the_delay_after_a_failure) {
  const auto begin = loop->time();
  const auto result = race({runner("a", 1ms, true), runner("b", 1ms)}, 1h);
  EXPECT_EQ(result.winner_index, 1U);
  EXPECT_EQ(loop->time() - begin, 2ms);
}

TEST_F(StaggeredRace, gives_all_errors_where_all_fail) {
  const auto result = race({runner("a", 1ms, true), runner("b", 1ms, true)}, std::nullopt);
  EXPECT_EQ(result.winner_index, std::nullopt);
  EXPECT_THAT(errors(result), ElementsAre("ValueError(a)", "ValueError(b)"));
}

TEST_F(StaggeredRace, hands_a_cancellation_with_its_message_on_and_waits) {
  const auto main = [this]() -> Coroutine<> {
    std::vector<Entrant> entrants{runner("a", 10s), runner("b", 10s)};
    const auto racing = create_task(staggered_race(std::move(entrants), 1s));
    co_await sleep(2s);
    racing.cancel("enough");
    std::string outcome;
    try {
      co_await racing;
    } catch (const CancelledError& error) {
      outcome = error.message().value_or("");
    }
    EXPECT_EQ(outcome, "enough");
    EXPECT_EQ(all_tasks().size(), 1U);
  };
  loop->run_until_complete(main());
  EXPECT_THAT(trace, ElementsAre("a starts", "b starts", "a is cancelled: enough", "b is cancelled: enough"));
}

TEST_F(StaggeredRace, fails_where_two_succeed) {
  const auto refuses = [this]() -> Coroutine<std::string> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      trace.push_back("a refuses");
    }
    co_return "a wins all the same";
  };
  std::vector<std::string> errors;
  try {
    race({refuses, runner("b", 1ms)}, 1ms);
  } catch (const ExceptionGroup& group) {
    errors.push_back(group.message());
    for (const auto& error : group.exceptions()) errors.push_back(text(error));
  }
  EXPECT_THAT(errors, ElementsAre("staggered race failed",
                                  "RuntimeError(staggered_race(): 0 succeeds after 1 has won, "
                                  "although it was cancelled)"));
  EXPECT_THAT(trace, ElementsAre("b starts", "a refuses"));
  EXPECT_THAT(all_tasks(*loop), ElementsAre());
}

TEST_F(StaggeredRace, of_eager_tasks_is_the_same) {
  loop->set_task_factory(eager_task_factory);
  const auto result = race({runner("a", 2s), runner("b", 1s), runner("c", 0s, true)}, 250ms);
  EXPECT_EQ(result.winner_result, "b wins");
  EXPECT_EQ(result.winner_index, 1U);
  EXPECT_THAT(errors(result), ElementsAre("CancelledError()", "None", "ValueError(c)"));
}

TEST_F(StaggeredRace, of_eager_tasks_without_a_delay_starts_the_next_one_at_a_failure) {
  loop->set_task_factory(eager_task_factory);
  const auto fails_at_once = []() -> Coroutine<std::string> {
    throw ValueError("a");
    co_return "";
  };
  const auto result = race({fails_at_once, runner("b", 1s), runner("c", 0s)}, std::nullopt);
  EXPECT_EQ(result.winner_result, "b wins");
  EXPECT_EQ(result.winner_index, 1U);
  EXPECT_THAT(errors(result), ElementsAre("ValueError(a)", "None"));
}

TEST_F(StaggeredRace, takes_functions_without_a_result) {
  int calls = 0;
  const auto nothing = [&calls]() -> Coroutine<> {
    ++calls;
    co_return;
  };
  const std::vector entrants{nothing, nothing};
  const auto result = loop->run_until_complete(staggered_race(entrants, std::nullopt));
  EXPECT_EQ(result.winner_index, 0U);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace segue::modern
