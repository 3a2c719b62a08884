#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/callback.hpp>
#include <segue/bridge/callback_errors.hpp>
#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/os_error.hpp>

#include "loop.hpp"

namespace segue::bridge {
namespace {

/// Of somebody's library: it knows nothing of segue.
enum class DbStatus : std::uint8_t { ok, row, locked };

}  // namespace

template <>
struct error_traits<DbStatus> {
  static std::exception_ptr to_exception(DbStatus status) {
    return status == DbStatus::locked ? std::make_exception_ptr(ValueError("database is locked")) : nullptr;
  }
};

namespace {

using ::testing::HasSubstr;
using testing::make_loop;

/// `FileNotFoundError: …`; `none` for no error.
std::string text_of(const std::exception_ptr& error) {
  if (!error) return "none";
  const ExceptionText text = describe(error);
  return text.type + ": " + text.message;
}
template <class Error>
std::string of(const Error& error) {
  return text_of(to_exception(error));
}

TEST(ToException, TakesAnErrnoOfEitherSign) {
  EXPECT_EQ(of(0), "none");
  EXPECT_EQ(of(ENOENT), "FileNotFoundError: [Errno 2] No such file or directory");
  EXPECT_EQ(of(-ENOENT), of(ENOENT));
  EXPECT_EQ(of(std::int64_t{-ENOENT}), of(ENOENT));
  EXPECT_EQ(of(std::uint8_t{ENOENT}), of(ENOENT));
}

TEST(ToException, SaysANumberThatIsNoErrno) {
  const auto smallest = std::numeric_limits<int>::min();
  EXPECT_EQ(of(smallest), "RuntimeError: callback reported error " + std::to_string(smallest));
  const auto large = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(of(large), "RuntimeError: callback reported error " + std::to_string(large));
}

TEST(ToException, TakesABoolForAFailure) {
  EXPECT_EQ(of(false), "none");
  EXPECT_EQ(of(true), "RuntimeError: callback reported a failure");
}

TEST(ToException, TakesAnErrorCode) {
  EXPECT_EQ(of(std::error_code()), "none");
  EXPECT_EQ(of(std::make_error_code(std::errc::timed_out)), "TimeoutError: [Errno 110] Connection timed out");
  EXPECT_EQ(of(std::error_code(ENOENT, std::system_category())), of(ENOENT));
  try {
    std::rethrow_exception(to_exception(std::make_error_code(std::future_errc::broken_promise)));
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::future_errc::broken_promise);
  }
}

TEST(ToException, TakesAnExceptionOrAPointerToOne) {
  EXPECT_EQ(of(ValueError("v")), "ValueError: v");
  EXPECT_EQ(of(std::make_exception_ptr(ValueError("v"))), "ValueError: v");
  EXPECT_EQ(of(std::exception_ptr()), "none");
  EXPECT_EQ(of(std::out_of_range("range")), "out_of_range: range");
}

TEST(ToException, TakesAText) {
  EXPECT_EQ(of("broken"), "RuntimeError: broken");
  EXPECT_EQ(of(std::string("broken")), "RuntimeError: broken");
  EXPECT_EQ(of(""), "none");
  EXPECT_EQ(of(std::string()), "none");
  EXPECT_EQ(of(static_cast<const char*>(nullptr)), "none");
}

TEST(ToException, AsksTheTraitsOfAType) {
  EXPECT_EQ(of(DbStatus::ok), "none");
  EXPECT_EQ(of(DbStatus::row), "none");
  EXPECT_EQ(of(DbStatus::locked), "ValueError: database is locked");
}

struct OwnError {
  int code;
  explicit operator bool() const { return code != 0; }
};

TEST(ToException, ThrowsWhateverElseTestsAsTrueAsItIs) {
  EXPECT_EQ(of(OwnError{0}), "none");
  try {
    std::rethrow_exception(to_exception(OwnError{3}));
  } catch (const OwnError& error) {
    EXPECT_EQ(error.code, 3);
  }
}

TEST(ToException, SaysTheTypeOfWhatCannotBeCopied) {
  EXPECT_EQ(of(std::unique_ptr<OwnError>()), "none");
  EXPECT_THAT(of(std::make_unique<OwnError>(OwnError{7})), HasSubstr("RuntimeError: callback reported unique_ptr"));
}

TEST(ToFailure, IsNeverNull) {
  EXPECT_EQ(text_of(to_failure()), "RuntimeError: callback reported a failure without an error");
  EXPECT_EQ(text_of(to_failure(0)), "RuntimeError: callback reported a failure without an error");
  EXPECT_EQ(text_of(to_failure(ENOENT)), of(ENOENT));
}

// --- callbacks that are called so

TEST(ErrorFirst, TakesAnErrorOfAnyType) {
  const auto loop = make_loop();
  const auto locked = [](auto done) { done(DbStatus::locked, 0); };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(error_first, locked)), ValueError);
  const auto row = [](auto done) { done(DbStatus::row, 5); };
  EXPECT_EQ(loop->run_until_complete(from_callback<int>(error_first, row)), 5);
  const auto nothing = [](auto done) { done(std::error_code()); };
  loop->run_until_complete(from_callback<>(error_first, nothing));
  const auto own = [](auto done) { done(OwnError{3}); };
  EXPECT_THROW(loop->run_until_complete(from_callback<>(error_first, own)), OwnError);
}

