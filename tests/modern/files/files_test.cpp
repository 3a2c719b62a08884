#include <segue/modern/files/files.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exception_ptr.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/testing/manual_reactor.hpp>

#include "modern/attempt.hpp"
#include "unraisable_reports.hpp"

namespace segue::modern {
namespace {

using namespace std::chrono_literals;
using std::filesystem::path;
using ::testing::ElementsAre;
using testing::error_of;

std::string contents(const path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

int open_descriptors() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

/// What waits in a pipe.
int waiting_in(int fd) {
  int count = 0;
  ::ioctl(fd, FIONREAD, &count);
  return count;
}

class Files : public ::testing::Test {
 protected:
  Files() {
    std::string name = (std::filesystem::temp_directory_path() / "segue-files-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    loop->set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
      reports.push_back(context.message + ": " + describe(context.exception).message);
    });
  }
  ~Files() override { std::filesystem::remove_all(folder); }

  path make(const std::string& text) const {
    path file = folder / "file";
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

  template <class F>
  void run(F main) {
    loop->run_until_complete(main());
  }

  EventLoopPtr loop = new_event_loop(std::make_unique<ManualReactor>());
  path folder;
  std::vector<std::string> reports;
};

TEST_F(Files, AreReadWhole) {
  const path name = make("one\ntwo");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name);
    EXPECT_EQ(co_await file.read(), "one\ntwo");
    EXPECT_EQ(co_await file.read(), "");
    co_await file.close();
    EXPECT_TRUE(file.closed());
  });
}

TEST_F(Files, AreReadInPieces) {
  const path name = make("abcdefg");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name, "rb");
    EXPECT_EQ(co_await file.read(0), "");
    EXPECT_EQ(co_await file.read(3), "abc");
    EXPECT_EQ(co_await file.tell(), 3);
    EXPECT_EQ(co_await file.read(3), "def");
    EXPECT_EQ(co_await file.read(3), "g");
    EXPECT_EQ(co_await file.read(3), "");
  });
}

TEST_F(Files, AreReadByLines) {
  const path name = make("one\n\nthree");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name);
    EXPECT_EQ(co_await file.readline(), "one\n");
    EXPECT_EQ(co_await file.readline(), "\n");
    EXPECT_EQ(co_await file.readline(2), "th");
    EXPECT_EQ(co_await file.readline(), "ree");
    EXPECT_EQ(co_await file.readline(), "");
    co_await file.seek(0);
    const std::vector<std::string> expected = {"one\n", "\n", "three"};
    EXPECT_EQ(co_await file.readlines(), expected);
  });
}

TEST_F(Files, AreIteratedOver) {
  const path name = make("one\ntwo\n");
  run([&]() -> Coroutine<void> {
    std::vector<std::string> lines;
    auto file = co_await open(name);
    auto line = co_await file.anext();
    while (line) {
      lines.push_back(*line);
      line = co_await file.anext();
    }
    const std::vector<std::string> expected = {"one\n", "two\n"};
    EXPECT_EQ(lines, expected);
  });
}

TEST_F(Files, HaveLinesLongerThanTheBuffer) {
  const std::string line(300'000, 'x');
  const path name = make(line + "\n" + line);
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name);
    const std::string first = co_await file.readline();
    EXPECT_EQ(first, line + "\n");
    const std::string second = co_await file.readline();
    EXPECT_EQ(second, line);
  });
}

TEST_F(Files, AskingForMoreThanThereIsAllocatesWhatThereIs) {
  const path name = make("little");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name);
    const std::string text = co_await file.read(std::int64_t{1} << 50);
    EXPECT_EQ(text, "little");
  });
}

TEST_F(Files, BufferShortWritesUntilFlush) {
  const path name = folder / "new";
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name, "w");
    EXPECT_EQ(co_await file.write("hello "), 6U);
    EXPECT_EQ(co_await file.write("world"), 5U);
    EXPECT_EQ(contents(name), "");
    EXPECT_EQ(co_await file.tell(), 11);
    co_await file.flush();
    EXPECT_EQ(contents(name), "hello world");
    co_await file.write("!");
    co_await file.close();
    EXPECT_EQ(contents(name), "hello world!");
  });
}

