#include <segue/format_exception.hpp>

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

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

TEST(FormatException, ends_where_the_history_is_a_circle) {
  const auto first = std::make_exception_ptr(ValueError("first"));
  const auto second = std::make_exception_ptr(ValueError("second"));
  exception_ptr_cast<ValueError>(first)->set_context(second);
  exception_ptr_cast<ValueError>(second)->set_context(first);
  EXPECT_NE(format_exception(first).find("second"), std::string::npos);
  exception_ptr_cast<ValueError>(first)->set_context(nullptr);
}

}  // namespace
}  // namespace segue
