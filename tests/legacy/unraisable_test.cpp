#include <segue/unraisable.hpp>

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>

namespace segue::legacy {
namespace {

TEST(Unraisable, GoesToTheHookAndAnEarlierHookIsGivenBack) {
  std::string told;
  const auto tell = [&](const Unraisable& unraisable) {
    told = unraisable.object + " " + describe(unraisable.exception).repr();
  };
  UnraisableHook original = set_unraisable_hook(tell);
  report_unraisable(std::make_exception_ptr(ValueError("v")), "<object>");
  EXPECT_EQ(told, "<object> ValueError('v')");
  const UnraisableHook mine = set_unraisable_hook(std::move(original));
  EXPECT_TRUE(mine);
}

TEST(Unraisable, IsPrintedWhenThereIsNoHook) {
  UnraisableHook original = set_unraisable_hook(nullptr);
  ::testing::internal::CaptureStderr();
  report_unraisable(std::make_exception_ptr(ValueError("v")), "<object>");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "Exception ignored in: <object>\nValueError: v\n");
  set_unraisable_hook(std::move(original));
}

}  // namespace
}  // namespace segue::legacy