TEST(NegativeErrno, GivesANumberThatIsNotNegative) {
  const auto loop = make_loop();
  const auto size = [](auto done) { done(12); };
  EXPECT_EQ(loop->run_until_complete(from_callback<int>(negative_errno, size)), 12);
  const auto zero = [](auto done) { done(0L); };
  EXPECT_EQ(loop->run_until_complete(from_callback<long>(negative_errno, zero)), 0);
  loop->run_until_complete(from_callback<>(negative_errno, zero));
  const auto with_more = [](auto done) { done(12, "text"); };
  EXPECT_EQ(loop->run_until_complete(from_callback<std::string>(negative_errno, with_more)), "text");
  const auto both = loop->run_until_complete(from_callback<int, std::string>(negative_errno, with_more));
  EXPECT_EQ(both, std::tuple(12, "text"));
}

TEST(NegativeErrno, ThrowsANegativeOne) {
  const auto loop = make_loop();
  const auto fails = [](auto done) { done(-EPIPE, "dropped"); };
  EXPECT_THROW(loop->run_until_complete(from_callback<std::string>(negative_errno, fails)), BrokenPipeError);
}

TEST(SuccessFailure, TakesEither) {
  const auto loop = make_loop();
  const auto succeeds = [](auto succeeded, auto) { succeeded(7); };
  EXPECT_EQ(loop->run_until_complete(from_callback<int>(success_failure, succeeds)), 7);
  const auto fails = [](auto, auto failed) { failed(ENOENT); };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(success_failure, fails)), FileNotFoundError);
  const auto without_error = [](auto, auto failed) { failed(); };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(success_failure, without_error)), RuntimeError);
}

TEST(SuccessFailure, ReportsTheSecondOfThem) {
  const auto loop = make_loop();
  testing::Trace reports;
  testing::collect_reports(*loop, reports);
  const auto start = [](auto succeeded, auto failed) {
    succeeded(7);
    failed(ENOENT);
  };
  EXPECT_EQ(loop->run_until_complete(from_callback<int>(success_failure, start)), 7);
  EXPECT_EQ(reports, testing::Trace{"callback was called more than once"});
}

TEST(SuccessFailure, EndsTheWaitWhereBothAreDropped) {
  const auto loop = make_loop();
  const auto start = [&](auto succeeded, auto failed) {
    loop->call_soon([kept = std::make_unique<decltype(succeeded)>(std::move(succeeded))] {});
    loop->call_later(std::chrono::seconds(1), [kept = std::make_unique<decltype(failed)>(std::move(failed))] {});
  };
  EXPECT_THROW(loop->run_until_complete(from_callback<int>(success_failure, start)), RuntimeError);
}

TEST(SuccessFailure, MayBeCalledInAnotherThread) {
  const auto loop = make_loop();
  std::thread worker;
  const auto start = [&](auto, auto failed) {
    worker = std::thread([failed = std::move(failed)] { failed("broken"); });
  };
  EXPECT_THROW(loop->run_until_complete(from_callback<std::unique_ptr<int>>(success_failure, start)), RuntimeError);
  worker.join();
}

TEST(ToException, KeepsTheTypeOfAnExceptionThatIsGivenAsOneOfItsBase) {
  const auto type_of = [](const std::exception_ptr& error) { return describe(error).type; };
  try {
    throw std::out_of_range("far away");
  } catch (const std::exception& error) {
    EXPECT_EQ(type_of(to_exception(error)), "out_of_range");
  }
  try {
    throw KeyError("k");
  } catch (const Exception& error) {
    EXPECT_EQ(type_of(to_exception(error)), "KeyError");
  }
  const std::out_of_range nobodys("far away");
  const std::exception& as_base = nobodys;
  EXPECT_EQ(type_of(to_exception(as_base)), "RuntimeError");
  EXPECT_STREQ(describe(to_exception(as_base)).message.c_str(), "callback reported out_of_range: far away");
}

TEST(ToException, TakesACharacterForANumber) {
  EXPECT_EQ(to_exception('\0'), nullptr);
  EXPECT_THROW(std::rethrow_exception(to_exception(static_cast<char>(ENOENT))), FileNotFoundError);
}

}  // namespace
}  // namespace segue::bridge