TEST_F(Files, KeepTheOrderOfShortAndLongWrites) {
  const path name = folder / "new";
  std::string expected;
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name, "w");
    for (int i = 0; i < 40; ++i) {
      const std::string piece(static_cast<std::size_t>(i % 2 == 0 ? 10 : 50'000 + i * 1000),
                              static_cast<char>('a' + i % 26));
      expected += piece;
      co_await file.write(piece);
    }
    const std::vector<std::string> lines = {"x\n", "y\n"};
    co_await file.writelines(lines);
    expected += "x\ny\n";
    co_await file.close();
  });
  EXPECT_EQ(contents(name), expected);
}

TEST_F(Files, AreAppendedTo) {
  const path name = make("one\n");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name, "a");
    EXPECT_EQ(co_await file.tell(), 4);
    co_await file.write("two\n");
    co_await file.close();
  });
  EXPECT_EQ(contents(name), "one\ntwo\n");
}

TEST_F(Files, SwitchBetweenReadingAndWriting) {
  const path name = make("abc\ndef\nghi");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name, "r+");
    EXPECT_EQ(co_await file.readline(), "abc\n");
    EXPECT_EQ(co_await file.write("XX"), 2U);
    EXPECT_EQ(co_await file.readline(), "f\n");
    EXPECT_EQ(co_await file.tell(), 8);
    EXPECT_EQ(co_await file.seek(-3, Whence::end), 8);
    EXPECT_EQ(co_await file.seek(1, Whence::current), 9);
    EXPECT_EQ(co_await file.truncate(), 9);
    co_await file.close();
  });
  EXPECT_EQ(contents(name), "abc\nXXf\ng");
}

// As in CPython, whose BufferedRandom flushes and goes back to the position first.
TEST_F(Files, TruncatedForgetWhatWasReadAhead) {
  const path name = make("0123456789");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name, "r+");
    EXPECT_EQ(co_await file.read(3), "012");
    EXPECT_EQ(co_await file.truncate(5), 5);
    EXPECT_EQ(co_await file.read(), "34");
    co_await file.write("X");
    co_await file.close();
  });
  EXPECT_EQ(contents(name), "01234X");
}

TEST_F(Files, TruncatedToThePositionWriteFirst) {
  const path name = make("0123456789");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name, "a");
    co_await file.seek(0);
    co_await file.write("xyz");
    EXPECT_EQ(co_await file.truncate(), 13);
    co_await file.close();
  });
  EXPECT_EQ(contents(name), "0123456789xyz");
}

TEST_F(Files, SeekingForwardFromWhatWasReadCountsFromThere) {
  const path name = make("0123456789");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name);
    EXPECT_EQ(co_await file.read(2), "01");
    EXPECT_EQ(co_await file.seek(3, Whence::current), 5);
    EXPECT_EQ(co_await file.read(2), "56");
  });
}

TEST_F(Files, ModesAreCheckedAsPythonDoes) {
  const path name = make("");
  EXPECT_EQ(error_of(*loop, open(name, "q")), "ValueError: invalid mode: 'q'");
  EXPECT_EQ(error_of(*loop, open(name, "rr")), "ValueError: invalid mode: 'rr'");
  EXPECT_EQ(error_of(*loop, open(name, "rw")), "ValueError: must have exactly one of create/read/write/append mode");
  EXPECT_EQ(error_of(*loop, open(name, "rbt")), "ValueError: can't have text and binary mode at once");
  EXPECT_EQ(error_of(*loop, open(name, "+")),
            "ValueError: Must have exactly one of create/read/write/append mode and at most one plus");
  EXPECT_EQ(error_of(*loop, open(name, std::string("r\0", 2))), "ValueError: embedded null character");
}

