#include <segue/modern/files/files.hpp>

#include <unistd.h>

#include <type_traits>
#include <utility>

#include <segue/modern/tasks/future.hpp>
#include <segue/modern/threads/to_thread.hpp>

#include "files/buffered_file.hpp"

namespace segue::modern {

namespace detail {

/// What the operations of a file share. The buffered file belongs to a thread while `in_thread`, else to the loop's.
class FileState {
 public:
  FileState(EventLoop& loop, std::unique_ptr<BufferedFile> opened) noexcept : loop(&loop), file(std::move(opened)) {}
  FileState(const FileState&) = delete;
  FileState& operator=(const FileState&) = delete;
  ~FileState() {
    if (file->closed() || !file->pending() || loop->is_closed()) return;
    try {
      loop->run_in_executor([](const std::unique_ptr<BufferedFile>& left) { left->close_dropped(); }, std::move(file));
    } catch (...) {  // no executor any more: the file's destructor closes it here
    }
  }

  Ref<EventLoop> loop;
  std::unique_ptr<BufferedFile> file;
  bool closed = false;
  bool busy = false;       // an operation is under way
  bool in_thread = false;  // and a thread is at it; also where nobody waits for it any more
  std::optional<Future<void>> idle;
};

namespace {

/// Held by a call in a thread, and dropped in the loop's thread when it is over, whatever became of it.
class InThread {
 public:
  explicit InThread(std::shared_ptr<FileState> state) noexcept : state_(std::move(state)) { state_->in_thread = true; }
  InThread(InThread&&) noexcept = default;
  InThread& operator=(InThread&&) = delete;
  ~InThread() {
    if (!state_) return;
    state_->in_thread = false;
    if (!state_->idle) return;
    const Future<void> idle = *std::exchange(state_->idle, std::nullopt);
    if (!idle.done() && !state_->loop->is_closed()) idle.set_result();
  }
  BufferedFile& file() const noexcept { return *state_->file; }

