// The addresses of many names at once, and the name that each one's first address goes back to, by c-ares: it says
// which descriptors to poll and for how long, and calls back.
//
// usage: 0-callback SERVER MILLISECONDS < NAMES        a name a line; each query may take so long
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

struct Program;

struct Lookup {
  Program& program;
  std::string name;
  in_addr address = {};
  int addresses = 0;
  std::string result = {};
};

struct Program {
  ares_channel channel = nullptr;
  std::deque<Lookup> lookups;  // which callbacks point to
  int left = 0;

  void start();
  void run();
};

void finish(Lookup& lookup, std::string result) {
  lookup.result = std::move(result);
  --lookup.program.left;
}

void fail(Lookup& lookup, int status) {
  finish(lookup, status == ARES_ETIMEOUT ? "no answer in time" : ares_strerror(status));
}

void on_name(void* context, int status, int, hostent* host) {
  auto& lookup = *static_cast<Lookup*>(context);
  if (status != ARES_SUCCESS) return fail(lookup, status);
  char address[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &lookup.address, address, sizeof address);
  finish(lookup, std::to_string(lookup.addresses) + ", " + address + " is " + host->h_name);
}

void on_addresses(void* context, int status, int, hostent* host) {
  auto& lookup = *static_cast<Lookup*>(context);
  if (status != ARES_SUCCESS) return fail(lookup, status);
  while (host->h_addr_list[lookup.addresses] != nullptr) ++lookup.addresses;
  std::memcpy(&lookup.address, host->h_addr_list[0], sizeof lookup.address);
  ares_gethostbyaddr(lookup.program.channel, &lookup.address, sizeof lookup.address, AF_INET, on_name, &lookup);
}

void Program::start() {
  left = static_cast<int>(lookups.size());
  for (Lookup& lookup : lookups) ares_gethostbyname(channel, lookup.name.c_str(), AF_INET, on_addresses, &lookup);
}

void Program::run() {
  while (left > 0) {
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    const auto wanted = static_cast<unsigned>(ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM));
    std::vector<pollfd> watched;
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      const int events =
          (ARES_GETSOCK_READABLE(wanted, i) ? POLLIN : 0) | (ARES_GETSOCK_WRITABLE(wanted, i) ? POLLOUT : 0);
      if (events != 0) watched.push_back({.fd = sockets[i], .events = static_cast<short>(events), .revents = 0});
    }
    timeval room = {};
    const timeval* const wait = ares_timeout(channel, nullptr, &room);
    poll(watched.data(), watched.size(),
         wait == nullptr ? -1 : static_cast<int>(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000));
    for (const pollfd& each : watched) {
      ares_process_fd(channel, (each.revents & ~POLLOUT) != 0 ? each.fd : ARES_SOCKET_BAD,
                      (each.revents & POLLOUT) != 0 ? each.fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what has taken too long
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: 0-callback SERVER MILLISECONDS\n"), 2;
  ares_library_init(ARES_LIB_INIT_ALL);
  Program program;
  for (std::string name; std::getline(std::cin, name);)
    program.lookups.push_back(Lookup{.program = program, .name = name});

  char lookups[] = "b";  // by DNS, and not from /etc/hosts
  ares_options options = {};
  options.flags = ARES_FLAG_NOSEARCH;
  options.timeout = std::atoi(argv[2]);
  options.tries = 1;
  options.lookups = lookups;
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
  int status = ares_init_options(&program.channel, &options, mask);
  if (status == ARES_SUCCESS) status = ares_set_servers_ports_csv(program.channel, argv[1]);
  if (status != ARES_SUCCESS) return std::fprintf(stderr, "0-callback: %s\n", ares_strerror(status)), 1;

  program.start();
  program.run();
  for (const Lookup& lookup : program.lookups) std::printf("%s: %s\n", lookup.name.c_str(), lookup.result.c_str());
  ares_destroy(program.channel);
  ares_library_cleanup();
}
