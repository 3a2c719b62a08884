// Sockets as the system has them: an owner for the descriptor, addresses, and the resolving of names.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/address.hpp>

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

/// An address in the system's own form.
class Endpoint {
 public:
  Endpoint(int family, int protocol, const sockaddr* address, socklen_t size) noexcept;

  int family() const noexcept { return family_; }
  const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }
  Address address() const;
  /// A new stream socket for it, which does not block. OSError.
  UniqueFd make_socket() const;
  friend bool operator==(const Endpoint& a, const Endpoint& b) noexcept;

 private:
  int family_;
  int protocol_;
  socklen_t size_;
  sockaddr_storage storage_{};
};

/// The addresses of `host`: at once where it is one, else from the resolver, in a thread. An empty host is every
/// address of this machine, to listen on, or this machine itself, to connect to. gaierror.
Coroutine<std::vector<Endpoint>> resolve(EventLoop& loop, std::string host, int port, int family, bool to_listen);

std::optional<Address> name_of_socket(int fd);
std::optional<Address> name_of_peer(int fd);

/// Takes a socket over from the caller. ValueError where it is no stream socket: `A Stream Socket was expected`.
UniqueFd adopt_stream_socket(int fd);

void set_option(int fd, int level, int option, int value = 1) noexcept;

}  // namespace segue::modern
