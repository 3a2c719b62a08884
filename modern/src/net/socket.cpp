#include "net/socket.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

void UniqueFd::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

UniqueFd adopt_stream_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) throw_os_error(errno);
  if (type != SOCK_STREAM) throw ValueError("A Stream Socket was expected, got file descriptor " + std::to_string(fd));
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) throw_os_error(errno);
  return UniqueFd(fd);
}

namespace {

Transferred transferred(ssize_t result) noexcept {
  return result < 0 ? Transferred{.size = 0, .error = errno}
                    : Transferred{.size = static_cast<std::size_t>(result), .error = 0};
}

}  // namespace

bool Transferred::not_ready() const noexcept { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

Transferred receive(int fd, std::span<char> into) noexcept {
  return transferred(::recv(fd, into.data(), into.size(), 0));
}

Transferred receive(int fd, std::span<char> first, std::span<char> second) noexcept {
  if (first.empty()) return receive(fd, second);
  const std::array<iovec, 2> parts{iovec{first.data(), first.size()}, iovec{second.data(), second.size()}};
  return transferred(::readv(fd, parts.data(), parts.size()));
}

Transferred send(int fd, std::string_view data) noexcept {
  return transferred(::send(fd, data.data(), data.size(), MSG_NOSIGNAL));
}

void set_option(int fd, int level, int option, int value) noexcept {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace segue::modern
