// A file by POSIX calls, with one buffer for reading ahead and one for writing behind (CPython: io.BufferedRandom).
// Whatever may wait for the disk blocks; files.cpp calls it in a thread. What the buffers can answer is asked for
// first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace segue::modern {

/// `r`, `w`, `a` or `x`, with `+` and `b` or `t`. ValueError where it is something else.
struct FileMode {
  explicit FileMode(const std::string& mode);
  bool readable = false;
  bool writable = false;
  int flags = 0;
};

class BufferedFile {
 public:
  /// Opens it. OSError with the file's name; ValueError where that has a NUL.
  BufferedFile(std::string name, const std::string& mode);
  BufferedFile(const BufferedFile&) = delete;
  BufferedFile& operator=(const BufferedFile&) = delete;
  /// Closes it. Reports an error, since a destructor cannot throw it.
  ~BufferedFile();

  bool closed() const noexcept { return fd_ < 0; }
  int fd() const noexcept { return fd_; }
  const std::string& name() const noexcept { return name_; }
  const FileMode& mode() const noexcept { return mode_; }
  /// Whether something waits to be written.
  bool pending() const noexcept { return !unwritten_.empty(); }

  // --- what the buffers have; nothing where the file has to be asked ---

  std::optional<std::string> read_at_once(std::int64_t count);
  std::optional<std::string> read_line_at_once(std::int64_t limit);
  bool write_at_once(std::string_view data);

  // --- blocking ---

  /// `count` bytes, fewer at the end of the file; all the rest where it is negative. An error loses nothing: what had
  /// been read stays buffered.
  std::string read(std::int64_t count);
  /// A line with its newline, which the last one may lack; empty at the end.
  std::string read_line(std::int64_t limit);
  /// An error leaves what was buffered before in the buffer.
  void write(std::string_view data);
  void flush();
  std::int64_t seek(std::int64_t offset, int whence);
  std::int64_t tell();
  /// To `size`, or to the position; returns it.
  std::int64_t truncate(std::optional<std::int64_t> size);
  /// Closes the descriptor even where writing what is left fails, which it then throws.
  void close();
  /// Closes it for whoever has dropped it. An error is left for the destructor to report.
  void close_dropped() noexcept;

 private:
  void check_readable() const;
  void check_writable() const;
  std::size_t ahead() const noexcept { return read_ahead_.size() - read_position_; }
  bool fill(std::size_t wanted);
  std::string read_all();
  std::string take(std::size_t count);
  std::size_t line_length(std::size_t searched, std::size_t limit) const noexcept;
  void drop_read_ahead();
  void write_out(std::string_view& data);
  std::int64_t position(std::int64_t offset, int whence);

  std::string name_;
  FileMode mode_;
  int fd_ = -1;
  std::string read_ahead_;         // ends where the file's position is
  std::size_t read_position_ = 0;  // what lies before this has been taken
  std::string unwritten_;          // empty while there is something in read_ahead_
  std::exception_ptr unreported_;
};

}  // namespace segue::modern
