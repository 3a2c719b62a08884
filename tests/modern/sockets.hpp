// What tests of connections share: pairs of connected sockets, and a look at the descriptors that are open.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace segue::modern::testing {

inline int open_descriptors() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

/// Two sockets that are connected with each other: `ours` is for the loop, `peer` for the test.
class SocketPair {
 public:
  SocketPair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_ = ends[0];
    peer_ = ends[1];
  }
  /// The same over TCP on the loopback.
  static SocketPair tcp() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const int ours = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(ours, reinterpret_cast<sockaddr*>(&address), size), 0);
    const int peer = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    return {ours, peer};
  }
  /// One socket, which is not connected yet.
  static SocketPair unconnected() { return {::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1}; }
  void connect_ours_to(int port) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(::connect(ours_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  SocketPair(SocketPair&& other) noexcept
      : ours_(std::exchange(other.ours_, -1)), peer_(std::exchange(other.peer_, -1)) {}
  SocketPair& operator=(SocketPair&&) = delete;
  ~SocketPair() {
    if (ours_ >= 0) ::close(ours_);
    close_peer();
  }

  int ours() const { return ours_; }
  int release_ours() { return std::exchange(ours_, -1); }
  int release_peer() { return std::exchange(peer_, -1); }
  int peer() const { return peer_; }
  void close_peer() {
    if (peer_ >= 0) ::close(std::exchange(peer_, -1));
  }
  /// Closes it so that our end gets a reset.
  void reset_by_peer() {
    const linger at_once{1, 0};
    ::setsockopt(peer_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_peer();
  }
  void send(std::string_view data) const {
    EXPECT_EQ(::send(peer_, data.data(), data.size(), MSG_NOSIGNAL), std::ssize(data));
  }
  /// What has come by now.
  std::string receive() const {
    std::string all;
    char buffer[65536];
    for (;;) {
      const auto got = ::recv(peer_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(got));
    }
  }
  /// Whether our end has closed its sending half, and all that it sent was received.
  bool peer_sees_end() const {
    char byte = 0;
    return ::recv(peer_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }

 private:
  SocketPair(int ours, int peer) : ours_(ours), peer_(peer) {}
  int ours_;
  int peer_;
};

}  // namespace segue::modern::testing