TEST_F(Files, ANulInANameIsRefused) {
  const std::string longer = make("abc").string() + '\0' + "x";
  EXPECT_EQ(error_of(*loop, open(longer)), "ValueError: embedded null byte");
  EXPECT_EQ(error_of(*loop, open(longer, "w")), "ValueError: embedded null byte");
  EXPECT_EQ(contents(folder / "file"), "abc");
}

TEST_F(Files, ErrorsOfOpenNameTheFile) {
  const path name = make("");
  const path missing = folder / "missing";
  EXPECT_EQ(error_of(*loop, open(missing)),
            "FileNotFoundError: [Errno 2] No such file or directory: '" + missing.string() + "'");
  EXPECT_EQ(error_of(*loop, open("")), "FileNotFoundError: [Errno 2] No such file or directory: ''");
  EXPECT_EQ(error_of(*loop, open(name, "x")), "FileExistsError: [Errno 17] File exists: '" + name.string() + "'");
  EXPECT_EQ(error_of(*loop, open(folder)), "IsADirectoryError: [Errno 21] Is a directory: '" + folder.string() + "'");
  EXPECT_EQ(error_of(*loop, open(folder, "w")),
            "IsADirectoryError: [Errno 21] Is a directory: '" + folder.string() + "'");
  EXPECT_EQ(error_of(*loop, open(name / "x")),
            "NotADirectoryError: [Errno 20] Not a directory: '" + (name / "x").string() + "'");
  try {
    loop->run_until_complete(open(missing));
    FAIL();
  } catch (const OSError& error) {
    EXPECT_EQ(error.errno_code(), ENOENT);
    EXPECT_EQ(error.strerror(), "No such file or directory");
    EXPECT_EQ(error.filename(), missing.string());
  }
}

TEST_F(Files, OpenedForOneWayRefuseTheOther) {
  const path name = make("abc");
  auto reading = loop->run_until_complete(open(name));
  auto writing = loop->run_until_complete(open(name, "a"));
  EXPECT_EQ(error_of(*loop, reading.write("x")), "UnsupportedOperation: not writable");
  EXPECT_EQ(error_of(*loop, reading.truncate(1)), "UnsupportedOperation: truncate");
  EXPECT_EQ(error_of(*loop, writing.read()), "UnsupportedOperation: not readable");
  for (const std::int64_t limit : {-1, 0, 1}) {
    EXPECT_EQ(error_of(*loop, writing.read(limit)), "UnsupportedOperation: not readable");
    EXPECT_EQ(error_of(*loop, writing.readline(limit)), "UnsupportedOperation: not readable");
  }
}

TEST_F(Files, ThatAreClosedRefuseAllButClose) {
  auto file = loop->run_until_complete(open(make("abc"), "r+"));
  loop->run_until_complete(file.close());
  for (const std::string& error :
       {error_of(*loop, file.read()), error_of(*loop, file.readline()), error_of(*loop, file.write("x")),
        error_of(*loop, file.flush()), error_of(*loop, file.tell()), error_of(*loop, file.seek(0))})
    EXPECT_EQ(error, "ValueError: I/O operation on closed file.");
  EXPECT_THROW(file.fileno(), ValueError);
  EXPECT_EQ(error_of(*loop, file.close()), "no error");
}

TEST_F(Files, RefuseASecondOperationMeanwhile) {
  const path name = make("abcdef");
  run([&]() -> Coroutine<void> {
    auto file = co_await open(name);
    auto first = create_task(file.read());
    co_await sleep(0s);
    std::string message;
    try {
      co_await file.read();
    } catch (const RuntimeError& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "another operation on this file is already under way");
    EXPECT_EQ(co_await first, "abcdef");
    EXPECT_EQ(co_await file.read(), "");
  });
}

