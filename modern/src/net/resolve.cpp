#include "net/resolve.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/net/address.hpp>
#include <segue/modern/threads/to_thread.hpp>
#include <segue/os_error.hpp>

namespace segue::modern {

namespace {

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

Coroutine<std::vector<Endpoint>> resolve(EventLoop& loop, std::string host, int port, int family, bool to_listen) {
  if (host.find('\0') != host.npos) throw ValueError("embedded null character");
  // Nobody is called so, but the C library would ask the network.
  if (host.empty() && !to_listen) throw gaierror(EAI_NONAME, ::gai_strerror(EAI_NONAME));
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

}  // namespace segue::modern
