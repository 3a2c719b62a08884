// An echo server on the bare system: level-triggered epoll, each connection registered once, one buffer for all of
// them.
#include <sys/epoll.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct Connection {
  int fd;
  std::string unsent;
};

int poll_fd = -1;
// On a cache line's boundary: what the system copies to a few bytes past a page's start takes twice as long on some
// processors.
alignas(64) std::array<char, 65536> buffer;

int checked(int result, const char* what) {
  if (result < 0) {
    std::perror(what);
    std::exit(1);
  }
  return result;
}

void watch(Connection* connection, int operation, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = connection}};
  checked(::epoll_ctl(poll_fd, operation, connection->fd, &event), "epoll_ctl");
}

void close_connection(Connection* connection) {
  ::close(connection->fd);
  delete connection;
}

// As much as the system takes; -1 where the connection is lost.
ssize_t send_some(int fd, const char* data, std::size_t size) {
  const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
  return sent < 0 && errno == EAGAIN ? 0 : sent;
}

void receive(Connection* connection) {
  const ssize_t received = ::recv(connection->fd, buffer.data(), buffer.size(), 0);
  if (received < 0 && errno == EAGAIN) return;
  if (received <= 0) return close_connection(connection);
  const auto size = static_cast<std::size_t>(received);
  const ssize_t sent = send_some(connection->fd, buffer.data(), size);
  if (sent < 0) return close_connection(connection);
  if (sent == received) return;
  // No more is received until the rest is sent.
  connection->unsent.assign(buffer.data() + sent, size - static_cast<std::size_t>(sent));
  watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
}

void send_rest(Connection* connection) {
  const ssize_t sent = send_some(connection->fd, connection->unsent.data(), connection->unsent.size());
  if (sent < 0) return close_connection(connection);
  connection->unsent.erase(0, static_cast<std::size_t>(sent));
  if (connection->unsent.empty()) watch(connection, EPOLL_CTL_MOD, EPOLLIN);
}

void accept_from(int listener) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const int on = 1;
  checked(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  watch(new Connection{fd, {}}, EPOLL_CTL_ADD, EPOLLIN);
}

}  // namespace

int main() {
  const int listener = checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  checked(::bind(listener, reinterpret_cast<const sockaddr*>(&address), length), "bind");
  checked(::listen(listener, 1024), "listen");
  checked(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  poll_fd = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  Connection listening{listener, {}};
  watch(&listening, EPOLL_CTL_ADD, EPOLLIN);
  std::array<epoll_event, 1024> events;
  while (true) {
    const int count = checked(::epoll_wait(poll_fd, events.data(), static_cast<int>(events.size()), -1), "epoll_wait");
    for (int i = 0; i < count; ++i) {
      auto* const connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection == &listening) {
        accept_from(listener);
      } else if (connection->unsent.empty()) {
        receive(connection);
      } else {
        send_rest(connection);
      }
    }
  }
}
