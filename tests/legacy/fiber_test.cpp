#include <segue/legacy/fiber.hpp>

#include <unistd.h>

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <segue/legacy/stack.hpp>

namespace segue::legacy {
namespace {

// A fiber that runs a function, which suspends through the fiber it is given.
class Running : public Fiber {
 public:
  explicit Running(std::function<void(Fiber&)> function) : function_(std::move(function)) {}
  void run() noexcept { function_(*this); }
  std::string_view label() const noexcept override { return "running"; }

 private:
  std::function<void(Fiber&)> function_;
};

class Owned {
 public:
  explicit Owned(std::function<void(Fiber&)> function, StackSize size = {})
      : fiber_(make_fiber<Running>(size, std::move(function))) {}
  Owned(const Owned&) = delete;
  ~Owned() { destroy_fiber(fiber_); }
  Fiber* operator->() const { return fiber_; }
  Fiber& operator*() const { return *fiber_; }

 private:
  Fiber* fiber_;
};

std::string current_message() {
  const std::exception_ptr current = std::current_exception();
  if (!current) return "none";
  try {
    std::rethrow_exception(current);
  } catch (const std::exception& e) {
    return e.what();
  }
}

std::string rethrown_message() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  }
}

TEST(Fiber, RunsUpToItsSuspensionAndGoesOnFromThere) {
  std::vector<int> trace;
  const Owned fiber([&](Fiber& self) {
    trace.push_back(1);
    self.suspend();
    trace.push_back(3);
  });
  EXPECT_FALSE(fiber->started());
  fiber->resume();
  EXPECT_TRUE(fiber->started());
  EXPECT_FALSE(fiber->finished());
  trace.push_back(2);
  fiber->resume();
  EXPECT_TRUE(fiber->finished());
  EXPECT_EQ(trace, (std::vector{1, 2, 3}));
}

TEST(Fiber, HandsOverWhatItSuspendsWithAndNullAtItsEnd) {
  int message = 0;
  const Owned fiber([&](Fiber& self) { self.suspend(&message); });
  EXPECT_EQ(fiber->resume(), &message);
  EXPECT_EQ(fiber->resume(), nullptr);
}

TEST(Fiber, GoesBackToWhoeverResumedLast) {
  std::vector<std::string> trace;
  const Owned inner([&](Fiber& self) {
    for (int i = 0; i < 3; ++i) {
      trace.push_back("inner");
      self.suspend();
    }
  });
  const Owned outer([&](Fiber& self) {
    inner->resume();
    trace.push_back("outer");
    self.suspend();
  });
  inner->resume();
  trace.push_back("main");
  outer->resume();
  trace.push_back("main");
  inner->resume();
  outer->resume();
  inner->resume();
  EXPECT_EQ(trace, (std::vector<std::string>{"inner", "main", "inner", "outer", "main", "inner"}));
}

TEST(Fiber, MayBeResumedByAnotherThreadEachTime) {
  // Not std::this_thread::get_id(), which a compiler asks once for a function that never changes threads.
  std::vector<pid_t> seen;
  const Owned fiber([&](Fiber& self) {
    for (int i = 0; i < 3; ++i) {
      seen.push_back(gettid());
      self.suspend();
    }
  });
  fiber->resume();
  std::thread([&] { fiber->resume(); }).join();
  fiber->resume();
  fiber->resume();
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0], seen[2]);
  EXPECT_NE(seen[0], seen[1]);
}

TEST(Fiber, KnowsWhichOneRuns) {
  EXPECT_EQ(Fiber::current(), nullptr);
  Fiber* inside = nullptr;
  const Owned fiber([&](Fiber&) { inside = Fiber::current(); });
  fiber->resume();
  EXPECT_EQ(inside, &*fiber);
  EXPECT_EQ(Fiber::current(), nullptr);
}

TEST(Fiber, ConstructorThatThrowsGivesTheStackBack) {
  struct Failing : Fiber {
    Failing() { throw std::runtime_error("no"); }
    void run() noexcept {}
  };
  const std::size_t stacks = (free_stack(allocate_stack()), stack_statistics().stacks);
  for (int i = 0; i < 1000; ++i) EXPECT_THROW(make_fiber<Failing>(StackSize{}), std::runtime_error);
  EXPECT_EQ(stack_statistics().stacks, stacks);
}

