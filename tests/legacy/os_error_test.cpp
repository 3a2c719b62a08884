// The numbers of the operating system have Python's classes (PEP 3151), thrown or as values.
#include <segue/os_error.hpp>

#include <cerrno>
#include <exception>

#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>

#include "counted_throws.hpp"

namespace segue {
namespace {

TEST(OSError, HasItsNumberItsTextAndItsFile) {
  const OSError error(ENOENT, "No such file or directory", "notes.txt");
  EXPECT_STREQ(error.what(), "[Errno 2] No such file or directory: 'notes.txt'");
  EXPECT_EQ(error.errno_code(), ENOENT);
  EXPECT_EQ(error.strerror(), "No such file or directory");
  EXPECT_EQ(error.filename(), "notes.txt");
}

TEST(OSError, QuotesItsFileAsPythonDoes) {
  EXPECT_STREQ(OSError(ENOENT, "No such file or directory", "").what(), "[Errno 2] No such file or directory: ''");
  EXPECT_STREQ(OSError(ENOENT, "gone", "it's\n").what(), "[Errno 2] gone: \"it's\\n\"");
  EXPECT_STREQ(OSError(ENOENT, "gone").what(), "[Errno 2] gone");
}

TEST(OSError, MayHaveATextAlone) {
  const OSError error("gone");
  EXPECT_EQ(error.errno_code(), 0);
  EXPECT_EQ(error.strerror(), "gone");
  EXPECT_EQ(error.filename(), "");
}

TEST(MakeOSError, ChoosesTheClassByTheNumber) {
  EXPECT_EQ(describe(make_os_error(EAGAIN)).type, "BlockingIOError");
  EXPECT_EQ(describe(make_os_error(EALREADY)).type, "BlockingIOError");
  EXPECT_EQ(describe(make_os_error(EINPROGRESS)).type, "BlockingIOError");
  EXPECT_EQ(describe(make_os_error(ECHILD)).type, "ChildProcessError");
  EXPECT_EQ(describe(make_os_error(EEXIST)).type, "FileExistsError");
  EXPECT_EQ(describe(make_os_error(ENOENT)).type, "FileNotFoundError");
  EXPECT_EQ(describe(make_os_error(EINTR)).type, "InterruptedError");
  EXPECT_EQ(describe(make_os_error(EISDIR)).type, "IsADirectoryError");
  EXPECT_EQ(describe(make_os_error(ENOTDIR)).type, "NotADirectoryError");
  EXPECT_EQ(describe(make_os_error(EACCES)).type, "PermissionError");
  EXPECT_EQ(describe(make_os_error(EPERM)).type, "PermissionError");
  EXPECT_EQ(describe(make_os_error(ESRCH)).type, "ProcessLookupError");
  EXPECT_EQ(describe(make_os_error(ETIMEDOUT)).type, "TimeoutError");
  EXPECT_EQ(describe(make_os_error(EPIPE)).type, "BrokenPipeError");
  EXPECT_EQ(describe(make_os_error(ESHUTDOWN)).type, "BrokenPipeError");
  EXPECT_EQ(describe(make_os_error(ECONNABORTED)).type, "ConnectionAbortedError");
  EXPECT_EQ(describe(make_os_error(ECONNREFUSED)).type, "ConnectionRefusedError");
  EXPECT_EQ(describe(make_os_error(ECONNRESET)).type, "ConnectionResetError");
  EXPECT_EQ(describe(make_os_error(EBADF)).type, "OSError");
}

TEST(MakeOSError, TakesTheTextOfTheSystemOrAnother) {
  EXPECT_EQ(describe(make_os_error(EPERM)).message, "[Errno 1] Operation not permitted");
  EXPECT_EQ(describe(make_os_error(ENOENT, "not here", "a")).message, "[Errno 2] not here: 'a'");
}

TEST(MakeOSError, ThrowsNothing) {
  if (!testing::throws_counted) GTEST_SKIP();
  const std::size_t before = testing::throws_made();
  EXPECT_TRUE(holds<PermissionError>(make_os_error(EPERM)));
  EXPECT_EQ(testing::throws_made(), before);
}

TEST(ThrowOSError, ThrowsTheSame) {
  EXPECT_THROW(throw_os_error(ENOENT), FileNotFoundError);
  EXPECT_THROW(throw_os_error(ECONNRESET, "gone", "peer"), ConnectionResetError);
}

}  // namespace
}  // namespace segue
