// Every allocation of a scenario refused once, and from there on. (With AddressSanitizer each frame and each task is an
// allocation; else they come out of a pool, which is filled first.)
#pragma once

#include <cstddef>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/task.hpp>

#include "counted_allocations.hpp"
#include "modern/attempt.hpp"

namespace segue::modern::testing {

// Longer than what a string keeps in itself.
inline const std::string long_text(100, 'x');

/// For tests that refuse allocations. What is logged meanwhile is dropped.
class RefusedAllocations : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!segue::testing::allocations_counted) GTEST_SKIP() << "no allocation can be refused under ThreadSanitizer";
    former_ = set_log_handler([](LogLevel, const std::string&) {});
  }
  void TearDown() override { set_log_handler(std::move(former_)); }

  /// Runs the scenario with its first allocation refused, with its second one, … until it comes through. It may end
  /// with std::bad_alloc, with a MemoryError or with a group of such, and loses nothing.
  template <class Scenario>
  void refuse_each_allocation(Scenario scenario) {
    scenario();  // fills the pools, and makes whatever is made once
    for (const auto refused : {segue::testing::Refused::once, segue::testing::Refused::from_then_on}) {
      refused_once_ = refused == segue::testing::Refused::once;
      bool happened = true;
      for (std::size_t nth = 1; happened; ++nth) {
        const std::ptrdiff_t alive = segue::testing::allocations_alive();
        std::string unexpected;
        {
          const segue::testing::RefusedAllocation refusal(nth, refused);
          try {
            scenario();
          } catch (const std::bad_alloc&) {
          } catch (const MemoryError&) {
          } catch (const BaseExceptionGroup& group) {
            const segue::testing::NothingRefused to_look_inside;
            if (const std::exception_ptr other = group.split<std::bad_alloc, MemoryError>().rest)
              unexpected = text(other);
          } catch (const std::exception& error) {
            const segue::testing::NothingRefused to_say_so;
            unexpected = error.what();
          }
          happened = refusal.happened();
        }
        const char* const and_more = refused == segue::testing::Refused::once ? "" : " and all after it";
        ASSERT_EQ(unexpected, "") << "by refusing allocation " << nth << and_more;
        ASSERT_EQ(segue::testing::allocations_alive(), alive) << "lost by refusing allocation " << nth << and_more;
        ASSERT_LT(nth, 10'000U) << "there is no end to it";
      }
    }
  }
  /// The same of a program of tasks.
  template <class Main>
  void run_refusing(Main main) {
    refuse_each_allocation([&] {
      const EventLoopPtr loop = make_loop();
      run_as_task(*loop, main());
    });
  }
  /// What ends it comes out of the program. It may leave the loop past that only where there is no memory left to tell
  /// the loop's exception handler.
  template <class T>
  void run_as_task(EventLoop& loop, Coroutine<T> main) {
    const Task<T> task = loop.create_task(std::move(main));
    try {
      loop.run_until_complete(task);
    } catch (const std::bad_alloc&) {
      const segue::testing::NothingRefused to_say_so;
      const bool past_it = !task.done() && task.get_coro().state != CoroutineState::CORO_CREATED;
      EXPECT_FALSE(past_it && refused_once_) << "it has left the loop past the program";
      throw;
    }
  }

 private:
  LogHandler former_;
  bool refused_once_ = false;
};

}  // namespace segue::modern::testing
