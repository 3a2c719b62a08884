#include <segue/bridge/spdlog.hpp>

#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

namespace segue::bridge {
namespace {

using modern::LogLevel;

class Spdlog : public ::testing::Test {
 protected:
  Spdlog() : before_(log_to_spdlog()) {}
  ~Spdlog() override {
    spdlog::drop("asyncio");
    modern::set_log_handler(std::move(before_));
  }

  /// Registers a logger "asyncio" that takes every level.
  void register_logger() {
    auto logger = std::make_shared<spdlog::logger>("asyncio", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
    logger->set_pattern("%n %l %v");
    logger->set_level(spdlog::level::trace);
    spdlog::register_logger(logger);
  }

  std::ostringstream text;

 private:
  modern::LogHandler before_;
};

TEST_F(Spdlog, has_the_log_in_the_programs_own_logger_with_its_levels) {
  register_logger();
  modern::log(LogLevel::debug, "d");
  modern::log(LogLevel::info, "i");
  modern::log(LogLevel::warning, "{} is no place holder");
  modern::log(LogLevel::error, "e");
  modern::log(LogLevel::critical, "c");
  EXPECT_EQ(text.str(),
            "asyncio debug d\nasyncio info i\nasyncio warning {} is no place holder\nasyncio error e\n"
            "asyncio critical c\n");
}

TEST_F(Spdlog, makes_a_logger_that_writes_to_standard_error_where_there_is_none) {
  ::testing::internal::CaptureStderr();
  modern::log(LogLevel::warning, "w");
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("[asyncio] [warning] w\n"), std::string::npos) << said;
  EXPECT_TRUE(spdlog::get("asyncio"));
}

}  // namespace
}  // namespace segue::bridge
