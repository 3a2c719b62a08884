#include <segue/modern/tasks/exception_groups.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/os_error.hpp>

#include "modern/trace.hpp"
#include "small_stack.hpp"

namespace segue::modern {
namespace {

using segue::testing::long_chain;
using segue::testing::on_small_stack;

template <class Error>
std::exception_ptr made(Error error) {
  return std::make_exception_ptr(std::move(error));
}

// "ExceptionGroup m[ValueError 1, TypeError 2]", nested groups alike; "none" for null.
std::string shape(const std::exception_ptr& error) {
  if (!error) return "none";
  try {
    std::rethrow_exception(error);
  } catch (const BaseExceptionGroup& group) {
    std::string text = describe(error).type + " " + group.message() + "[";
    for (const std::exception_ptr& member : group.exceptions())
      text += (text.back() == '[' ? "" : ", ") + shape(member);
    return text + "]";
  } catch (...) {
    return describe(error).type + " " + describe(error).message;
  }
}

std::exception_ptr nested() {
  return made(
      ExceptionGroup("outer", {made(ValueError("1")), made(ExceptionGroup("s", TypeError("2"), ValueError("3"))),
                               made(ExceptionGroup("t", OSError("4")))}));
}

TEST(ExceptionGroups, CountsItsMembersInItsText) {
  EXPECT_STREQ(ExceptionGroup("m", ValueError("1")).what(), "m (1 sub-exception)");
  EXPECT_STREQ(ExceptionGroup("m", ValueError("1"), TypeError("2")).what(), "m (2 sub-exceptions)");
}

TEST(ExceptionGroups, rule_121_refuses_to_be_empty) {
  EXPECT_THROW(ExceptionGroup("m", std::vector<std::exception_ptr>{}), ValueError);
  EXPECT_THROW(make_exception_group("m", {}), ValueError);
}

TEST(ExceptionGroups, rule_121_refuses_a_BaseException_in_a_group_of_exceptions) {
  EXPECT_THROW(ExceptionGroup("m", CancelledError()), TypeError);
}

TEST(ExceptionGroups, TakesAnotherLibrarysExceptions) {
  EXPECT_EQ(shape(made(ExceptionGroup("m", {std::make_exception_ptr(std::runtime_error("x"))}))),
            "ExceptionGroup m[runtime_error x]");
}

TEST(ExceptionGroups, rule_121_is_an_exception_only_where_all_its_members_are) {
  EXPECT_TRUE(holds<Exception>(make_exception_group("m", {made(ValueError("1"))})));
  const std::exception_ptr base = make_exception_group("m", {made(ValueError("1")), made(KeyboardInterrupt())});
  EXPECT_FALSE(holds<Exception>(base));
  EXPECT_FALSE(holds<std::exception>(base));
  EXPECT_TRUE(holds<BaseException>(base));
  EXPECT_TRUE(holds<BaseExceptionGroup>(base));
  EXPECT_EQ(describe(base).type, "BaseExceptionGroup");
}

TEST(ExceptionGroups, rule_121_split_keeps_nesting_and_drops_what_is_empty) {
  const auto [matching, rest] = split<ValueError>(nested());
  EXPECT_EQ(shape(matching), "ExceptionGroup outer[ValueError 1, ExceptionGroup s[ValueError 3]]");
  EXPECT_EQ(shape(rest), "ExceptionGroup outer[ExceptionGroup s[TypeError 2], ExceptionGroup t[OSError 4]]");
}

TEST(ExceptionGroups, rule_121_split_gives_the_group_itself_where_all_of_it_matches) {
  const std::exception_ptr group = nested();
  const auto [matching, rest] = split<Exception>(group);
  EXPECT_EQ(matching, group);
  EXPECT_EQ(rest, nullptr);
}

TEST(ExceptionGroups, rule_121_split_gives_nothing_where_nothing_matches) {
  const auto [matching, rest] = split<EOFError>(nested());
  EXPECT_EQ(matching, nullptr);
  EXPECT_EQ(shape(rest), shape(nested()));
}

TEST(ExceptionGroups, ASplitOfABaseGroupBecomesAGroupOfExceptionsWhereItCan) {
  const std::exception_ptr base = make_exception_group("m", {made(ValueError("1")), made(KeyboardInterrupt("k"))});
  const auto [matching, rest] = split<ValueError>(base);
  EXPECT_EQ(shape(matching), "ExceptionGroup m[ValueError 1]");
  EXPECT_EQ(shape(rest), "BaseExceptionGroup m[KeyboardInterrupt k]");
}

TEST(ExceptionGroups, APlainExceptionMatchesOrIsTheRest) {
  const std::exception_ptr plain = made(ValueError("1"));
  EXPECT_EQ(split<ValueError>(plain).match, plain);
  EXPECT_EQ(split<TypeError>(plain).rest, plain);
}

TEST(ExceptionGroups, SubgroupTakesAnyCondition) {
  try {
    std::rethrow_exception(nested());
  } catch (const BaseExceptionGroup& group) {
    const auto three = [](const std::exception_ptr& error) { return describe(error).message == "3"; };
    EXPECT_EQ(shape(group.subgroup(three)), "ExceptionGroup outer[ExceptionGroup s[ValueError 3]]");
    EXPECT_EQ(shape(group.subgroup<EOFError>()), "none");
  }
}

TEST(ExceptionGroups, TheHalvesOfASplitKeepTheCause) {
  const std::exception_ptr cause = made(OSError("cause"));
  const std::exception_ptr group = made(from(ExceptionGroup("m", ValueError("1"), TypeError("2")), cause));
  const auto parts = split<ValueError>(group);
  for (const std::exception_ptr& half : {parts.match, parts.rest}) {
    try {
      std::rethrow_exception(half);
    } catch (const BaseException& error) {
      EXPECT_EQ(error.cause(), cause);
    }
  }
}

// A group in a group, and so on; the innermost one has a ValueError and a TypeError.
std::exception_ptr deep_groups(int depth) {
  auto group = made(ExceptionGroup("innermost", ValueError("1"), TypeError("2")));
  for (int i = 1; i < depth; ++i) group = make_exception_group("outer", {std::exchange(group, nullptr)});
  return group;
}

int depth_of(const std::exception_ptr& error) {
  int depth = 0;
  for (const BaseExceptionGroup* group = as_group(error); group != nullptr;
       group = as_group(group->exceptions().front()))
    ++depth;
  return depth;
}

TEST(ExceptionGroups, NestAsDeepAsTheirUsersLike) {
  on_small_stack([] {
    constexpr int depth = long_chain / 5;  // each takes much longer than a link of other chains
    const std::exception_ptr top = deep_groups(depth);
    EXPECT_EQ(exception_repr(top), "ExceptionGroup('outer (1 sub-exception)')");
    const SplitExceptions parts = split<ValueError>(top);
    EXPECT_EQ(depth_of(parts.match), depth);
    EXPECT_EQ(depth_of(parts.rest), depth);
    int handled = 0;
    try {
      except_star(top, except_<ValueError>([&handled](const BaseExceptionGroup&) { ++handled; }),
                  except_<LookupError>([&handled](const BaseExceptionGroup&) { ++handled; }));
    } catch (const BaseExceptionGroup&) {
      EXPECT_EQ(depth_of(std::current_exception()), depth);
    }
    EXPECT_EQ(handled, 1);
  });
}

TEST(ExceptStar, rule_122_each_clause_gets_what_those_before_left_and_the_rest_is_thrown_with_its_structure) {
  testing::Events ev;
  const auto f = [&ev](const std::exception_ptr& e) {
    try {
      except_star(e, except_<ValueError>([&](const BaseExceptionGroup& g) { ev("V", g.exceptions()); }),
                  except_<OSError, ValueError>([&](const BaseExceptionGroup& g) { ev("O", g.exceptions()); }));
    } catch (...) {
      ev("rest", shape(std::current_exception()));
    }
  };
  f(made(ExceptionGroup("g", ValueError("v"), OSError("o"), TypeError("t"))));
  f(made(ValueError("naked")));
  f(made(TypeError("plain")));
  EXPECT_EQ(ev.trace(),
            "V [ValueError(v)] | O [OSError(o)] | rest ExceptionGroup g[TypeError t] | V [ValueError(naked)] | "
            "rest TypeError plain");
}

// None of them is looked for among all others: that would take half a minute.
TEST(ExceptStar, PassesOnManyExceptions) {
  constexpr int many = 200'000;
  std::vector<std::exception_ptr> all;
  for (int i = 0; i < many; ++i) all.push_back(made(ValueError("x")));
  const std::exception_ptr group = make_exception_group("many", all);
  const auto again = [](const BaseExceptionGroup&) { throw; };
  try {
    except_star(group, except_<TypeError>(again));
    ADD_FAILURE();
  } catch (const BaseExceptionGroup& rest) {
    EXPECT_EQ(rest.exceptions(), all);
  }
}

}  // namespace
}  // namespace segue::modern
