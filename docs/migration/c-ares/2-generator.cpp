// Generator style: all names are a gather(), and what has moved before, describe(), stays as it is.
//
// usage: 2-generator SERVER MILLISECONDS < NAMES        a name a line; each may take so long
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
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>
#include <segue/bridge/c_callback.hpp>
#include <segue/bridge/coroutine.hpp>

#include "ares_loop.hpp"

namespace {

using segue::bridge::coroutine;
using segue::bridge::from_callback;
using segue::bridge::yield_from;
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
Host found(AresLoop& ares, Query query) {
  const auto start = [&](ares_host_callback call, void* data) {
    ares.start([&](ares_channel channel) { query(channel, call, data); });
  };
  auto [status, timeouts, host] = yield_from(from_callback<void(void*, int, int, hostent*), int, int, Host>(start));
  AresLoop::check(status);
  return std::move(host);
}

Host host_by_name(AresLoop& ares, const std::string& name) {
  return found(ares, [&](ares_channel channel, ares_host_callback call, void* data) {
    ares_gethostbyname(channel, name.c_str(), AF_INET, call, data);
  });
}

Host host_by_address(AresLoop& ares, in_addr address) {
  return found(ares, [&](ares_channel channel, ares_host_callback call, void* data) {
    ares_gethostbyaddr(channel, &address, sizeof address, AF_INET, call, data);
  });
}

// It has a stack of its own, and the functions that it calls are plain ones.
const auto describe = coroutine<std::string>([](AresLoop& ares, std::string name) {
  const Host forward = host_by_name(ares, name);
  const Host back = host_by_address(ares, forward.addresses.at(0));
  char address[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &forward.addresses[0], address, sizeof address);
  return std::to_string(forward.addresses.size()) + ", " + address + " is " + back.name;
});

const auto describe_or_error =
    coroutine<std::string>([](AresLoop& ares, std::string name, std::chrono::milliseconds limit) -> std::string {
      try {
        return yield_from(asyncio::wait_for(describe(std::ref(ares), std::move(name)), limit));
      } catch (const segue::TimeoutError&) {
        return "no answer in time";
      } catch (const std::exception& error) {
        return error.what();
      }
    });

const auto describe_all =
    coroutine<>([](const char* servers, std::vector<std::string> names, std::chrono::milliseconds limit) {
      AresLoop ares(asyncio::get_running_loop(), servers);
      std::vector<asyncio::Task<std::string>> lookups;
      for (const std::string& name : names)
        lookups.push_back(asyncio::create_task(describe_or_error(std::ref(ares), name, limit)));
      const std::vector<std::string> results = yield_from(asyncio::gather(lookups));
      for (std::size_t i = 0; i < names.size(); ++i) std::printf("%s: %s\n", names[i].c_str(), results[i].c_str());
    });

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: 2-generator SERVER MILLISECONDS\n"), 2;
  ares_library_init(ARES_LIB_INIT_ALL);
  std::vector<std::string> names;
  for (std::string name; std::getline(std::cin, name);) names.push_back(name);
  try {
    asyncio::run(describe_all(argv[1], std::move(names), std::chrono::milliseconds(std::atoi(argv[2]))));
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "2-generator: %s\n", error.what()), 1;
  }
  ares_library_cleanup();
}
