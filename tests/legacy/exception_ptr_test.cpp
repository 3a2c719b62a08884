// What an exception_ptr holds is found without throwing it, and is what a handler would have caught.
#include <segue/exception_ptr.hpp>

#include <unwind.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/os_error.hpp>

#include "counted_throws.hpp"

namespace segue {
namespace {

struct Plain {
  int value = 7;
};
struct First {
  int first = 1;
};
struct Second {
  int second = 2;
};
struct Both : First, Second {};
struct Left : Second {};
struct Right : Second {};
struct Ambiguous : Left, Right {};
struct Hiding : private First, public Second {};
struct Virtual : virtual Second, virtual Plain {};
struct Deep : First, Virtual {};
enum class Code { none, some };

std::vector<std::exception_ptr> all_kinds() {
  static int object = 0;
  static Both both;
  return {std::make_exception_ptr(Plain()),
          std::make_exception_ptr(Both()),
          std::make_exception_ptr(Ambiguous()),
          std::make_exception_ptr(Hiding()),
          std::make_exception_ptr(Virtual()),
          std::make_exception_ptr(Deep()),
          std::make_exception_ptr(7),
          std::make_exception_ptr(7U),
          std::make_exception_ptr(Code::some),
          std::make_exception_ptr("text"),
          std::make_exception_ptr(&object),
          std::make_exception_ptr(&both),
          std::make_exception_ptr(nullptr),
          std::make_exception_ptr(&all_kinds),
          std::make_exception_ptr(std::string()),
          std::make_exception_ptr(std::out_of_range("far")),
          std::make_exception_ptr(KeyError("no")),
          std::make_exception_ptr(GeneratorExit()),
          std::make_exception_ptr(StopIteration<int>(1)),
          nullptr};
}

template <class E>
void expect_as_a_handler_has_it() {
  for (const std::exception_ptr& error : all_kinds()) {
    const E* caught = nullptr;
    try {
      if (error) std::rethrow_exception(error);
    } catch (const E& found) {
      caught = std::addressof(found);
    } catch (...) {
    }
    EXPECT_EQ(exception_ptr_cast<E>(error), caught) << describe(error).type;
    EXPECT_EQ(exception_ptr_cast<const E>(error), caught) << describe(error).type;
    EXPECT_EQ(holds<E>(error), caught != nullptr) << describe(error).type;
  }
}

TEST(ExceptionPtrCast, GivesWhatAHandlerWouldCatch) {
  expect_as_a_handler_has_it<Plain>();
  expect_as_a_handler_has_it<First>();
  expect_as_a_handler_has_it<Second>();
  expect_as_a_handler_has_it<Both>();
  expect_as_a_handler_has_it<Left>();
  expect_as_a_handler_has_it<Ambiguous>();
  expect_as_a_handler_has_it<Hiding>();
  expect_as_a_handler_has_it<Virtual>();
  expect_as_a_handler_has_it<Deep>();
  expect_as_a_handler_has_it<int>();
  expect_as_a_handler_has_it<unsigned>();
  expect_as_a_handler_has_it<Code>();
  expect_as_a_handler_has_it<std::string>();
  expect_as_a_handler_has_it<std::exception>();
  expect_as_a_handler_has_it<std::logic_error>();
  expect_as_a_handler_has_it<BaseException>();
  expect_as_a_handler_has_it<Exception>();
  expect_as_a_handler_has_it<LookupError>();
  expect_as_a_handler_has_it<KeyError>();
  expect_as_a_handler_has_it<StopIterationBase>();
  expect_as_a_handler_has_it<StopIteration<int>>();
  expect_as_a_handler_has_it<StopIteration<std::string>>();
}

TEST(ExceptionPtrCast, GivesTheExceptionItself) {
  const std::exception_ptr error = std::make_exception_ptr(Both());
  exception_ptr_cast<Second>(error)->second = 5;
  try {
    std::rethrow_exception(error);
  } catch (const Second& caught) {
    EXPECT_EQ(caught.second, 5);
  }
}

TEST(ExceptionPtrCast, LooksAtWhatIsBeingHandled) {
  try {
    throw KeyError("no");
  } catch (const std::exception& caught) {
    const std::exception_ptr handled = std::current_exception();
    EXPECT_EQ(exception_ptr_cast<std::exception>(handled), &caught);
  }
}

_Unwind_Exception foreign_exception = {};

TEST(ExceptionPtrCast, FindsNothingInWhatOtherLanguagesThrow) {
  try {
    _Unwind_RaiseException(&foreign_exception);
    FAIL();
  } catch (...) {
    const std::exception_ptr handled = std::current_exception();
    EXPECT_EQ(exception_ptr_cast<int>(handled), nullptr);
    EXPECT_FALSE(holds<std::exception>(handled));
    EXPECT_EQ(describe(handled).type, "NoneType");
  }
}

TEST(ExceptionPtrCast, NothingIsThrownToAsk) {
  if (!testing::throws_counted) GTEST_SKIP();
  const std::exception_ptr error = std::make_exception_ptr(KeyError("no"));
  const std::size_t before = testing::throws_made();
  EXPECT_NE(exception_ptr_cast<std::exception>(error), nullptr);
  EXPECT_TRUE(holds<LookupError>(error));
  EXPECT_FALSE(holds<GeneratorExit>(error));
  EXPECT_FALSE(ends_program(error));
  EXPECT_EQ(describe(error).repr(), "KeyError('no')");
  chain_context(error, std::make_exception_ptr(ValueError("before")));
  EXPECT_EQ(testing::throws_made(), before);
  EXPECT_THROW(std::rethrow_exception(error), KeyError);
  EXPECT_GT(testing::throws_made(), before) << "the counting does count";
}

TEST(Describe, NamesTheClassAndGivesTheText) {
  EXPECT_EQ(exception_repr(std::make_exception_ptr(ValueError("bad value: 7"))), "ValueError('bad value: 7')");
  EXPECT_EQ(describe(std::make_exception_ptr(GeneratorExit())).repr(), "GeneratorExit()");
  EXPECT_EQ(exception_repr(std::make_exception_ptr(ValueError(""))), "ValueError('')");
  EXPECT_EQ(exception_repr(std::make_exception_ptr(ValueError("it's"))), "ValueError(\"it's\")");
  EXPECT_EQ(exception_repr(std::make_exception_ptr(ValueError("it's \"it\""))), "ValueError('it\\'s \"it\"')");
  EXPECT_EQ(exception_repr(std::make_exception_ptr(ValueError("two\nlines\t\x01\\"))),
            "ValueError('two\\nlines\\t\\x01\\\\')");
  EXPECT_EQ(exception_repr(std::make_exception_ptr(ValueError("größer"))), "ValueError('größer')");
  EXPECT_EQ(exception_repr(std::make_exception_ptr(SystemExit(3))), "SystemExit(3)");
  EXPECT_EQ(exception_repr(make_os_error(ENOENT)), "FileNotFoundError(2, 'No such file or directory')");
  EXPECT_EQ(exception_repr(std::make_exception_ptr(TimeoutError())), "TimeoutError()");
  EXPECT_EQ(exception_repr(std::make_exception_ptr(StopIteration("done"))), "StopIteration('done')");
  EXPECT_EQ(exception_repr(std::make_exception_ptr(StopIteration(7))), "StopIteration(7)");
  EXPECT_STREQ(StopIteration(2.5).what(), "2.5");
  EXPECT_STREQ(StopIteration(1.0).what(), "1.0");
  EXPECT_STREQ(StopIteration(1.0 / 3).what(), "0.3333333333333333");
  EXPECT_STREQ(StopIteration(-1e300).what(), "-1e+300");
  EXPECT_STREQ(StopIteration(std::numeric_limits<long double>::lowest()).what(), "-1.189731495357231765e+4932");
  EXPECT_STREQ(StopIteration(INT64_MIN).what(), "-9223372036854775808");
  EXPECT_STREQ(StopIteration(true).what(), "True");
  struct OwnText : Exception {
    const char* what() const noexcept override { return "mine"; }
  };
  EXPECT_TRUE(exception_repr(std::make_exception_ptr(OwnText())).ends_with("('mine')"));
  EXPECT_STREQ(StopIteration("done").what(), "done");
  EXPECT_EQ(describe(std::make_exception_ptr(std::out_of_range("far"))).repr(), "out_of_range('far')");
  EXPECT_EQ(describe(std::make_exception_ptr(7)).repr(), "int()");
  EXPECT_EQ(describe(nullptr).message, "None");
}

TEST(EndsProgram, IsKeyboardInterruptAndSystemExitAlone) {
  EXPECT_TRUE(ends_program(std::make_exception_ptr(KeyboardInterrupt())));
  EXPECT_TRUE(ends_program(std::make_exception_ptr(SystemExit(1))));
  EXPECT_FALSE(ends_program(std::make_exception_ptr(GeneratorExit())));
  EXPECT_FALSE(ends_program(std::make_exception_ptr(RuntimeError())));
  EXPECT_FALSE(ends_program(nullptr));
}

TEST(ChainContext, RemembersWhatWasHandled) {
  const std::exception_ptr handled = std::make_exception_ptr(KeyError());
  const std::exception_ptr error = std::make_exception_ptr(ValueError());
  chain_context(error, handled);
  EXPECT_EQ(exception_ptr_cast<BaseException>(error)->context(), handled);
}

TEST(ChainContext, KeepsWhatIsRememberedAlready) {
  const std::exception_ptr handled = std::make_exception_ptr(KeyError());
  const std::exception_ptr error = std::make_exception_ptr(ValueError());
  chain_context(error, handled);
  chain_context(error, std::make_exception_ptr(TypeError()));
  EXPECT_EQ(exception_ptr_cast<BaseException>(error)->context(), handled);
}

TEST(ChainContext, MakesNoRing) {
  const std::exception_ptr error = std::make_exception_ptr(ValueError());
  const std::exception_ptr later = std::make_exception_ptr(KeyError());
  const std::exception_ptr last = std::make_exception_ptr(TypeError());
  chain_context(error, error);
  EXPECT_EQ(exception_ptr_cast<BaseException>(error)->context(), nullptr);
  chain_context(later, error);
  chain_context(last, later);
  chain_context(error, last);
  EXPECT_EQ(exception_ptr_cast<BaseException>(error)->context(), last);
  EXPECT_EQ(exception_ptr_cast<BaseException>(last)->context(), later);
  EXPECT_EQ(exception_ptr_cast<BaseException>(later)->context(), nullptr);
}

TEST(ChainHistory, LeavesAloneWhatHasItsBeginningInCommon) {
  const std::exception_ptr first = std::make_exception_ptr(ValueError());
  const std::exception_ptr error = std::make_exception_ptr(KeyError());
  const std::exception_ptr handled = std::make_exception_ptr(TypeError());
  chain_context(error, first);
  chain_context(handled, first);
  chain_history(error, handled);
  EXPECT_EQ(exception_ptr_cast<BaseException>(error)->context(), first);
  EXPECT_EQ(exception_ptr_cast<BaseException>(handled)->context(), first);
  EXPECT_EQ(exception_ptr_cast<BaseException>(first)->context(), nullptr);
}

TEST(ChainContext, LeavesAloneWhatHasNoContext) {
  const std::exception_ptr foreign = std::make_exception_ptr(7);
  chain_context(foreign, std::make_exception_ptr(KeyError()));
  chain_context(nullptr, foreign);
  const std::exception_ptr error = std::make_exception_ptr(ValueError());
  chain_context(error, foreign);
  EXPECT_EQ(exception_ptr_cast<BaseException>(error)->context(), foreign);
}

}  // namespace
}  // namespace segue