TEST_F(Files, AFullDiskIsReportedByFlushAndByClose) {
  const int before = open_descriptors();
  auto file = loop->run_until_complete(open("/dev/full", "w"));
  EXPECT_EQ(loop->run_until_complete(file.write("x")), 1U);
  const std::string expected = "OSError: [Errno 28] No space left on device";
  EXPECT_EQ(error_of(*loop, file.flush()), expected);
  EXPECT_EQ(error_of(*loop, file.flush()), expected);
  EXPECT_EQ(error_of(*loop, file.write(std::string(100'000, 'x'))), expected);
  EXPECT_EQ(error_of(*loop, file.close()), expected);
  EXPECT_TRUE(file.closed());
  EXPECT_EQ(error_of(*loop, file.close()), "no error");
  EXPECT_EQ(open_descriptors(), before);
}

// A file size limit makes the kernel write less than it is asked to, and then refuse.
TEST_F(Files, AShortWriteIsCompletedOrReported) {
  const path name = folder / "new";
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto file = loop->run_until_complete(open(name, "w"));
  rlimit tight = before;
  tight.rlim_cur = 150'000;
  ::setrlimit(RLIMIT_FSIZE, &tight);
  EXPECT_EQ(error_of(*loop, file.write(std::string(200'000, 'x'))), "OSError: [Errno 27] File too large");
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(error_of(*loop, file.close()), "no error");
  EXPECT_EQ(std::filesystem::file_size(name), 150'000U);
}

TEST_F(Files, APipeIsReadAsItComesAndCannotSeek) {
  const path name = folder / "pipe";
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  run([&]() -> Coroutine<void> {
    auto opening = create_task(open(name));
    auto writer = co_await open(name, "w");
    auto reader = co_await std::move(opening);
    const std::vector<std::string> lines = {"one\n", "two\n", "rest"};
    co_await writer.writelines(lines);
    co_await writer.flush();
    EXPECT_EQ(co_await reader.readline(), "one\n");
    std::string message;
    try {
      co_await reader.tell();
    } catch (const UnsupportedOperation& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "underlying stream is not seekable");
    EXPECT_EQ(co_await reader.read(6), "two\nre");
    co_await writer.close();
    EXPECT_EQ(co_await reader.read(), "st");
  });
}

TEST_F(Files, ABrokenPipeIsReported) {
  const path name = folder / "pipe";
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  run([&]() -> Coroutine<void> {
    auto opening = create_task(open(name));
    auto writer = co_await open(name, "w");
    {
      auto reader = co_await std::move(opening);
      co_await reader.close();
    }
    co_await writer.write("nobody reads this");
    std::string message;
    try {
      co_await writer.close();
    } catch (const BrokenPipeError& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "[Errno 32] Broken pipe");
  });
}

// What a destructor writes once the loop is gone is written in this thread, whose signals are the program's.
class FilesAfterTheLoop : public Files {
 protected:
  void write_and_drop(File file, std::size_t count) {
    loop->run_until_complete(file.write(std::string(count, 'x')));
    loop.reset();
    const File dropped = std::move(file);
  }
  static bool is_pending(int signal) {
    sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, signal) != 0;
  }
  static bool is_blocked(int signal) {
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    return ::sigismember(&blocked, signal) != 0;
  }

  segue::testing::UnraisableReports ignored;
};

TEST_F(FilesAfterTheLoop, ABrokenPipeEndsNoProgram) {
  const path name = folder / "pipe";
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  const int reader = ::open(name.c_str(), O_RDONLY | O_NONBLOCK);
  File file = loop->run_until_complete(open(name, "w"));
  ::close(reader);
  write_and_drop(std::move(file), 1);
  EXPECT_THAT(ignored.lines, ElementsAre("file '" + name.string() + "': BrokenPipeError(32, 'Broken pipe')"));
  EXPECT_FALSE(is_pending(SIGPIPE));
  EXPECT_FALSE(is_blocked(SIGPIPE));
}

TEST_F(FilesAfterTheLoop, TheLimitOnAFilesSizeEndsNoProgram) {
  const path name = folder / "new";
  rlimit limits{};
  ::getrlimit(RLIMIT_FSIZE, &limits);
  rlimit tight = limits;
  tight.rlim_cur = 100;
  File file = loop->run_until_complete(open(name, "w"));
  ::setrlimit(RLIMIT_FSIZE, &tight);
  write_and_drop(std::move(file), 200);
  ::setrlimit(RLIMIT_FSIZE, &limits);
  EXPECT_THAT(ignored.lines, ElementsAre("file '" + name.string() + "': OSError(27, 'File too large')"));
  EXPECT_EQ(std::filesystem::file_size(name), 100U);
  EXPECT_FALSE(is_pending(SIGXFSZ));
}

TEST_F(FilesAfterTheLoop, ASignalThatWaitedBeforeIsLeftToWait) {
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  ::raise(SIGPIPE);
  write_and_drop(loop->run_until_complete(open("/dev/full", "w")), 1);
  EXPECT_THAT(ignored.lines, ElementsAre("file '/dev/full': OSError(28, 'No space left on device')"));
  EXPECT_TRUE(is_pending(SIGPIPE));
  const timespec at_once{};
  EXPECT_EQ(::sigtimedwait(&pipe, nullptr, &at_once), SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}

TEST_F(Files, DroppedWithoutCloseStillWriteWhatTheyHave) {
  const path name = folder / "new";
  const int before = open_descriptors();
  run([&]() -> Coroutine<void> {
    {
      auto file = co_await open(name, "w");
      co_await file.write("not lost");
    }
    co_await get_running_loop().shutdown_default_executor();
  });
  EXPECT_EQ(contents(name), "not lost");
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Files, DroppedAfterTheLoopStillWriteWhatTheyHave) {
  const path name = folder / "new";
  {
    auto file = loop->run_until_complete(open(name, "w"));
    loop->run_until_complete(file.write("not lost"));
    loop.reset();
  }
  EXPECT_EQ(contents(name), "not lost");
}

TEST_F(Files, DroppedOnAFullDiskAreReported) {
  run([&]() -> Coroutine<void> {
    {
      auto file = co_await open("/dev/full", "w");
      co_await file.write("lost");
    }
    co_await get_running_loop().shutdown_default_executor();
  });
  const std::vector<std::string> expected = {
      "Exception ignored in: file '/dev/full': [Errno 28] No space left on device"};
  EXPECT_EQ(reports, expected);
}

TEST_F(Files, ACancelledOpenLeavesNoDescriptor) {
  const path name = make("abc");
  run([&]() -> Coroutine<void> {
    const int before = open_descriptors();
    for (int i = 0; i < 50; ++i) {
      auto opening = create_task(open(name));
      co_await sleep(0s);
      opening.cancel();
      bool cancelled = false;
      try {
        auto file = co_await std::move(opening);
      } catch (const CancelledError&) {
        cancelled = true;
      }
      EXPECT_TRUE(cancelled);
    }
    co_await get_running_loop().shutdown_default_executor();
    EXPECT_EQ(open_descriptors(), before);
  });
}

// A pipe keeps the thread in its read until the line is whole.
TEST_F(Files, AfterACancelledOperationTheNextOneWaitsForItsThread) {
  const path name = folder / "pipe";
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  run([&]() -> Coroutine<void> {
    auto opening = create_task(open(name));
    auto writer = co_await open(name, "w");
    auto reader = co_await std::move(opening);
    auto reading = create_task(reader.readline());
    co_await writer.write("half a line, ");
    co_await writer.flush();
    while (waiting_in(reader.fileno()) > 0) co_await sleep(0s);  // the thread has begun
    reading.cancel();
    bool cancelled = false;
    try {
      co_await reading;
    } catch (const CancelledError&) {
      cancelled = true;
    }
    EXPECT_TRUE(cancelled);
    auto closing = create_task(reader.close());
    co_await sleep(0s);
    EXPECT_FALSE(closing.done());
    co_await writer.write("late\n");
    co_await writer.close();
    co_await closing;
    EXPECT_TRUE(reader.closed());
  });
}

}  // namespace
}  // namespace segue::modern
