// A program of the lessons or the scenarios, cancelled at each of its awaits: nothing is left.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <segue/testing/cancel_everywhere.hpp>

namespace segue::testing {

/// For one that starts tasks beside itself, in no group: it is run() that cancels them.
inline const CancelOptions leaves_tasks{.may_leave_tasks = true};

/// Its output is dropped: a cancelled program prints what it has come to. It runs in its own folder below docs/lessons,
/// if it has one.
template <class Program>
void cancel_a_program_everywhere(Program program, const CancelOptions& options = {}, const char* folder = ".") {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(std::filesystem::path(SEGUE_LESSONS_FOLDER) / folder);
  ::testing::internal::CaptureStdout();
  std::string failure;
  CancelReport report;
  try {
    report = cancel_everywhere(program, options);
  } catch (const CancellationFailure& error) {
    failure = error.what();
  }
  std::fflush(stdout);
  ::testing::internal::GetCapturedStdout();
  std::filesystem::current_path(before);
  EXPECT_EQ(failure, "");
  EXPECT_GT(report.cancelled, 0U);
}

}  // namespace segue::testing
