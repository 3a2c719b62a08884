// Files that are read and written without blocking the loop (aiofiles does the same for CPython): each call that may
// wait for the disk runs in a thread of the default executor.
//
//   auto file = co_await open("notes.txt", "a");
//   co_await file.write("remember\n");
//   co_await file.close();
//
// Text and bytes are the same here: strings as they are in the file. Reading ahead and writing behind are buffered, so
// that a line, or a short write, mostly costs no trip to a thread; what was written is in the file after flush() or
// close(), which is also where a full disk is reported.
//
// One operation at a time: another one meanwhile is refused with RuntimeError. Cancelling one does not stop the thread
// that has begun with it; the next operation waits for that one to end. An operation may outlive its File.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/handle_of.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

namespace detail {
class FileState;
}

/// The file was not opened for that (CPython: io.UnsupportedOperation).
class UnsupportedOperation : public OSError {
 public:
  using OSError::OSError;
};

/// Where seek() counts from: os.SEEK_SET, SEEK_CUR and SEEK_END.
enum class Whence { set, current, end };

/// An open file. Move-only. Dropped without close(), it is closed all the same: what was written is still put in the
/// file, by a thread unless the loop is closed, and an error goes to the loop's exception handler.
///
/// Every operation throws OSError with the system's errno, and ValueError("I/O operation on closed file.").
class File : public HandleOf<File, std::shared_ptr<detail::FileState>> {
 public:
  /// An empty one.
  File() noexcept = default;
  explicit File(std::unique_ptr<detail::FileState> state);
  File(File&&) noexcept = default;
  File& operator=(File&&) noexcept = default;
  ~File() = default;

  /// `count` bytes, fewer only at the end of the file; all the rest where it is negative.
  Coroutine<std::string> read(std::int64_t count = -1) const;
  /// A line with its newline, which the last line may lack; empty at the end. At most `limit` bytes where it is not
  /// negative.
  Coroutine<std::string> readline(std::int64_t limit = -1) const;
  Coroutine<std::vector<std::string>> readlines() const;
  /// The next line; nothing at the end. Python's `async for line in file`:
  ///
  ///   for (auto line = co_await file.anext(); line; line = co_await file.anext()) …
  Coroutine<std::optional<std::string>> anext() const;

  /// Writes all of it, and returns how much that is.
  Coroutine<std::size_t> write(std::string data) const;
  Coroutine<void> writelines(std::vector<std::string> lines) const;
  Coroutine<void> flush() const;
  Coroutine<std::int64_t> tell() const;
  /// Returns the new position.
  Coroutine<std::int64_t> seek(std::int64_t offset, Whence whence = Whence::set) const;
  /// Writes what is left, then cuts or extends the file to `size`, or to the position; returns it.
  Coroutine<std::int64_t> truncate(std::optional<std::int64_t> size = std::nullopt) const;
  /// Writes what is left and closes the file, which is closed even where that throws. Idempotent.
  Coroutine<void> close() const;

  bool closed() const;
  bool readable() const;
  bool writable() const;
  const std::string& name() const;
  /// The file descriptor; it stays the file's.
  int fileno() const;
};

struct OpenFunction {
  /// Opens `path` as Python's open() does: `mode` is one of r, w, a, x, with `+` for both ways, and b or t, which make
  /// no difference. FileNotFoundError and the other OSErrors name the file; ValueError for another mode, or a NUL in
  /// the path.
  Coroutine<File> operator()(std::string path, std::string mode = "r") const;
};
inline constexpr OpenFunction open;

}  // namespace segue::modern