TEST(Fiber, HasRoomForAControlBlockLargerThanTheStackAskedFor) {
  struct Large : Fiber {
    void run() noexcept { text[sizeof text - 1] = 'x'; }
    char text[100'000];
  };
  auto* const fiber = make_fiber<Large>(StackSize{16 * 1024});
  fiber->resume();
  EXPECT_EQ(fiber->text[sizeof fiber->text - 1], 'x');
  destroy_fiber(fiber);
}

TEST(Fiber, AlignsItsControlBlock) {
  struct alignas(256) Aligned : Fiber {
    void run() noexcept {}
  };
  auto* const fiber = make_fiber<Aligned>(StackSize{});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(fiber) % 256, 0U);
  destroy_fiber(fiber);
}

TEST(ExceptionState, TwoFibersSuspendedInHandlersRethrowTheirOwnException) {
  std::vector<std::string> seen;
  const auto body = [&](const char* name) {
    return [&seen, name](Fiber& self) {
      try {
        throw std::runtime_error(name);
      } catch (...) {
        self.suspend();
        seen.push_back(rethrown_message());
      }
    };
  };
  const Owned first(body("first"));
  const Owned second(body("second"));
  first->resume();
  second->resume();
  first->resume();
  second->resume();
  EXPECT_EQ(seen, (std::vector<std::string>{"first", "second"}));
}

TEST(ExceptionState, FiberEnteredFromAHandlerSeesNothingBeingHandled) {
  std::string inside;
  const Owned fiber([&](Fiber&) { inside = current_message(); });
  try {
    throw std::runtime_error("outside");
  } catch (...) {
    fiber->resume();
    EXPECT_EQ(current_message(), "outside");
  }
  EXPECT_EQ(inside, "none");
}

TEST(ExceptionState, HandlerSuspendedInAFiberIsNotSeenOutside) {
  const Owned fiber([&](Fiber& self) {
    try {
      throw std::runtime_error("inside");
    } catch (...) {
      self.suspend();
      EXPECT_EQ(current_message(), "inside");
    }
  });
  fiber->resume();
  EXPECT_EQ(current_message(), "none");
  fiber->resume();
  EXPECT_EQ(current_message(), "none");
}

TEST(ExceptionState, FiberResumedDuringUnwindingCountsNoForeignExceptions) {
  int inside = -1;
  int outside = -1;
  const Owned fiber([&](Fiber&) { inside = std::uncaught_exceptions(); });
  struct Resuming {
    Fiber& fiber;
    int& outside;
    ~Resuming() {
      fiber.resume();
      outside = std::uncaught_exceptions();
    }
  };
  try {
    const Resuming resuming{*fiber, outside};
    throw std::runtime_error("unwinding");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(inside, 0);
  EXPECT_EQ(outside, 1);
}

TEST(ExceptionState, FiberSuspendedDuringUnwindingKeepsItsCount) {
  struct Suspending {
    Fiber& fiber;
    int& after;
    ~Suspending() {
      fiber.suspend();
      after = std::uncaught_exceptions();
    }
  };
  int after = -1;
  const Owned fiber([&](Fiber& self) {
    try {
      const Suspending suspending{self, after};
      throw std::runtime_error("unwinding");
    } catch (const std::runtime_error&) {
    }
  });
  fiber->resume();
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  try {
    throw std::runtime_error("outside");
  } catch (const std::runtime_error&) {
    fiber->resume();
  }
  EXPECT_EQ(after, 1);
}

TEST(ExceptionState, HandlerGoesOnInAnotherThread) {
  std::string seen;
  const Owned fiber([&](Fiber& self) {
    try {
      throw std::runtime_error("moved");
    } catch (...) {
      self.suspend();
      self.suspend();
      seen = rethrown_message();
    }
  });
  fiber->resume();
  std::thread([&] {
    fiber->resume();
    EXPECT_EQ(current_message(), "none");
  }).join();
  std::thread([&] { fiber->resume(); }).join();
  EXPECT_EQ(seen, "moved");
}

TEST(ExceptionState, ResumerMayItselfBeAFiberThatMovesBetweenThreads) {
  bool done = false;
  const Owned inner([&](Fiber& self) {
    while (!done) {
      try {
        throw std::runtime_error("inner");
      } catch (...) {
        self.suspend();
        EXPECT_EQ(current_message(), "inner");
      }
    }
  });
  const Owned outer([&](Fiber& self) {
    try {
      throw std::runtime_error("outer");
    } catch (...) {
      for (int i = 0; i < 4; ++i) {
        inner->resume();
        EXPECT_EQ(current_message(), "outer");
        self.suspend();
      }
    }
  });
  for (int i = 0; i < 4; ++i) {
    std::thread([&] {
      outer->resume();
      EXPECT_EQ(current_message(), "none");
    }).join();
  }
  outer->resume();
  done = true;
  inner->resume();
}

}  // namespace
}  // namespace segue::legacy
