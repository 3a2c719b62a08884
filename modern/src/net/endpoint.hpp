// Endpoint: an address as the system has it, to connect or to bind a socket to. Address is the same for people.
#pragma once

#include <sys/socket.h>

#include <optional>

#include <segue/modern/net/address.hpp>

#include "net/socket.hpp"

namespace segue::modern {

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

/// The address of a socket's own end; nothing where it has none.
std::optional<Address> name_of_socket(int fd);
/// The address of the other end; nothing where there is none.
std::optional<Address> name_of_peer(int fd);

}  // namespace segue::modern
