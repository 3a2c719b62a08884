// close() through a chain of `yield.from`.
#include <string>

#include <gtest/gtest.h>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/legacy/yielder.hpp>

#include "texts.hpp"

namespace segue::legacy {
namespace {

using testing::close;
using testing::Leaving;
using testing::next;
using testing::raised;
using testing::returning_on_exit;
using testing::Texts;
using testing::throw_;
using testing::Trace;
using testing::Value;
using testing::with_contexts;

TEST(DelegationClose, GoesFromTheInnermostOutwards) {
  Trace trace;
  const auto noting = [&](auto& yield, auto what, const char* name) {
    try {
      what(yield);
    } catch (const GeneratorExit&) {
      trace.emplace_back(name);
      throw;
    }
  };
  Generator<int> generator([&](auto& yield) {
    noting(
        yield,
        [&](auto& outer) {
          outer.from(Generator<int>([&](auto& middle) {
            noting(
                middle,
                [&](auto& in) {
                  in.from(Generator<int>([&](auto& leaf) { noting(leaf, [](auto& y) { y(1); }, "inner"); }));
                },
                "middle");
          }));
        },
        "outer");
  });
  generator.next();
  generator.close();
  EXPECT_EQ(trace, (Trace{"inner", "middle", "outer"}));
}

TEST(DelegationClose, LosesWhatTheDelegateReturnsOnGeneratorExit) {
  Trace trace;
  const auto body = [&](auto& yield) -> Value {
    try {
      yield.from(returning_on_exit());
      trace.emplace_back("never");
    } catch (const GeneratorExit& e) {
      trace.push_back(std::string("outer exit") + e.what());
      throw;
    }
    return {};
  };
  Texts closed(body);
  closed.next();
  EXPECT_EQ(close(closed), "None");
  Texts thrown(body);
  thrown.next();
  EXPECT_EQ(throw_(thrown, GeneratorExit(" thrown")), "GeneratorExit( thrown)");
  EXPECT_EQ(trace, (Trace{"outer exit", "outer exit thrown"}));
}

TEST(DelegationClose, RaisesWhatTheDelegateRaisesInTheDelegator) {
  Trace trace;
  Texts generator([&](auto& yield) -> Value {
    try {
      yield.from(Texts([](auto& inner) -> Value {
        try {
          inner("");
        } catch (...) {
          throw ValueError("s");
        }
        return {};
      }));
    } catch (const ValueError& e) {
      trace.push_back(std::string("outer ") + e.what());
    }
    return "closed";
  });
  generator.next();
  EXPECT_EQ(close(generator), "closed");
  EXPECT_EQ(getgeneratorstate(generator), GEN_CLOSED);
  EXPECT_EQ(trace, (Trace{"outer s"}));
}

Texts ignoring_exit() {
  return Texts([](auto& yield) -> Value {
    try {
      yield("one");
    } catch (const GeneratorExit&) {
      yield("two");
    }
    return "end";
  });
}

TEST(DelegationClose, RaisesInTheDelegatorWhenTheDelegateIgnoresIt) {
  Trace trace;
  Texts inner = ignoring_exit();
  Texts generator([&](auto& yield) -> Value {
    try {
      yield.from(inner);
    } catch (const RuntimeError& e) {
      trace.push_back(std::string("in outer: ") + e.what());
      throw;
    }
    return {};
  });
  generator.next();
  EXPECT_EQ(close(generator), "RuntimeError(generator ignored GeneratorExit)");
  EXPECT_EQ(trace, (Trace{"in outer: generator ignored GeneratorExit"}));
  EXPECT_EQ(getgeneratorstate(inner), GEN_SUSPENDED);
  EXPECT_EQ(next(inner), "StopIteration(end)");
}

TEST(DelegationClose, RaisesInTheDelegatorInTheMiddleOfTheChain) {
  Trace trace;
  Texts generator([&](auto& yield) -> Value {
    try {
      yield.from(Texts([&](auto& middle) -> Value {
        try {
          middle.from(ignoring_exit());
        } catch (const RuntimeError&) {
          trace.emplace_back("middle handles");
        }
        return {};
      }));
    } catch (const GeneratorExit&) {
      trace.emplace_back("outer exits");
      throw;
    }
    return {};
  });
  generator.next();
  EXPECT_EQ(close(generator), "None");
  EXPECT_EQ(trace, (Trace{"middle handles", "outer exits"}));
}

TEST(DelegationClose, goes_on_at_the_right_leaf_after_a_close_that_is_ignored) {
  Trace trace;
  int exits_ignored = 1;
  Texts leaf([&](auto& yield) -> Value {
    const Leaving leaving(trace, "leaf");
    for (int i = 0;; ++i) {
      try {
        yield("leaf " + std::to_string(i));
      } catch (const ValueError& e) {
        trace.push_back(std::string("leaf caught ") + e.what());
      } catch (const GeneratorExit&) {
        if (exits_ignored-- <= 0) throw;
        trace.emplace_back("leaf ignores");
      }
    }
  });
  // Delegates again to what has ignored its closing.
  const auto over = [&](Texts& sub, std::string name) {
    return Texts([&, name](auto& yield) -> Value {
      const Leaving leaving(trace, name);
      for (;;) {
        try {
          return yield.from(sub);
        } catch (const RuntimeError& e) {
          trace.push_back(name + " caught " + e.what());
        }
      }
    });
  };
  Texts middle = over(leaf, "middle");
  Texts top = over(middle, "top");
  EXPECT_EQ(next(top), "leaf 0");
  EXPECT_EQ(close(top), "RuntimeError(generator ignored GeneratorExit)");
  EXPECT_EQ(trace, (Trace{"leaf ignores", "middle caught generator ignored GeneratorExit",
                          "top caught generator ignored GeneratorExit"}));
  for (Texts* const each : {&top, &middle, &leaf}) EXPECT_EQ(getgeneratorstate(*each), GEN_SUSPENDED);
  EXPECT_EQ(gi_yieldfrom(top), middle.id());
  EXPECT_EQ(gi_yieldfrom(middle), leaf.id());
  trace.clear();
  EXPECT_EQ(next(top), "leaf 4");
  EXPECT_EQ(throw_(top, ValueError("v")), "leaf 5");
  EXPECT_EQ(close(top), "None");
  EXPECT_EQ(trace, (Trace{"leaf caught v", "leaf ends", "middle ends", "top ends"}));
}

TEST(DelegationClose, raises_to_the_closer_what_the_delegate_raises_in_its_clean_up) {
  Trace trace;
  Texts generator([&](auto& yield) -> Value {
    const Leaving leaving(trace, "outer");
    yield.from(Texts([&](auto& inner) -> Value {
      const Leaving leaving_inner(trace, "inner");
      try {
        inner("one");
      } catch (const GeneratorExit&) {
        throw ValueError("in the clean-up");
      }
      return {};
    }));
    return {};
  });
  generator.next();
  EXPECT_EQ(with_contexts(raised([&] { generator.close(); })), "ValueError('in the clean-up') < GeneratorExit()");
  EXPECT_EQ(trace, (Trace{"inner ends", "outer ends"}));
}

TEST(DelegationClose, WhatADelegateThatIgnoresItRaisesHasTheContextOfTheDelegator) {
  Generator<int> ignores([](auto& yield) {
    try {
      yield(1);
    } catch (const GeneratorExit&) {
      yield(2);
    }
  });
  Generator<int> handles([&](auto& yield) {
    try {
      throw IndexError("handled");
    } catch (const IndexError&) {
      yield.from(ignores);
    }
  });
  handles.next();
  const std::exception_ptr error = raised([&] {
    try {
      throw KeyError("caller");
    } catch (const KeyError&) {
      handles.close();
    }
  });
  EXPECT_EQ(with_contexts(error), "RuntimeError('generator ignored GeneratorExit') < IndexError('handled')");
  EXPECT_FALSE(exception_ptr_cast<RuntimeError>(error)->suppress_context());
}

}  // namespace
}  // namespace segue::legacy
