#include <segue/modern/tasks/exception_groups.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/format_exception.hpp>
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

TEST(ExceptionGroups, AreSplitByTypesAndByConditionsAlike) {
  const std::exception_ptr simple =
      made(ExceptionGroup("eg", {made(ValueError("1")), made(TypeError("2")), made(ValueError("3"))}));
  const std::string all = shape(simple);
  struct {
    SplitExceptions (*by_type)(const std::exception_ptr&);
    const char* types;
    std::string match;
    std::string rest;
  } const cases[] = {
      {split<ValueError>, "ValueError", "ExceptionGroup eg[ValueError 1, ValueError 3]",
       "ExceptionGroup eg[TypeError 2]"},
      {split<TypeError>, "TypeError", "ExceptionGroup eg[TypeError 2]",
       "ExceptionGroup eg[ValueError 1, ValueError 3]"},
      {split<ValueError, TypeError>, "ValueError TypeError", all, "none"},
      {split<OSError, ValueError>, "OSError ValueError", "ExceptionGroup eg[ValueError 1, ValueError 3]",
       "ExceptionGroup eg[TypeError 2]"},
      {split<OSError>, "OSError", "none", all},
      {split<BaseException>, "ExceptionGroup", all, "none"},
      {split<Exception>, "ExceptionGroup", all, "none"},
      {split<BaseExceptionGroup>, "ExceptionGroup", all, "none"},
      {split<ExceptionGroup>, "ExceptionGroup", all, "none"},
  };
  const BaseExceptionGroup& group = *as_group(simple);
  for (const auto& each : cases) {
    const auto matches = [&](const std::exception_ptr& error) {
      return std::string(each.types).find(describe(error).type) != std::string::npos;
    };
    for (const SplitExceptions& parts : {each.by_type(simple), group.split(matches)}) {
      EXPECT_EQ(shape(parts.match), each.match) << each.types;
      EXPECT_EQ(shape(parts.rest), each.rest) << each.types;
    }
    EXPECT_EQ(shape(group.subgroup(matches)), each.match);
  }
  EXPECT_EQ(split<ExceptionGroup>(simple).match, simple) << "the very same group";
  EXPECT_EQ(shape(group.subgroup<Exception>()), all);
  EXPECT_EQ(shape(group.subgroup([](const std::exception_ptr&) { return true; })), all);
  EXPECT_EQ(group.subgroup([](const std::exception_ptr&) { return false; }), nullptr);
}

TEST(ExceptionGroups, OfBaseExceptionsAreSplitIntoWhatTheirMembersAre) {
  const std::exception_ptr base = make_exception_group("m", {made(ValueError("1")), made(KeyboardInterrupt("k"))});
  const auto both = split<ValueError, KeyboardInterrupt>(base);
  EXPECT_EQ(shape(both.match), shape(base));
  EXPECT_EQ(both.rest, nullptr);
  EXPECT_EQ(split<TypeError>(base).match, nullptr);
  EXPECT_EQ(shape(split<TypeError>(base).rest), shape(base));
  const auto interrupts = split<KeyboardInterrupt>(base);
  EXPECT_EQ(shape(interrupts.match), "BaseExceptionGroup m[KeyboardInterrupt k]");
  EXPECT_EQ(shape(interrupts.rest), "ExceptionGroup m[ValueError 1]");
}

TEST(ExceptionGroups, HaveTheirMembersWithTheirHistories) {
  std::exception_ptr first;
  std::exception_ptr second;
  try {
    throw OSError("context and cause");
  } catch (const OSError&) {
    first = made(from(ValueError("1"), std::current_exception()));
    second = made(TypeError("2"));
  }
  const ExceptionGroup inner("nested", {second});
  const ExceptionGroup group("simple eg", {first, made(inner)});
  EXPECT_EQ(group.message(), "simple eg");
  ASSERT_EQ(group.exceptions().size(), 2U);
  EXPECT_EQ(group.exceptions()[0], first);
  EXPECT_TRUE(holds<OSError>(exception_ptr_cast<ValueError>(first)->cause()));
  EXPECT_TRUE(holds<OSError>(exception_ptr_cast<ValueError>(first)->context()));
  EXPECT_FALSE(exception_ptr_cast<TypeError>(second)->cause());
  EXPECT_TRUE(holds<OSError>(exception_ptr_cast<TypeError>(second)->context()));
  EXPECT_EQ(as_group(group.exceptions()[1])->exceptions(), std::vector<std::exception_ptr>{second});
}

