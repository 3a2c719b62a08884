#include "net/socket.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <memory>

#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/threads/to_thread.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

namespace {

constexpr int socket_flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

Address to_address(const sockaddr_storage& storage, socklen_t size) {
  std::string text(INET6_ADDRSTRLEN, '\0');
  if (storage.ss_family == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in&>(storage);
    ::inet_ntop(AF_INET, &ip.sin_addr, text.data(), INET6_ADDRSTRLEN);
    return {text.c_str(), ntohs(ip.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& ip = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &ip.sin6_addr, text.data(), INET6_ADDRSTRLEN);
    Address address(text.c_str(), ntohs(ip.sin6_port));
    address.kind = Address::Kind::ipv6;
    address.flowinfo = ntohl(ip.sin6_flowinfo);
    address.scope_id = ip.sin6_scope_id;
    return address;
  }
  Address address;
  address.kind = Address::Kind::local;
  if (storage.ss_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path))
    address.host = reinterpret_cast<const sockaddr_un&>(storage).sun_path;
  return address;
}

template <class GetName>
std::optional<Address> name_by(GetName get_name, int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (get_name(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) return std::nullopt;
  return to_address(storage, size);
}

std::optional<Endpoint> literal(const std::string& host, int port, int family) {
  const auto network_port = htons(static_cast<std::uint16_t>(port));
  if (family != AF_INET6) {
    sockaddr_in ip{};
    ip.sin_family = AF_INET;
    ip.sin_port = network_port;
    if (::inet_pton(AF_INET, host.c_str(), &ip.sin_addr) == 1)
      return Endpoint(AF_INET, IPPROTO_TCP, reinterpret_cast<const sockaddr*>(&ip), sizeof ip);
  }
  if (family != AF_INET) {
    sockaddr_in6 ip{};
    ip.sin6_family = AF_INET6;
    ip.sin6_port = network_port;
    if (::inet_pton(AF_INET6, host.c_str(), &ip.sin6_addr) == 1)
      return Endpoint(AF_INET6, IPPROTO_TCP, reinterpret_cast<const sockaddr*>(&ip), sizeof ip);
  }
  return std::nullopt;
}

std::vector<Endpoint> resolve_blocking(const std::string& host, int port, int family, bool to_listen) {
  addrinfo wanted{};
  wanted.ai_family = family;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = to_listen ? AI_PASSIVE : 0;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (error == EAI_SYSTEM) throw_os_error(errno);
  if (error != 0) throw gaierror(error, ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
  std::vector<Endpoint> endpoints;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (one->ai_addrlen > sizeof(sockaddr_storage)) continue;
    const Endpoint endpoint(one->ai_family, one->ai_protocol, one->ai_addr, one->ai_addrlen);
    bool known = false;
    for (const Endpoint& other : endpoints) known = known || other == endpoint;
    if (!known) endpoints.push_back(endpoint);
  }
  return endpoints;
}

}  // namespace

void UniqueFd::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Endpoint::Endpoint(int family, int protocol, const sockaddr* address, socklen_t size) noexcept
    : family_(family), protocol_(protocol), size_(size) {
  std::memcpy(&storage_, address, size);
}

bool operator==(const Endpoint& a, const Endpoint& b) noexcept {
  return a.size_ == b.size_ && std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
}

Address Endpoint::address() const { return to_address(storage_, size_); }

UniqueFd Endpoint::make_socket() const {
  UniqueFd made(::socket(family_, socket_flags, protocol_));
  if (!made) throw_os_error(errno);
  return made;
}

Coroutine<std::vector<Endpoint>> resolve(EventLoop& loop, std::string host, int port, int family, bool to_listen) {
  if (port < 0 || port > 0xFFFF) throw ValueError("port must be 0-65535.");
  if (std::optional<Endpoint> endpoint = literal(host, port, family)) {
    std::vector<Endpoint> only(1, *endpoint);
    co_return only;
  }
  auto call = loop.run_in_executor(resolve_blocking, std::move(host), port, family, to_listen);
  auto endpoints = co_await std::move(call);
  if (endpoints.empty()) throw OSError("getaddrinfo() returned empty list");
  co_return endpoints;
}

std::optional<Address> name_of_socket(int fd) { return name_by(::getsockname, fd); }
std::optional<Address> name_of_peer(int fd) { return name_by(::getpeername, fd); }

UniqueFd adopt_stream_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) throw_os_error(errno);
  if (type != SOCK_STREAM) throw ValueError("A Stream Socket was expected, got file descriptor " + std::to_string(fd));
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) throw_os_error(errno);
  return UniqueFd(fd);
}

void set_option(int fd, int level, int option, int value) noexcept {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

std::string Address::repr() const {
  if (kind == Kind::local) return "'" + host + "'";
  const std::string common = "('" + host + "', " + std::to_string(port);
  if (kind == Kind::ipv4) return common + ")";
  return common + ", " + std::to_string(flowinfo) + ", " + std::to_string(scope_id) + ")";
}

}  // namespace segue::modern
