#include "files/buffered_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/files/files.hpp>
#include <segue/modern/kernel/unraisable.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

namespace {

constexpr std::size_t buffer_size = 64 * 1024;
constexpr std::size_t max_step = 256 * buffer_size;  // what is asked for may be far more than there is

std::size_t as_limit(std::int64_t limit) noexcept {
  return limit < 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(limit);
}

template <class Call>
auto retrying(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

// A write to a pipe that nobody reads raises SIGPIPE, one beyond the limit on a file's size SIGXFSZ, and both end the
// program (CPython ignores them, for the whole process). The executor's threads block all signals; where a destructor
// writes, in a thread of the program's own, they are blocked meanwhile, and what the write has raised is taken away.
class NoSignals {
 public:
  NoSignals() noexcept {
    ::sigemptyset(&blocked_);
    sigset_t pending;
    ::sigpending(&pending);
    for (const int signal : {SIGPIPE, SIGXFSZ})
      if (::sigismember(&pending, signal) == 0) ::sigaddset(&blocked_, signal);  // else it is not the write's
    ::pthread_sigmask(SIG_BLOCK, &blocked_, &previous_);
  }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;
  ~NoSignals() {
    const timespec at_once{};
    retrying([&] { return ::sigtimedwait(&blocked_, nullptr, &at_once); });
    ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
  }

 private:
  sigset_t blocked_;
  sigset_t previous_;
};

}  // namespace

FileMode::FileMode(const std::string& mode) {
  if (mode.find('\0') != mode.npos) throw ValueError("embedded null character");
  const auto has = [&mode](char letter) { return mode.find(letter) != mode.npos; };
  for (std::size_t i = 0; i < mode.size(); ++i) {
    const bool known = std::string_view("rwaxbt+").find(mode[i]) != std::string_view::npos;
    if (!known || mode.find(mode[i], i + 1) != mode.npos) throw ValueError("invalid mode: '" + mode + "'");
  }
  if (has('t') && has('b')) throw ValueError("can't have text and binary mode at once");
  const int kinds = has('r') + has('w') + has('a') + has('x');
  if (kinds == 0) throw ValueError("Must have exactly one of create/read/write/append mode and at most one plus");
  if (kinds > 1) throw ValueError("must have exactly one of create/read/write/append mode");
  readable = has('r') || has('+');
  writable = !has('r') || has('+');
  flags = O_CLOEXEC | (readable && writable ? O_RDWR : writable ? O_WRONLY : O_RDONLY);
  if (!has('r')) flags |= O_CREAT | (has('w') ? O_TRUNC : has('a') ? O_APPEND : O_EXCL);
}

BufferedFile::BufferedFile(std::string name, const std::string& mode) : name_(std::move(name)), mode_(mode) {
  if (name_.find('\0') != name_.npos) throw ValueError("embedded null byte");
  constexpr mode_t permissions = 0666;
  const int fd = retrying([this] { return ::open(name_.c_str(), mode_.flags, permissions); });
  if (fd < 0) throw_os_error(errno, std::generic_category().message(errno), name_);
  struct ::stat status{};
  if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(fd);
    throw_os_error(EISDIR, std::generic_category().message(EISDIR), name_);
  }
  fd_ = fd;
  if ((mode_.flags & O_APPEND) != 0) ::lseek(fd_, 0, SEEK_END);  // so that tell() is right before the first write
}

BufferedFile::~BufferedFile() {
  {
    std::optional<NoSignals> no_signals;
    if (pending()) no_signals.emplace();
    close_dropped();
  }
  if (!unreported_) return;
  std::string object = "file";
  try {
    object = "file " + segue_detail::quoted(name_);
  } catch (const std::bad_alloc&) {  // then without its name
  }
  report_unraisable(unreported_, object);
}

void BufferedFile::check_readable() const {
  if (!mode_.readable) throw UnsupportedOperation("not readable");
}

void BufferedFile::check_writable() const {
  if (!mode_.writable) throw UnsupportedOperation("not writable");
}

// --- reading ---

// Reads once; false at the end of the file.
bool BufferedFile::fill(std::size_t wanted) {
  if (read_position_ > 0) {
    read_ahead_.erase(0, read_position_);
    read_position_ = 0;
  }
  const std::size_t had = read_ahead_.size();
  read_ahead_.resize(had + std::max(wanted, buffer_size));
  const auto got = retrying([&] { return ::read(fd_, read_ahead_.data() + had, read_ahead_.size() - had); });
  const int error = errno;
  read_ahead_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) throw_os_error(error);
  return got > 0;
}

std::string BufferedFile::take(std::size_t count) {
  if (read_position_ == 0 && count == read_ahead_.size()) return std::exchange(read_ahead_, {});
  std::string taken = read_ahead_.substr(read_position_, count);
  read_position_ += taken.size();
  return taken;
}

std::optional<std::string> BufferedFile::read_at_once(std::int64_t count) {
  check_readable();
  if (count == 0) return std::string();
  if (count < 0 || ahead() < static_cast<std::size_t>(count)) return std::nullopt;
  return take(static_cast<std::size_t>(count));
}