// Of a class of its own: with a derive(), halves are of that class, too.
struct PlainGroup : ExceptionGroup {
  using ExceptionGroup::ExceptionGroup;
};
struct CodedGroup : ExceptionGroup {
  CodedGroup(std::string message, std::vector<std::exception_ptr> members, int number)
      : ExceptionGroup(std::move(message), std::move(members)), code(number) {}
  std::exception_ptr derive(std::vector<std::exception_ptr> members) const override {
    return made(CodedGroup(message(), std::move(members), code));
  }
  int code;
};

// Of classes that are no ExceptionGroup: any exception may be a group of others, too.
template <class Error>
struct AlsoAGroup : Error, BaseExceptionGroup {
  AlsoAGroup(std::string message, std::vector<std::exception_ptr> members)
      : BaseExceptionGroup(std::move(message), std::move(members)) {}
  const char* what() const noexcept override { return BaseExceptionGroup::message().c_str(); }
};

TEST(ExceptionGroups, MayBeExceptionsOfAnotherClass) {
  const std::vector<std::exception_ptr> plain{made(ValueError("12")), made(Exception("42"))};
  const std::vector<std::exception_ptr> base{made(ValueError("1")), made(KeyboardInterrupt("2"))};
  const std::exception_ptr of_base = made(AlsoAGroup<BaseException>("eg", base));
  EXPECT_TRUE(holds<AlsoAGroup<BaseException>>(made(AlsoAGroup<BaseException>("eg", plain))));
  EXPECT_TRUE(holds<ValueError>(made(AlsoAGroup<ValueError>("eg", plain))));
  EXPECT_EQ(shape(split<ValueError>(of_base).match), "ExceptionGroup eg[ValueError 1]");
  EXPECT_EQ(shape(split<ValueError>(of_base).rest), "BaseExceptionGroup eg[KeyboardInterrupt 2]");
  EXPECT_EQ(shape(split<KeyboardInterrupt>(of_base).rest), "ExceptionGroup eg[ValueError 1]");
  EXPECT_EQ(split<OSError>(of_base).match, nullptr);
  EXPECT_EQ((split<ValueError, KeyboardInterrupt>(of_base).rest), nullptr);
}

