// A socket's address, as Python's getsockname() tells it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <segue/os_error.hpp>

namespace segue::modern {

/// A name or a service could not be resolved (CPython: socket.gaierror); the code is getaddrinfo()'s.
class gaierror : public OSError {
 public:
  using OSError::OSError;
};

/// `('127.0.0.1', 8080)` of an IP socket; the path of a Unix one, with port 0.
class Address {
 public:
  Address() = default;
  Address(std::string name, int number) : host(std::move(name)), port(number) {}

  /// As Python prints it: `('127.0.0.1', 8080)`, `('::1', 8080, 0, 0)`, `'/run/socket'`.
  std::string repr() const;
  friend bool operator==(const Address&, const Address&) = default;

  std::string host;
  int port = 0;
  /// Of IPv6.
  std::uint32_t flowinfo = 0;
  std::uint32_t scope_id = 0;
  enum class Kind : std::uint8_t { ipv4, ipv6, local } kind = Kind::ipv4;
};

}  // namespace segue::modern
