#include <segue/format_exception.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>

namespace segue {
namespace {

// What a traceback of what `raise` throws ends with.
template <class Raise>
std::string formatted(Raise raise) {
  try {
    raise();
  } catch (...) {
    return format_exception(std::current_exception());
  }
  return "nothing was thrown";
}

const std::string handling = "\n\nDuring handling of the above exception, another exception occurred:\n\n";
const std::string cause = "\n\nThe above exception was the direct cause of the following exception:\n\n";

TEST(FormatException, shows_class_and_text) {
  EXPECT_EQ(formatted([] { throw ValueError("bad"); }), "ValueError: bad");
  EXPECT_EQ(formatted([] { throw ValueError(); }), "ValueError");
  EXPECT_EQ(formatted([] { throw std::runtime_error("foreign"); }), "runtime_error: foreign");
  EXPECT_EQ(formatted([] { throw 7; }), "int");
}

TEST(FormatException, shows_what_was_being_handled) {
  EXPECT_EQ(formatted([] {
              try {
                try {
                  throw std::runtime_error("first");
                } catch (const std::runtime_error&) {
                  throw ValueError("second");
                }
              } catch (const ValueError&) {
                throw KeyError("third");
              }
            }),
            "runtime_error: first" + handling + "ValueError: second" + handling + "KeyError: third");
}

TEST(FormatException, shows_a_cause_in_place_of_the_context) {
  const auto led_to_it = std::make_exception_ptr(TypeError("cause"));
  EXPECT_EQ(formatted([&] {
              try {
                throw ValueError("handled");
              } catch (const ValueError&) {
                throw from(RuntimeError("raised"), led_to_it);
              }
            }),
            "TypeError: cause" + cause + "RuntimeError: raised");
}

// `raise … from None`
TEST(FormatException, shows_no_context_where_there_is_None_for_a_cause) {
  try {
    try {
      throw ValueError("handled");
    } catch (const ValueError&) {
      throw from(RuntimeError("raised"), nullptr);
    }
  } catch (const RuntimeError& error) {
    EXPECT_TRUE(error.suppress_context());
    EXPECT_FALSE(error.cause());
    EXPECT_TRUE(error.context());
    EXPECT_EQ(format_exception(std::current_exception()), "RuntimeError: raised");
  }
  RuntimeError shown_again("x");
  EXPECT_FALSE(shown_again.suppress_context());
  shown_again.set_cause(nullptr);
  shown_again.set_suppress_context(false);
  EXPECT_FALSE(shown_again.suppress_context());
}

TEST(FormatException, shows_each_once_where_the_history_leads_back_into_itself) {
  const std::string context = "\n\nDuring handling of the above exception, another exception occurred:\n\n";
  for (int ring = 1; ring < 6; ++ring) {
    std::string expected = "KeyError: top";
    std::vector<std::exception_ptr> errors;
    for (int i = 0; i < ring; ++i) {
      errors.push_back(std::make_exception_ptr(ValueError(std::to_string(i))));
      expected = "ValueError: " + std::to_string(i) + context + expected;
    }
    for (std::size_t i = 0; i < errors.size(); ++i)
      exception_ptr_cast<ValueError>(errors[i])->set_context(errors[(i + 1) % errors.size()]);
    KeyError top("top");
    top.set_context(errors.front());
    EXPECT_EQ(format_exception(std::make_exception_ptr(top)), expected);
    exception_ptr_cast<ValueError>(errors.front())->set_context(nullptr);
  }
}

}  // namespace
}  // namespace segue