 private:
  std::shared_ptr<FileState> state_;
};

class Turn {
 public:
  explicit Turn(FileState& state) : state_(state) {
    if (state.busy) throw RuntimeError("another operation on this file is already under way");
    state.busy = true;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { state_.busy = false; }

 private:
  FileState& state_;
};

// One operation: `work.at_once(file)` where the buffers can do it, else `work(file)` in a thread.
template <class Work, class Result = std::invoke_result_t<const Work&, BufferedFile&>>
Coroutine<Result> operate(std::shared_ptr<FileState> state, Work work) {
  const Turn turn(*state);
  if (state->in_thread) {
    state->idle.emplace(state->loop->create_future<void>());
    const Future<void> idle = *state->idle;
    co_await idle;
  }
  if (state->closed && !Work::closes) throw ValueError("I/O operation on closed file.");
  state->closed = Work::closes;
  if constexpr (requires { work.at_once(*state->file); }) {
    auto result = work.at_once(*state->file);
    if (result) co_return std::move(*result);
  }
  const auto run = [](const InThread& in_thread, const Work& blocking) { return blocking(in_thread.file()); };
  auto call = state->loop->run_in_executor(run, InThread(state), std::move(work));
  co_return co_await std::move(call);
}

struct Operation {
  static constexpr bool closes = false;
};

struct Read : Operation {
  explicit Read(std::int64_t wanted) : count(wanted) {}
  std::optional<std::string> at_once(BufferedFile& file) const { return file.read_at_once(count); }
  std::string operator()(BufferedFile& file) const { return file.read(count); }
  std::int64_t count;
};

struct ReadLine : Operation {
  explicit ReadLine(std::int64_t most) : limit(most) {}
  std::optional<std::string> at_once(BufferedFile& file) const { return file.read_line_at_once(limit); }
  std::string operator()(BufferedFile& file) const { return file.read_line(limit); }
  std::int64_t limit;
};

struct ReadLines : Operation {
  std::vector<std::string> operator()(BufferedFile& file) const {
    std::vector<std::string> lines;
    for (std::string line = file.read_line(-1); !line.empty(); line = file.read_line(-1))
      lines.push_back(std::move(line));
    return lines;
  }
};

struct NextLine : Operation {
  using Line = std::optional<std::string>;
  std::optional<Line> at_once(BufferedFile& file) const {
    Line line = file.read_line_at_once(-1);
    return line ? std::optional<Line>(std::move(line)) : std::nullopt;
  }
  Line operator()(BufferedFile& file) const {
    std::string line = file.read_line(-1);
    return line.empty() ? std::nullopt : Line(std::move(line));
  }
};

struct Write : Operation {
  explicit Write(std::string text) : data(std::move(text)) {}
  std::optional<std::size_t> at_once(BufferedFile& file) const {
    return file.write_at_once(data) ? std::optional(data.size()) : std::nullopt;
  }
  std::size_t operator()(BufferedFile& file) const {
    file.write(data);
    return data.size();
  }
  std::string data;
};

struct WriteLines : Operation {
  explicit WriteLines(std::vector<std::string> all) : lines(std::move(all)) {}
  void operator()(BufferedFile& file) const {
    for (const std::string& line : lines) file.write(line);
  }
  std::vector<std::string> lines;
};

struct Flush : Operation {
  void operator()(BufferedFile& file) const { file.flush(); }
};

struct Tell : Operation {
  std::int64_t operator()(BufferedFile& file) const { return file.tell(); }
};

struct Seek : Operation {
  Seek(std::int64_t by, int from) : offset(by), whence(from) {}
  std::int64_t operator()(BufferedFile& file) const { return file.seek(offset, whence); }
  std::int64_t offset;
  int whence;
};

struct Truncate : Operation {
  explicit Truncate(std::optional<std::int64_t> to) : size(to) {}
  std::int64_t operator()(BufferedFile& file) const { return file.truncate(size); }
  std::optional<std::int64_t> size;
};

struct Close : Operation {
  static constexpr bool closes = true;
  void operator()(BufferedFile& file) const { file.close(); }
};

std::unique_ptr<BufferedFile> open_blocking(const std::string& path, const std::string& mode) {
  return std::make_unique<BufferedFile>(path, mode);
}

int to_posix(Whence whence) noexcept {
  return whence == Whence::set ? SEEK_SET : whence == Whence::current ? SEEK_CUR : SEEK_END;
}

// A coroutine of its own, so that reports name it `open`.
Coroutine<File> open(std::string path, std::string mode) {
  EventLoop& loop = get_running_loop();
  auto call = loop.run_in_executor(open_blocking, std::move(path), std::move(mode));
  auto opened = co_await std::move(call);
  co_return File(std::make_unique<FileState>(loop, std::move(opened)));
}

}  // namespace
}  // namespace detail

File::File(std::unique_ptr<detail::FileState> state) : HandleOf(std::move(state)) {}

Coroutine<std::string> File::read(std::int64_t count) const { return detail::operate(state(), detail::Read(count)); }
Coroutine<std::string> File::readline(std::int64_t limit) const {
  return detail::operate(state(), detail::ReadLine(limit));
}
Coroutine<std::vector<std::string>> File::readlines() const { return detail::operate(state(), detail::ReadLines()); }
Coroutine<std::optional<std::string>> File::anext() const { return detail::operate(state(), detail::NextLine()); }
Coroutine<std::size_t> File::write(std::string data) const {
  return detail::operate(state(), detail::Write(std::move(data)));
}
Coroutine<void> File::writelines(std::vector<std::string> lines) const {
  return detail::operate(state(), detail::WriteLines(std::move(lines)));
}
Coroutine<void> File::flush() const { return detail::operate(state(), detail::Flush()); }
Coroutine<std::int64_t> File::tell() const { return detail::operate(state(), detail::Tell()); }
Coroutine<std::int64_t> File::seek(std::int64_t offset, Whence whence) const {
  return detail::operate(state(), detail::Seek(offset, detail::to_posix(whence)));
}
Coroutine<std::int64_t> File::truncate(std::optional<std::int64_t> size) const {
  return detail::operate(state(), detail::Truncate(size));
}
Coroutine<void> File::close() const { return detail::operate(state(), detail::Close()); }

bool File::closed() const { return state()->closed; }
bool File::readable() const { return state()->file->mode().readable; }
bool File::writable() const { return state()->file->mode().writable; }
const std::string& File::name() const { return state()->file->name(); }
int File::fileno() const {
  if (closed()) throw ValueError("I/O operation on closed file.");
  return state()->file->fd();
}

Coroutine<File> OpenFunction::operator()(std::string path, std::string mode) const {
  return detail::open(std::move(path), std::move(mode));
}

}  // namespace segue::modern
