// Half-way: what is asked for a name is a generator-based coroutine, describe(), and the loop has taken the place of
// poll. Who asks for all names is what it was: it starts each with a callback, and counts what is left.
//
// usage: 1-half SERVER MILLISECONDS < NAMES        a name a line; each may take so long
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
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
#include <segue/bridge/to_callback.hpp>

#include "ares_loop.hpp"

namespace {

using segue::bridge::coroutine;
using segue::bridge::from_callback;
using segue::bridge::to_callback;
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

const auto describe_in_time =
    coroutine<std::string>([](AresLoop& ares, std::string name, std::chrono::milliseconds limit) {
      return yield_from(asyncio::wait_for(describe(std::ref(ares), std::move(name)), limit));
    });

struct Program;

struct Lookup {
  Program& program;
  std::string name;
  std::string result = {};
};

struct Program {
  std::chrono::milliseconds limit;
  std::deque<Lookup> lookups = {};  // which callbacks point to
  int left = 0;

  void start(AresLoop& ares);
};

void finish(Lookup& lookup, std::string result) {
  lookup.result = std::move(result);
  if (--lookup.program.left == 0) asyncio::get_running_loop().stop();
}

void fail(Lookup& lookup, const std::exception_ptr& error) {
  const bool late = segue::holds<segue::TimeoutError>(error);
  finish(lookup, late ? "no answer in time" : segue::describe(error).message);
}

void Program::start(AresLoop& ares) {
  left = static_cast<int>(lookups.size());
  for (Lookup& lookup : lookups) {
    const auto on_described = [&lookup](const std::exception_ptr& error, std::string text) {
      if (error) return fail(lookup, error);
      finish(lookup, std::move(text));
    };
    to_callback(describe_in_time)(std::ref(ares), lookup.name, limit, on_described);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: 1-half SERVER MILLISECONDS\n"), 2;
  ares_library_init(ARES_LIB_INIT_ALL);
  Program program{.limit = std::chrono::milliseconds(std::atoi(argv[2]))};
  for (std::string name; std::getline(std::cin, name);)
    program.lookups.push_back(Lookup{.program = program, .name = name});
  try {
    const auto loop = asyncio::new_event_loop();
    AresLoop ares(*loop, argv[1]);
    loop->call_soon([&] { program.start(ares); });
    loop->run_forever();
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "1-half: %s\n", error.what()), 1;
  }
  for (const Lookup& lookup : program.lookups) std::printf("%s: %s\n", lookup.name.c_str(), lookup.result.c_str());
  ares_library_cleanup();
}
