#include "net/endpoint.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>

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

}  // namespace

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

std::optional<Address> name_of_socket(int fd) { return name_by(::getsockname, fd); }
std::optional<Address> name_of_peer(int fd) { return name_by(::getpeername, fd); }

}  // namespace segue::modern
