// libuv's requests on files as something to wait for. Who is cancelled waits until libuv has let go of the request.
#pragma once

#include <uv.h>

#include <span>
#include <string>
#include <utility>

#include <segue/segue.hpp>

/// A request, with what libuv has allocated for it.
struct FileRequest : uv_fs_t {
  FileRequest() : uv_fs_t{} {}
  FileRequest(const FileRequest&) = delete;
  FileRequest& operator=(const FileRequest&) = delete;
  ~FileRequest() { uv_fs_req_cleanup(this); }
};

/// Awaits what `start(request, call)` starts; gives what a Result makes of the request within the callback.
template <class Result, class Start>
auto started(FileRequest& request, const Start& start) {
  const auto initiation = [&request, start](uv_fs_cb call, void* data) {
    request.data = data;
    if (const int error = start(&request, call); error < 0) segue::throw_os_error(-error);
  };
  // A request that runs already is not cancelled. Its callback comes either way.
  const auto cancel = [&request] { uv_cancel(reinterpret_cast<uv_req_t*>(&request)); };
  return segue::bridge::from_callback<void(uv_fs_t*), Result>(
      segue::bridge::once | segue::bridge::user_data<&uv_fs_t::data>, initiation, cancel);
}

/// An open file. Its operations throw OSError with its path.
class File {
 public:
  using Bytes = std::span<char>;

  static segue::asyncio::Coroutine<File> open(uv_loop_t& uv, std::string path, int flags) {
    FileRequest request;
    co_return co_await started<File>(request, [&](uv_fs_t* opened, uv_fs_cb call) {
      return uv_fs_open(&uv, opened, path.c_str(), flags, 0644, call);
    });
  }
  File(File&& other) noexcept : uv_(other.uv_), path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}
  File& operator=(File&&) = delete;
  /// Closes it here and now, where nobody has waited for close().
  ~File() {
    FileRequest request;
    if (file_ >= 0) uv_fs_close(uv_, &request, file_, nullptr);
  }

  /// How much was read: none at the end.
  segue::asyncio::Coroutine<std::size_t> read(Bytes into) { co_return co_await transferred(into, uv_fs_read); }
  segue::asyncio::Coroutine<> write(Bytes from) {
    while (!from.empty()) {
      const std::size_t written = co_await transferred(from, uv_fs_write);
      from = from.subspan(written);
    }
  }
  segue::asyncio::Coroutine<> close() {
    FileRequest request;
    const uv_file file = std::exchange(file_, -1);
    co_await started<uv_fs_t*>(request,
                               [&](uv_fs_t* closing, uv_fs_cb call) { return uv_fs_close(uv_, closing, file, call); });
    checked(request.result);
  }

  /// What an open brings is made within its callback: an open that can be cancelled no more is closed then.
  explicit File(uv_fs_t* opened)
      : uv_(opened->loop), path_(opened->path), file_(static_cast<uv_file>(checked(opened->result))) {}

 private:
  template <class Transfer>
  segue::asyncio::Coroutine<std::size_t> transferred(Bytes bytes, Transfer transfer) {
    FileRequest request;
    const uv_buf_t buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
    co_await started<uv_fs_t*>(
        request, [&](uv_fs_t* moving, uv_fs_cb call) { return transfer(uv_, moving, file_, &buffer, 1, -1, call); });
    co_return static_cast<std::size_t>(checked(request.result));
  }
  ssize_t checked(ssize_t result) const {
    if (result < 0) segue::throw_os_error(static_cast<int>(-result), uv_strerror(static_cast<int>(result)), path_);
    return result;
  }

  uv_loop_t* uv_;
  std::string path_;
  uv_file file_;
};