std::string BufferedFile::read(std::int64_t count) {
  check_readable();
  flush();
  if (count < 0) return read_all();
  const auto wanted = static_cast<std::size_t>(count);
  while (ahead() < wanted && fill(std::min(wanted - ahead(), max_step))) {
  }
  return take(std::min(wanted, ahead()));
}

std::string BufferedFile::read_all() {
  struct ::stat status{};
  const std::int64_t size = ::fstat(fd_, &status) == 0 ? status.st_size : 0;
  const std::int64_t here = size > 0 ? ::lseek(fd_, 0, SEEK_CUR) : 0;
  const std::size_t rest = here < size ? static_cast<std::size_t>(size - here) : 0;
  const std::size_t expected = ahead() + rest + 1;  // one more byte to meet the end
  while (fill(expected > ahead() ? expected - ahead() : 0)) {
  }
  return take(ahead());
}

// The length of the line that begins at the position: 0 where its end has not been read yet.
std::size_t BufferedFile::line_length(std::size_t searched, std::size_t limit) const noexcept {
  const auto end = read_ahead_.find('\n', read_position_ + searched);
  const std::size_t length = end == read_ahead_.npos ? 0 : end + 1 - read_position_;
  if (length != 0) return std::min(length, limit);
  return ahead() >= limit ? limit : 0;
}

std::optional<std::string> BufferedFile::read_line_at_once(std::int64_t limit) {
  check_readable();
  if (limit == 0) return std::string();
  const std::size_t length = line_length(0, as_limit(limit));
  if (length == 0) return std::nullopt;
  return take(length);
}

std::string BufferedFile::read_line(std::int64_t limit) {
  check_readable();
  if (limit == 0) return {};
  flush();
  std::size_t searched = 0;
  for (;;) {
    const std::size_t length = line_length(searched, as_limit(limit));
    if (length != 0) return take(length);
    searched = ahead();
    if (!fill(buffer_size)) return take(ahead());
  }
}

// --- writing ---

bool BufferedFile::write_at_once(std::string_view data) {
  check_writable();
  if (ahead() > 0 || unwritten_.size() + data.size() > buffer_size) return false;
  unwritten_.append(data);
  return true;
}

void BufferedFile::write(std::string_view data) {
  check_writable();
  drop_read_ahead();
  if (unwritten_.size() + data.size() > buffer_size) flush();
  if (data.size() >= buffer_size) return write_out(data);
  unwritten_.append(data);
}

// Removes what has been written from `data`, also where it throws.
void BufferedFile::write_out(std::string_view& data) {
  while (!data.empty()) {
    const auto written = retrying([&] { return ::write(fd_, data.data(), data.size()); });
    if (written < 0) throw_os_error(errno);
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

void BufferedFile::flush() {
  if (unwritten_.empty()) return;
  struct RemoveWritten {
    ~RemoveWritten() { buffer.erase(0, buffer.size() - left.size()); }
    std::string& buffer;
    std::string_view left;
  } written{unwritten_, unwritten_};
  write_out(written.left);
}

// --- the position ---

std::int64_t BufferedFile::position(std::int64_t offset, int whence) {
  const auto now = ::lseek(fd_, offset, whence);
  if (now >= 0) return now;
  if (errno == ESPIPE) throw UnsupportedOperation("underlying stream is not seekable");
  throw_os_error(errno);
}

void BufferedFile::drop_read_ahead() {
  if (ahead() > 0) position(-static_cast<std::int64_t>(ahead()), SEEK_CUR);
  read_ahead_.clear();
  read_position_ = 0;
}

std::int64_t BufferedFile::seek(std::int64_t offset, int whence) {
  if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
    throw ValueError("whence value " + std::to_string(whence) + " unsupported");
  flush();
  drop_read_ahead();
  return position(offset, whence);
}

std::int64_t BufferedFile::tell() {
  return position(0, SEEK_CUR) - static_cast<std::int64_t>(ahead()) + static_cast<std::int64_t>(unwritten_.size());
}

std::int64_t BufferedFile::truncate(std::optional<std::int64_t> size) {
  if (!mode_.writable) throw UnsupportedOperation("truncate");
  flush();
  drop_read_ahead();
  const std::int64_t cut_at = size ? *size : position(0, SEEK_CUR);
  if (retrying([&] { return ::ftruncate(fd_, cut_at); }) < 0) throw_os_error(errno);
  return cut_at;
}

void BufferedFile::close() {
  if (closed()) return;
  std::exception_ptr error;
  try {
    flush();
  } catch (...) {
    error = std::current_exception();
  }
  unwritten_.clear();
  read_ahead_.clear();
  // Linux gives the descriptor up whatever close() returns, EINTR included.
  if (::close(std::exchange(fd_, -1)) < 0 && errno != EINTR && !error) error = make_os_error(errno);
  if (error) std::rethrow_exception(error);
}

void BufferedFile::close_dropped() noexcept {
  try {
    close();
  } catch (...) {
    unreported_ = std::current_exception();
  }
}

}  // namespace segue::modern
