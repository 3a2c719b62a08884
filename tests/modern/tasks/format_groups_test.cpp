// What format_exception() shows of groups: the texts are what CPython's traceback.print_exception() prints.
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/format_exception.hpp>
#include <segue/modern/tasks/exception_groups.hpp>

namespace segue::modern {
namespace {

template <class E>
std::exception_ptr pointer_to(E error) {
  return std::make_exception_ptr(std::move(error));
}

TEST(FormatGroups, frame_the_members_with_their_notes_and_histories) {
  ValueError bad("bad");
  bad.add_note("note a\nnote b");
  bad.set_cause(pointer_to(KeyError("k")));
  ExceptionGroup group("several", bad, TypeError("two\nlines"), ExceptionGroup("inner", LookupError("x")));
  group.add_note("of the group");
  group.set_context(pointer_to(RuntimeError("before")));
  EXPECT_EQ(format_exception(pointer_to(group)), R"(RuntimeError: before

During handling of the above exception, another exception occurred:

  | ExceptionGroup: several (3 sub-exceptions)
  | of the group
  +-+---------------- 1 ----------------
    | KeyError: k
    | 
    | The above exception was the direct cause of the following exception:
    | 
    | ValueError: bad
    | note a
    | note b
    +---------------- 2 ----------------
    | TypeError: two
    | lines
    +---------------- 3 ----------------
    | ExceptionGroup: inner (1 sub-exception)
    +-+---------------- 1 ----------------
      | LookupError: x
      +------------------------------------)");
}

TEST(FormatGroups, show_a_group_that_led_to_another_exception) {
  RuntimeError outer("outer");
  outer.set_context(pointer_to(ExceptionGroup("in", ValueError("q"))));
  const std::string shown = R"(  | ExceptionGroup: in (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: q
    +------------------------------------

During handling of the above exception, another exception occurred:

RuntimeError: outer)";
  EXPECT_EQ(format_exception(pointer_to(outer)), shown);
}

TEST(FormatGroups, show_fifteen_of_a_group_and_how_many_more_there_are) {
  std::vector<std::exception_ptr> errors{pointer_to(KeyboardInterrupt())};
  for (int i = 1; i < 17; ++i) errors.push_back(pointer_to(ValueError(std::to_string(i))));
  const std::string shown = format_exception(make_exception_group("many", errors));
  const std::string end = R"(
    +---------------- 15 ----------------
    | ValueError: 14
    +---------------- ... ----------------
    | and 2 more exceptions
    +------------------------------------)";
  EXPECT_EQ(shown.substr(0, shown.find("    | ValueError: 1")), R"(  | BaseExceptionGroup: many (17 sub-exceptions)
  +-+---------------- 1 ----------------
    | KeyboardInterrupt
    +---------------- 2 ----------------
)");
  EXPECT_EQ(shown.substr(shown.size() - end.size()), end);
}

TEST(FormatGroups, show_groups_ten_deep) {
  std::exception_ptr error = pointer_to(ValueError("too deep"));
  for (int i = 0; i < 100'000; ++i) error = pointer_to(ExceptionGroup("group", {error}));
  const std::string shown = format_exception(error);
  const std::string end = R"(
                      | ... (max_group_depth is 10)
                      +------------------------------------)";
  EXPECT_EQ(shown.substr(shown.size() - end.size()), end);
}

}  // namespace
}  // namespace segue::modern