TEST(ExceptionGroups, OfADerivedClassKeepItWhereThatSaysHow) {
  EXPECT_THROW(PlainGroup("eg", CancelledError()), TypeError);
  const std::exception_ptr plain =
      made(PlainGroup("eg", {made(ValueError("1")), made(PlainGroup("nested", TypeError("2")))}));
  EXPECT_TRUE(holds<PlainGroup>(plain));
  const auto [match, rest] = split<ValueError>(plain);
  EXPECT_EQ(shape(match), "ExceptionGroup eg[ValueError 1]");
  EXPECT_EQ(shape(rest), "ExceptionGroup eg[ExceptionGroup nested[TypeError 2]]");
  EXPECT_FALSE(holds<PlainGroup>(match));
  const auto of_the_class = split<PlainGroup>(made(ExceptionGroup("outer", {plain, made(ValueError("3"))})));
  EXPECT_EQ(as_group(of_the_class.match)->exceptions(), std::vector<std::exception_ptr>{plain});
  EXPECT_EQ(shape(of_the_class.rest), "ExceptionGroup outer[ValueError 3]");

  const std::exception_ptr coded =
      made(CodedGroup("eg", {made(ValueError("1")), made(CodedGroup("nested", {made(TypeError("2"))}, 101))}, 42));
  const auto codes = [](const std::exception_ptr& error) { return exception_ptr_cast<CodedGroup>(error)->code; };
  const auto halves = split<TypeError>(coded);
  EXPECT_EQ(codes(halves.match), 42);
  EXPECT_EQ(codes(as_group(halves.match)->exceptions().front()), 101);
  EXPECT_EQ(codes(halves.rest), 42);
  const auto none = split<OSError>(coded);
  EXPECT_EQ(codes(none.rest), 42);
  EXPECT_EQ(codes(as_group(none.rest)->exceptions().back()), 101);
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
  std::exception_ptr group;
  std::exception_ptr handled;
  try {
    throw LookupError("context");
  } catch (const LookupError&) {
    handled = std::current_exception();
    group = made(from(ExceptionGroup("m", ValueError("1"), TypeError("2")), cause));
  }
  const auto parts = split<ValueError>(group);
  for (const std::exception_ptr& half : {parts.match, parts.rest}) {
    try {
      std::rethrow_exception(half);
    } catch (const BaseException& error) {
      EXPECT_EQ(error.cause(), cause);
      EXPECT_EQ(error.context(), handled);
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
    EXPECT_EQ(exception_repr(top).substr(0, 25), "ExceptionGroup('outer', [");
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

TEST(ExceptionNotes, are_kept_by_copies_and_by_the_parts_of_a_group) {
  ValueError error("bad");
  EXPECT_EQ(error.notes(), std::vector<std::string>());
  error.add_note("in line 3");
  const ValueError copy = error;
  error.add_note("of the first file");
  EXPECT_EQ(copy.notes(), std::vector<std::string>{"in line 3"});
  EXPECT_EQ(format_exception(std::make_exception_ptr(error)), "ValueError: bad\nin line 3\nof the first file");

  ExceptionGroup group("all", ValueError("1"), TypeError("2"));
  group.add_note("of the group");
  const auto [match, rest] = group.split<ValueError>();
  for (const std::exception_ptr& part : {match, rest}) {
    const auto* const of_part = exception_ptr_cast<const BaseException>(part);
    ASSERT_NE(of_part, nullptr);
    EXPECT_EQ(of_part->notes(), std::vector<std::string>{"of the group"});
  }
}

TEST(ExceptionGroupRepr, names_its_members) {
  const auto inner = make_exception_group("inner", {std::make_exception_ptr(TypeError("2"))});
  const auto outer = make_exception_group("outer", {std::make_exception_ptr(ValueError("1")), inner});
  EXPECT_EQ(exception_repr(outer),
            "ExceptionGroup('outer', [ValueError('1'), ExceptionGroup('inner', [TypeError('2')])])");
  const auto base = make_exception_group("base", {std::make_exception_ptr(KeyboardInterrupt())});
  EXPECT_EQ(exception_repr(base), "BaseExceptionGroup('base', [KeyboardInterrupt()])");
}

TEST(ExceptionGroupRepr, ends_at_a_depth_that_no_stack_minds) {
  std::exception_ptr group = std::make_exception_ptr(ValueError("innermost"));
  for (int i = 0; i < 100'000; ++i) group = make_exception_group("g", {group});
  const std::string repr = exception_repr(group);
  EXPECT_NE(repr.find("ExceptionGroup(...)"), std::string::npos);
}

class UnderivedGroup : public ExceptionGroup {
 public:
  using ExceptionGroup::ExceptionGroup;
  std::exception_ptr derive(std::vector<std::exception_ptr> exceptions) const override {
    return lost ? nullptr : exceptions.front();
  }
  bool lost = true;
};

TEST(ExceptionGroups, ThatDeriveNoGroupCannotBeSplit) {
  for (const bool lost : {true, false}) {
    UnderivedGroup group("m", {made(ValueError("1")), made(TypeError("2"))});
    group.lost = lost;
    try {
      split<ValueError>(made(group));
      FAIL();
    } catch (const TypeError& error) {
      EXPECT_STREQ(error.what(), "derive must return an instance of BaseExceptionGroup");
    }
  }
}

TEST(ExceptionGroups, TheHalvesOfASplitSuppressTheContext) {
  const auto parts = split<ValueError>(made(ExceptionGroup("m", ValueError("1"), TypeError("2"))));
  EXPECT_TRUE(exception_ptr_cast<BaseException>(parts.match)->suppress_context());
  EXPECT_TRUE(exception_ptr_cast<BaseException>(parts.rest)->suppress_context());
}

}  // namespace
}  // namespace segue::modern
