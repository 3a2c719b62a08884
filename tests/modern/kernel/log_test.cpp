#include <segue/modern/kernel/log.hpp>

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>

#include "modern/attempt.hpp"

namespace segue::modern {
namespace {

using ::testing::ElementsAre;
using testing::make_loop;

/// Starts without a handler, and leaves the one that was there.
class Log : public ::testing::Test {
 protected:
  Log() : before_(set_log_handler(nullptr)) {}
  ~Log() override { set_log_handler(std::move(before_)); }

  /// Notes each message, its level's number before it.
  static LogHandler into(std::vector<std::string>& lines) {
    return [&lines](LogLevel level, const std::string& message) {
      lines.push_back(std::to_string(static_cast<int>(level)) + " " + message);
    };
  }

  template <class Call>
  static std::string said_by(Call call) {
    ::testing::internal::CaptureStderr();
    call();
    return ::testing::internal::GetCapturedStderr();
  }

  std::vector<std::string> lines;

 private:
  LogHandler before_;
};

TEST_F(Log, prints_the_bare_message_of_warnings_and_worse) {
  EXPECT_EQ(said_by([] {
              log(LogLevel::debug, "d");
              log(LogLevel::info, "i");
              log(LogLevel::warning, "100% w");
              log(LogLevel::error, "e\nmore");
              log(LogLevel::critical, "");
            }),
            "100% w\ne\nmore\n\n");
}

TEST_F(Log, gives_a_handler_every_level_and_prints_nothing) {
  set_log_handler(into(lines));
  EXPECT_EQ(said_by([] {
              log(LogLevel::debug, "d");
              log(LogLevel::warning, "w");
            }),
            "");
  EXPECT_THAT(lines, ElementsAre("10 d", "30 w"));
}

TEST_F(Log, gives_the_handler_before_back_and_prints_again_without_one) {
  EXPECT_FALSE(set_log_handler(into(lines)));
  const LogHandler mine = set_log_handler({});
  ASSERT_TRUE(mine);
  mine(LogLevel::info, "i");
  EXPECT_THAT(lines, ElementsAre("20 i"));
  EXPECT_EQ(said_by([] { log(LogLevel::error, "e"); }), "e\n");
}

TEST_F(Log, loses_no_message_to_a_handler_that_throws) {
  set_log_handler([](LogLevel, const std::string&) { throw KeyboardInterrupt(); });
  EXPECT_EQ(said_by([] { log(LogLevel::error, "e"); }), "e\n");
}

TEST_F(Log, survives_a_handler_that_replaces_itself) {
  set_log_handler([this](LogLevel, const std::string& message) {
    set_log_handler(into(lines));
    lines.push_back("replaced at " + message);
  });
  log(LogLevel::warning, "1");
  log(LogLevel::warning, "2");
  EXPECT_THAT(lines, ElementsAre("replaced at 1", "30 2"));
}

TEST_F(Log, has_what_no_exception_handler_takes) {
  set_log_handler(into(lines));
  auto loop = make_loop();
  ExceptionContext context;
  context.message = "lost";
  context.exception = std::make_exception_ptr(ValueError("v"));
  loop->call_exception_handler(context);
  EXPECT_THAT(lines, ElementsAre("40 lost\nValueError: v"));
}

}  // namespace
}  // namespace segue::modern
