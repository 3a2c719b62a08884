#include <exception>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/unraisable.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {

std::string name_in_a_named_namespace() { return function_name(std::source_location::current()); }

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_loop;
using testing::Reports;

std::string here(const std::source_location& where = std::source_location::current()) { return function_name(where); }

std::string plain() { return here(); }
std::vector<std::pair<int, int>>* returns_pointer(int, std::string (*)(int), std::string& name) {
  name = here();
  return nullptr;
}
template <class T>
std::string of_a_template(const T&) {
  return here();
}
template <class T>
  requires std::is_integral_v<T>
std::string constrained(T) {
  return here();
}
struct Class {
  std::string method(int) const { return here(); }
  static std::string static_method() { return here(); }
  template <class T>
  struct Inner {
    std::string method() && noexcept { return here(); }
  };
  std::string operator()(int) { return here(); }
};

TEST(FunctionName, IsTheNameAlone) {
  EXPECT_EQ(name_in_a_named_namespace(), "name_in_a_named_namespace");
  EXPECT_EQ(plain(), "plain");
  std::string name;
  returns_pointer(0, nullptr, name);
  EXPECT_EQ(name, "returns_pointer");
}

TEST(FunctionName, IsFreeOfTemplateArguments) {
  EXPECT_EQ(of_a_template(std::vector<int>()), "of_a_template");
  EXPECT_EQ(constrained(1), "constrained");
  const auto lambda = [](int) { return 0; };
  EXPECT_EQ(of_a_template(lambda), "of_a_template");
}

TEST(FunctionName, IsFreeOfClasses) {
  EXPECT_EQ(Class().method(1), "method");
  EXPECT_EQ(Class::static_method(), "static_method");
  EXPECT_EQ(Class::Inner<std::vector<int>>().method(), "method");
  struct Local {
    std::string method() { return here(); }
  };
  EXPECT_EQ(Local().method(), "method");
}

TEST(FunctionName, OfALambdaIsPythons) {
  const auto lambda = [](int, const std::string&) { return here(); };
  EXPECT_EQ(lambda(1, ""), "<lambda>");
  const auto generic = [](auto) { return here(); };
  EXPECT_EQ(generic(1), "<lambda>");
  const auto nested = [&] { return lambda(1, ""); };
  EXPECT_EQ(nested(), "<lambda>");
  EXPECT_EQ(Class()(1), "<lambda>");
}

TEST(Diagnostics, GoToTheRunningLoop) {
  auto loop = make_loop();
  const Reports reports(*loop);
  loop->call_soon([&] {
    report_coroutine(std::source_location::current(), "was never awaited");
    report_unraisable(std::make_exception_ptr(ValueError("lost")), std::source_location::current());
    loop->stop();
  });
  loop->run_forever();
  EXPECT_THAT(reports.messages(),
              ElementsAre("coroutine '<lambda>' was never awaited", "Exception ignored in: coroutine '<lambda>'"));
  EXPECT_EQ(testing::text(reports.contexts()[1].exception), "ValueError(lost)");
  for (const auto& context : reports.contexts()) EXPECT_THAT(context.source, HasSubstr("diagnostics_test.cpp:"));
}

TEST(Diagnostics, GoToStandardErrorWhereNoLoopRuns) {
  ::testing::internal::CaptureStderr();
  report_unraisable(std::make_exception_ptr(ValueError("lost")), std::source_location::current());
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("Exception ignored in: coroutine 'TestBody'"));
  EXPECT_THAT(said, HasSubstr("ValueError: lost"));
  EXPECT_THAT(said, HasSubstr("diagnostics_test.cpp:"));
}

TEST(Diagnostics, SurviveAHandlerThatThrows) {
  auto loop = make_loop();
  loop->set_exception_handler([](EventLoop&, const ExceptionContext&) { throw KeyboardInterrupt(); });
  ::testing::internal::CaptureStderr();
  loop->call_soon([&] {
    report_coroutine(std::source_location::current(), "was never awaited");
    loop->stop();
  });
  loop->run_forever();
  EXPECT_NE(::testing::internal::GetCapturedStderr(), "");
}

TEST(LeavingCoroutine, ReplacesStopIterationAlone) {  // PEP 479
  const auto stop = std::make_exception_ptr(StopIteration<std::string>("value"));
  const auto replaced = leaving_coroutine(stop);
  EXPECT_EQ(testing::text(replaced), "RuntimeError(coroutine raised StopIteration)");
  try {
    std::rethrow_exception(replaced);
  } catch (const RuntimeError& error) {
    EXPECT_EQ(error.cause(), stop);
  }
  const auto other = std::make_exception_ptr(GeneratorExit());
  EXPECT_EQ(leaving_coroutine(other), other);
  const auto foreign = std::make_exception_ptr(1);
  EXPECT_EQ(leaving_coroutine(foreign), foreign);
}

}  // namespace
}  // namespace segue::modern
