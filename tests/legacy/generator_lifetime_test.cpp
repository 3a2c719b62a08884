// Generators that are destroyed: in every state, from everywhere, in every order.
#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/stack.hpp>
#include <segue/os_error.hpp>

#include "attempt.hpp"
#include "small_stack.hpp"
#include "unraisable_reports.hpp"

namespace segue::legacy {
namespace {

using segue::testing::on_small_stack;
using segue::testing::UnraisableReports;
using ::testing::AllOf;
using testing::attempt;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::MatchesRegex;
using ::testing::StartsWith;
using Trace = std::vector<std::string>;

Generator<int> noting(Trace& trace, std::string name) {
  return Generator<int>(
      [&trace](auto& yield, const std::string& name) {
        try {
          for (int i = 0;; ++i) yield(i);
        } catch (const GeneratorExit&) {
          trace.push_back(name);
          throw;
        }
      },
      std::move(name));
}

TEST(GeneratorDestructor, ClosesASuspendedGenerator) {
  Trace trace;
  {
    noting(trace, "closed").next();
  }
  EXPECT_EQ(trace, (Trace{"closed"}));
}

TEST(GeneratorDestructor, RunsTheDestructorsOfWhatTheBodyHolds) {
  const auto held = std::make_shared<int>(0);
  {
    Generator<int> generator([&](auto& yield) {
      const std::vector copies(3, held);
      yield(1);
    });
    generator.next();
    EXPECT_EQ(held.use_count(), 4);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(GeneratorDestructor, RunsNothingOfAGeneratorThatWasNotStarted) {
  Trace trace;
  {
    auto generator = noting(trace, "closed");
  }
  EXPECT_EQ(trace, Trace());
}

TEST(GeneratorDestructor, WorksInAHandlerAndDuringUnwinding) {
  Trace trace;
  try {
    auto unwound = noting(trace, "unwound");
    unwound.next();
    throw std::runtime_error("outer");
  } catch (const std::runtime_error& e) {
    auto handled = noting(trace, "handled");
    handled.next();
    handled = Generator<int>();
    EXPECT_STREQ(e.what(), "outer");
    try {
      throw;
    } catch (const std::runtime_error& again) {
      EXPECT_EQ(&again, &e);
    }
  }
  EXPECT_EQ(trace, (Trace{"unwound", "handled"}));
}

TEST(GeneratorDestructor, WorksInsideAnotherGenerator) {
  Trace trace;
  auto inner = noting(trace, "inner");
  inner.next();
  Generator<int> outer([&](auto& yield) {
    inner = Generator<int>();
    yield(1);
  });
  EXPECT_EQ(outer.next(), 1);
  EXPECT_EQ(trace, (Trace{"inner"}));
}

TEST(GeneratorDestructor, WorksInAnotherThread) {
  Trace trace;
  std::vector<Generator<int>> generators;
  for (int i = 0; i < 100; ++i) {
    generators.push_back(noting(trace, std::to_string(i)));
    generators.back().next();
  }
  std::thread([moved = std::move(generators)]() mutable { moved.clear(); }).join();
  EXPECT_EQ(trace.size(), 100U);
}

TEST(GeneratorDestructor, ReportsWhatTheCleanUpRaises) {
  UnraisableReports reports;
  {
    Generator<int> generator(GeneratorOptions{.name = "raising"}, [](auto& yield) {
      try {
        yield(1);
      } catch (...) {
        throw OSError("c");
      }
    });
    generator.next();
  }
  EXPECT_THAT(reports.lines,
              ElementsAre(MatchesRegex("<generator object raising> \\(made at .*generator_lifetime_test.cpp:"
                                       "[0-9]+\\): OSError\\('c'\\)")));
}

TEST(GeneratorDestructor, TriesAgainWithABodyThatYieldsInItsCleanUpAndReportsIt) {
  UnraisableReports reports;
  Trace trace;
  {
    Generator<int> generator(GeneratorOptions{.name = "slow"}, [&](auto& yield) {
      try {
        yield(1);
      } catch (...) {
        try {
          yield(2);
        } catch (...) {
          trace.emplace_back("second exit");
        }
      }
    });
    generator.next();
  }
  EXPECT_EQ(trace, (Trace{"second exit"}));
  EXPECT_THAT(reports.lines, ElementsAre(AllOf(StartsWith("<generator object slow> (made at "),
                                               EndsWith("): RuntimeError('generator ignored GeneratorExit')"))));
}

TEST(GeneratorDestructor, GivesUpABodyThatNeverEnds) {
  UnraisableReports reports;
  int tries = 0;
  {
    Generator<int> generator(GeneratorOptions{.name = "stubborn"}, [&](auto& yield) {
      for (;;) {
        try {
          yield(tries);
        } catch (const GeneratorExit&) {
          ++tries;
        }
      }
    });
    generator.next();
  }
  EXPECT_EQ(tries, 16);
  EXPECT_THAT(reports.lines, ElementsAre(AllOf(StartsWith("<generator object stubborn> (made at "),
                                               EndsWith(") (given up: its stack is lost): "
                                                        "RuntimeError('generator ignored GeneratorExit')"))));
}

TEST(GeneratorDestructor, LetsADestructorYieldDuringUnwinding) {
  // Such a yield is one in a clean-up: the exception that is being thrown goes on when it is resumed.
  struct Yielding {
    Yielder<int>& yield;
    ~Yielding() noexcept(false) { yield(2); }
  };
  Generator<int> generator([](auto& yield) {
    const Yielding yielding{yield};
    throw ValueError("v");
  });
  EXPECT_EQ(generator.next(), 2);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  EXPECT_EQ(attempt([&] { return generator.next(); }), "ValueError(v)");
}

TEST(GeneratorDestructor, ClosesWhatItRelays) {
  Trace trace;
  {
    Generator<long> relaying([&](auto& yield) {
      try {
        yield.from(noting(trace, "relayed"));
      } catch (const GeneratorExit&) {
        trace.emplace_back("relaying");
        throw;
      }
    });
    relaying.next();
  }
  EXPECT_EQ(trace, (Trace{"relayed", "relaying"}));
}

// while it runs

TEST(GeneratorDestructor, OfARunningGeneratorClosesItWhenItSuspends) {
  Trace trace;
  std::optional<Generator<int>> generator;
  generator.emplace([&](auto& yield) {
    generator.reset();
    trace.emplace_back("goes on");
    try {
      yield(7);
    } catch (const GeneratorExit&) {
      trace.emplace_back("closed");
      throw;
    }
  });
  EXPECT_EQ(generator->next(), 7);
  EXPECT_EQ(trace, (Trace{"goes on", "closed"}));
}

TEST(GeneratorDestructor, OfARunningGeneratorThatThenEndsGivesItsValue) {
  using Returning = Generator<int, void, int>;
  std::optional<Returning> generator;
  generator.emplace([&](auto&) {
    generator.reset();
    return 3;
  });
  EXPECT_EQ(attempt([&] { return generator->next(); }), "StopIteration(3)");
}

TEST(GeneratorDestructor, OfARunningGeneratorEndsALoopOverIt) {
  auto generator = std::make_unique<Generator<int>>();
  *generator = Generator<int>([&](auto& yield) {
    yield(1);
    generator.reset();
    yield(2);
  });
  std::vector<int> seen;
  auto it = generator->begin();
  for (; it != std::default_sentinel; ++it) seen.push_back(*it);
  EXPECT_EQ(seen, (std::vector{1}));
}

TEST(GeneratorDestructor, OfADelegatorWhileItsDelegateRunsClosesItWhenItSuspends) {
  Trace trace;
  Generator<int> outer;
  outer = Generator<int>([&](auto& yield) {
    try {
      yield.from(Generator<int>([&](auto& inner) {
        inner(1);
        outer = Generator<int>();
        try {
          inner(2);
        } catch (const GeneratorExit&) {
          trace.emplace_back("inner");
          throw;
        }
      }));
    } catch (const GeneratorExit&) {
      trace.emplace_back("outer");
      throw;
    }
  });
  EXPECT_EQ(outer.next(), 1);
  EXPECT_EQ(outer.next(), 2);
  EXPECT_EQ(trace, (Trace{"inner", "outer"}));
}

TEST(GeneratorDestructor, OfADelegateWhileItRunsClosesItWhenItsDelegatorEnds) {
  Trace trace;
  auto inner = std::make_unique<Generator<int>>();
  *inner = Generator<int>([&](auto& yield) {
    inner.reset();
    try {
      yield(1);
      yield(2);
    } catch (const ValueError&) {
      trace.emplace_back("thrown");
    }
  });
  Generator<int> outer([&](auto& yield) {
    yield.from(*inner);
    trace.emplace_back("outer goes on");
    yield(3);
  });
  EXPECT_EQ(outer.next(), 1);
  EXPECT_EQ(outer.throw_(ValueError()), 3);
  EXPECT_EQ(trace, (Trace{"thrown", "outer goes on"}));
}

// chains, in every order

struct Chain {
  Trace trace;
  std::vector<Generator<int>> links;

  Chain() {
    links.reserve(3);
    links.push_back(Generator<int>([this](auto& yield) { close_noting(yield, 0); }));
    for (std::size_t i = 1; i < 3; ++i) {
      links.push_back(Generator<int>([this, i](auto& yield) { close_noting(yield, i); }));
    }
  }
  void close_noting(Yielder<int>& yield, std::size_t i) {
    try {
      if (i == 0) {
        for (int n = 0;; ++n) yield(n);
      } else {
        yield.from(links[i - 1]);
        trace.push_back(std::to_string(i) + " goes on");
        yield(100 + static_cast<int>(i));
      }
    } catch (const GeneratorExit&) {
      trace.push_back(std::to_string(i) + " exits");
      throw;
    }
  }
};

TEST(GeneratorDestructor, OfADelegatorClosesWhatItDelegatesTo) {
  Chain chain;
  chain.links[2].next();
  chain.links.pop_back();
  EXPECT_EQ(chain.trace, (Trace{"0 exits", "1 exits", "2 exits"}));
  for (auto& link : chain.links) EXPECT_EQ(getgeneratorstate(link), GEN_CLOSED);
}

TEST(GeneratorDestructor, OfADelegateEndsTheDelegationWithNone) {
  Chain chain;
  chain.links[2].next();
  chain.links[0] = Generator<int>();
  EXPECT_EQ(chain.trace, (Trace{"0 exits"}));
  EXPECT_EQ(chain.links[2].next(), 101);
  EXPECT_EQ(chain.trace, (Trace{"0 exits", "1 goes on"}));
  EXPECT_EQ(chain.links[2].next(), 102);
}

TEST(GeneratorDestructor, OfTheMiddleEndsTheDelegationWithNone) {
  Chain chain;
  chain.links[2].next();
  chain.links[1] = Generator<int>();
  EXPECT_EQ(chain.trace, (Trace{"0 exits", "1 exits"}));
  EXPECT_EQ(chain.links[2].next(), 102);
}

TEST(GeneratorDestructor, InEveryOrderIsSafe) {
  std::vector<std::size_t> order{0, 1, 2};
  do {
    Chain chain;
    chain.links[2].next();
    chain.links[1].next();
    chain.links[2].next();
    for (const std::size_t i : order) chain.links[i] = Generator<int>();
    EXPECT_EQ(std::count_if(chain.trace.begin(), chain.trace.end(), [](auto& s) { return s.ends_with("exits"); }), 3);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(GeneratorDestructor, OfASharedDelegateInEveryOrderIsSafe) {
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    Trace trace;
    std::vector<Generator<int>> all;
    all.reserve(4);
    all.push_back(noting(trace, "shared"));
    for (int i = 0; i < 3; ++i) {
      all.push_back(Generator<int>([&](auto& yield) {
        yield.from(all[0]);
        yield(-1);
      }));
    }
    for (std::size_t i = 1; i < 4; ++i) all[i].next();
    all[0].next();
    for (const std::size_t i : order) {
      all[i] = Generator<int>();
      for (std::size_t j = 1; j < 4; ++j) {
        if (all[j]) all[j].next(-2);
      }
    }
    EXPECT_EQ(trace, (Trace{"shared"}));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(GeneratorDestructor, ReturnsEveryStack) {
  const auto round = [] {
    Trace trace;
    std::vector<Generator<int>> generators;
    for (int i = 0; i < 200; ++i) {
      generators.push_back(noting(trace, ""));
      if (i % 2) generators.back().next();
    }
  };
  round();
  const std::size_t stacks = stack_statistics().stacks;
  for (int i = 0; i < 5; ++i) round();
  EXPECT_EQ(stack_statistics().stacks, stacks);
}

// A chain of generators, each of which owns the one before.
constexpr int generators_in_chain = 2000;

Generator<int> chain_by_argument() {
  Generator<int> last([](auto& yield) { yield(1); });
  for (int i = 0; i < generators_in_chain; ++i) {
    last = Generator<int>([](auto& yield, Generator<int>&& inner) { yield.from(inner); }, std::move(last));
  }
  return last;
}

Generator<int> started_chain_by_capture(int& alive) {
  struct Counted {
    explicit Counted(int& count) noexcept : alive(&++count) {}
    Counted(Counted&& other) noexcept : alive(std::exchange(other.alive, nullptr)) {}
    ~Counted() {
      if (alive != nullptr) --*alive;
    }
    int* alive;
  };
  Generator<int> last([](auto& yield) { yield(1); });
  for (int i = 0; i < generators_in_chain; ++i) {
    last.next();
    last = Generator<int>([inner = std::move(last), counted = Counted(alive)](auto& yield) { yield(1); });
  }
  return last;
}

TEST(GeneratorLifetime, ALongChainThatHasNotBeenStartedGoesWithoutRecursion) {
  on_small_stack([] {
    {
      const auto dropped = chain_by_argument();
    }
    auto closed = chain_by_argument();
    closed.close();
  });
}

TEST(GeneratorLifetime, ALongChainOfCapturesGoesWithoutRecursion) {
  on_small_stack([] {
    int alive = 0;
    {
      const auto dropped = started_chain_by_capture(alive);
    }
    EXPECT_EQ(alive, 0);
    auto closed = started_chain_by_capture(alive);
    EXPECT_EQ(alive, generators_in_chain);
    closed.close();
    EXPECT_EQ(alive, 0);
  });
}

TEST(GeneratorLifetime, ALongChainGoesInTheBodyOfAGenerator) {
  Generator<int> chain = chain_by_argument();
  Generator<int> dropper([&chain](auto& yield) {
    {
      const Generator<int> dropped(std::move(chain));
    }
    yield(1);
  });
  EXPECT_EQ(dropper.next(), 1);
}

TEST(GeneratorLifetime, NextWithADefaultGivesTheValueOfOneWhoseOwnerWentWhileItRan) {
  std::optional<Generator<int>> generator;
  generator.emplace([&generator](auto& yield) {
    generator.reset();
    yield(1);
  });
  EXPECT_EQ(generator->next(-1), 1);
}

}  // namespace
}  // namespace segue::legacy
