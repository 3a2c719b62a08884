// The other end of every echo server: keeps one message in flight on each connection, and takes the server's time.
//
//   echo_load PORT PID CONNECTIONS SIZE WARM_UP REQUESTS
//
// Each connection sends SIZE bytes, waits until they have come back, and sends the next ones. After WARM_UP requests in
// all, REQUESTS more are measured: it prints the seconds that they took, and the seconds of processor time that the
// process PID took for them. An answer that differs from its message ends it with an error.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

double seconds(clockid_t clock) {
  timespec now{};
  checked(::clock_gettime(clock, &now), "clock_gettime");
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

clockid_t processor_time_of(pid_t process) {
  clockid_t clock = 0;
  if (const int error = ::clock_getcpuclockid(process, &clock); error != 0) {
    throw std::system_error(error, std::generic_category(), "no such server");
  }
  return clock;
}

int connect_to(std::uint16_t port) {
  const int fd = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  const int on = 1;
  checked(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  return fd;
}

struct Connection {
  int fd = -1;
  std::size_t sent = 0;
  std::size_t received = 0;
};

class Load {
 public:
  Load(std::uint16_t port, std::size_t connections, std::size_t size)
      : poll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        message_(size, '\0'),
        connections_(connections) {
    for (std::size_t i = 0; i < size; ++i) message_[i] = static_cast<char>(i * 7 % 251);
    for (Connection& each : connections_) {
      each.fd = connect_to(port);
      watch(each, EPOLL_CTL_ADD, EPOLLIN);
    }
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    for (const Connection& each : connections_) ::close(each.fd);
    ::close(poll_);
  }

  /// Makes so many requests, the first one on each connection, a next one wherever one is answered. All are answered
  /// when it returns: nothing is in flight.
  void run(std::size_t requests) {
    to_start_ = requests;
    for (Connection& each : connections_) start_request(each);
    while (in_flight_ > 0) turn();
  }

 private:
  void watch(Connection& connection, int operation, std::uint32_t events) const {
    epoll_event event{.events = events, .data = {.ptr = &connection}};
    checked(::epoll_ctl(poll_, operation, connection.fd, &event), "epoll_ctl");
  }

  void turn() {
    const int count = checked(::epoll_wait(poll_, events_.data(), static_cast<int>(events_.size()), -1), "epoll_wait");
    for (int i = 0; i < count; ++i) {
      Connection& connection = *static_cast<Connection*>(events_[static_cast<std::size_t>(i)].data.ptr);
      if (connection.sent < message_.size()) send_rest(connection);
      receive(connection);
    }
  }

  void start_request(Connection& connection) {
    if (to_start_ == 0) return;
    --to_start_;
    ++in_flight_;
    connection.sent = connection.received = 0;
    send_some(connection);
    if (connection.sent < message_.size()) watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  }

  void send_some(Connection& connection) const {
    const ssize_t sent = ::send(connection.fd, message_.data() + connection.sent, message_.size() - connection.sent,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    connection.sent += static_cast<std::size_t>(checked(static_cast<int>(sent), "send"));
  }

  void send_rest(Connection& connection) const {
    send_some(connection);
    if (connection.sent == message_.size()) watch(connection, EPOLL_CTL_MOD, EPOLLIN);
  }

  void receive(Connection& connection) {
    const ssize_t result = ::recv(connection.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (result < 0 && errno == EAGAIN) return;
    const auto received = static_cast<std::size_t>(checked(static_cast<int>(result), "recv"));
    if (received == 0) throw std::runtime_error("the server has closed a connection");
    if (connection.received + received > connection.sent ||
        std::memcmp(buffer_.data(), message_.data() + connection.received, received) != 0) {
      throw std::runtime_error("the server sends back something else");
    }
    connection.received += received;
    if (connection.received < message_.size()) return;
    --in_flight_;
    start_request(connection);
  }

  int poll_;
  std::string message_;
  std::vector<Connection> connections_;
  std::array<epoll_event, 1024> events_{};
  std::array<char, 65536> buffer_{};
  std::size_t to_start_ = 0;
  std::size_t in_flight_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() != 6) {
    std::fputs("usage: echo_load PORT PID CONNECTIONS SIZE WARM_UP REQUESTS\n", stderr);
    return 2;
  }
  const auto number = [&](std::size_t i) { return std::stoul(arguments[i]); };
  const clockid_t server = processor_time_of(static_cast<pid_t>(number(1)));
  Load load(static_cast<std::uint16_t>(number(0)), number(2), number(3));

  load.run(number(4));
  const double began = seconds(CLOCK_MONOTONIC);
  const double taken_before = seconds(server);
  load.run(number(5));
  const double taken = seconds(server) - taken_before;
  std::printf("%.9f %.9f\n", seconds(CLOCK_MONOTONIC) - began, taken);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "echo_load: %s\n", error.what());
  return 1;
}
