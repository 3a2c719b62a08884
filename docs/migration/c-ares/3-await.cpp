// The same with co_await: a name's two queries are two lines, and all names are a gather().
//
// usage: 3-await SERVER MILLISECONDS < NAMES        a name a line; each may take so long
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>
#include <segue/bridge/c_callback.hpp>

#include "ares_loop.hpp"

namespace {

using segue::asyncio::Coroutine;
using segue::bridge::from_callback;
namespace asyncio = segue::asyncio;

// What c-ares has found, copied while its callback runs.
struct Host {
  explicit Host(const hostent* found) {
    if (found == nullptr) return;
    name = found->h_name;
    if (found->h_addrtype != AF_INET) return;
    for (char** each = found->h_addr_list; *each != nullptr; ++each)
      std::memcpy(&addresses.emplace_back(), *each, sizeof(in_addr));
  }
  std::string name;
  std::vector<in_addr> addresses;
};

template <class Query>
Coroutine<Host> found(AresLoop& ares, Query query) {
  const auto start = [&](ares_host_callback call, void* data) {
    ares.start([&](ares_channel channel) { query(channel, call, data); });
  };
  auto [status, timeouts, host] = co_await from_callback<void(void*, int, int, hostent*), int, int, Host>(start);
  AresLoop::check(status);
  co_return std::move(host);
}

Coroutine<Host> host_by_name(AresLoop& ares, std::string name) {
  return found(ares, [name = std::move(name)](ares_channel channel, ares_host_callback call, void* data) {
    ares_gethostbyname(channel, name.c_str(), AF_INET, call, data);
  });
}

Coroutine<Host> host_by_address(AresLoop& ares, in_addr address) {
  return found(ares, [address](ares_channel channel, ares_host_callback call, void* data) {
    ares_gethostbyaddr(channel, &address, sizeof address, AF_INET, call, data);
  });
}

Coroutine<std::string> describe(AresLoop& ares, std::string name) {
  const Host forward = co_await host_by_name(ares, std::move(name));
  const Host back = co_await host_by_address(ares, forward.addresses.at(0));
  char address[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &forward.addresses[0], address, sizeof address);
  co_return std::to_string(forward.addresses.size()) + ", " + address + " is " + back.name;
}

Coroutine<std::string> describe_or_error(AresLoop& ares, std::string name, std::chrono::milliseconds limit) {
  try {
    co_return co_await asyncio::wait_for(describe(ares, std::move(name)), limit);
  } catch (const segue::TimeoutError&) {
    co_return "no answer in time";
  } catch (const std::exception& error) {
    co_return error.what();
  }
}

Coroutine<> describe_all(const char* servers, std::vector<std::string> names, std::chrono::milliseconds limit) {
  AresLoop ares(asyncio::get_running_loop(), servers);
  std::vector<Coroutine<std::string>> lookups;
  for (const std::string& name : names) lookups.push_back(describe_or_error(ares, name, limit));
  const std::vector<std::string> results = co_await asyncio::gather(std::move(lookups));
  for (std::size_t i = 0; i < names.size(); ++i) std::printf("%s: %s\n", names[i].c_str(), results[i].c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: 3-await SERVER MILLISECONDS\n"), 2;
  ares_library_init(ARES_LIB_INIT_ALL);
  std::vector<std::string> names;
  for (std::string name; std::getline(std::cin, name);) names.push_back(name);
  try {
    asyncio::run(describe_all(argv[1], std::move(names), std::chrono::milliseconds(std::atoi(argv[2]))));
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "3-await: %s\n", error.what()), 1;
  }
  ares_library_cleanup();
}
