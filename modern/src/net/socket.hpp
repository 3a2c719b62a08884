// An owner for a socket's descriptor, and what is done with sockets as such.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace segue::modern {

class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() { close(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void close() noexcept;

 private:
  int fd_ = -1;
};

/// Takes a socket over from the caller. ValueError where it is no stream socket: `A Stream Socket was expected`.
UniqueFd adopt_stream_socket(int fd);

/// How much went through a socket that does not block, or why nothing did. That it is not ready is no error.
struct Transferred {
  std::size_t size = 0;
  int error = 0;  // errno's; EAGAIN where it is not ready

  bool not_ready() const noexcept;
  bool failed() const noexcept { return error != 0 && !not_ready(); }
};

/// Receives as much as there is and fits; 0, without an error, where the peer sends no more.
Transferred receive(int fd, std::span<char> into) noexcept;
/// Likewise, into `first` and, when that is full, into `second`.
Transferred receive(int fd, std::span<char> first, std::span<char> second) noexcept;
/// Sends as much as the system takes now.
Transferred send(int fd, std::string_view data) noexcept;

void set_option(int fd, int level, int option, int value = 1) noexcept;

}  // namespace segue::modern
