// An owner for a socket's descriptor, and what is done with sockets as such.
#pragma once

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

void set_option(int fd, int level, int option, int value = 1) noexcept;

}  // namespace segue::modern
