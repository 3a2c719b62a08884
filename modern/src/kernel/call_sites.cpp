#include "kernel/call_sites.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <utility>

#include <segue/modern/kernel/function_name.hpp>

namespace segue::modern {

namespace {

// An address as addr2line takes it.
struct InModule {
  void* address;
  std::string module;
  std::uintptr_t offset = 0;
};

std::string hex(std::uintptr_t number) {
  std::array<char, 2 + sizeof(number) * 2> text{'0', 'x'};
  const auto end = std::to_chars(text.data() + 2, text.data() + text.size(), number, 16).ptr;
  return {text.data(), end};
}

// The program's own file, whatever name it was started by.
std::string program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

InModule locate(void* address) {
  Dl_info module{};
  const auto call = reinterpret_cast<std::uintptr_t>(address) - 1;  // it is where the call returns to
  if (::dladdr(reinterpret_cast<void*>(call), &module) == 0) return {address, {}, call};
  Dl_info main{};
  const bool is_program =
      ::dladdr(reinterpret_cast<void*>(::getauxval(AT_PHDR)), &main) != 0 && main.dli_fbase == module.dli_fbase;
  const bool is_linked_to_place = static_cast<const ElfW(Ehdr)*>(module.dli_fbase)->e_type == ET_EXEC;
  return {address, is_program ? program() : std::string(module.dli_fname),
          is_linked_to_place ? call : call - reinterpret_cast<std::uintptr_t>(module.dli_fbase)};
}

// What a program writes to its standard output; nothing where it cannot be started.
std::optional<std::string> output_of(std::vector<std::string> arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const bool started = ::posix_spawnp(&child, argv.front(), &actions, nullptr, argv.data(), environ) == 0;
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string output;
  std::array<char, 4096> chunk{};
  while (started) {
    const ssize_t size = ::read(ends[0], chunk.data(), chunk.size());
    if (size == 0 || (size < 0 && errno != EINTR)) break;
    if (size > 0) output.append(chunk.data(), static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  while (started && ::waitpid(child, nullptr, 0) == -1 && errno == EINTR) {
  }
  if (!started) return std::nullopt;
  return output;
}

// LLVM's first: that of binutils 2.40 takes the wrong file from what clang writes for DWARF 5.
std::string addr2line(const std::vector<std::string>& arguments) {
  const char* const wanted = std::getenv("SEGUE_ADDR2LINE");
  for (const char* const program : {wanted, "llvm-addr2line", "llvm-addr2line-19", "addr2line"}) {
    if (program == nullptr) continue;
    std::vector<std::string> command{program};
    command.insert(command.end(), arguments.begin(), arguments.end());
    if (std::optional<std::string> output = output_of(std::move(command))) return *std::move(output);
  }
  return {};
}

CallSite unknown_site(const InModule& where) { return {where.module, hex(where.offset), {}, {}, {}, {}}; }

CallSite read_site(const std::string& signature, std::string place, const InModule& where) {
  CallSite site = unknown_site(where);
  if (!signature.starts_with("??")) {
    site.signature = signature;
    site.function = name_in_signature(signature);
  }
  place = place.substr(0, place.find(" (discriminator"));
  const std::size_t colon = place.rfind(':');
  const std::string line = colon != std::string::npos ? place.substr(colon + 1) : std::string();
  if (line.empty() || line == "?" || line == "0") return site;
  site.file = place.substr(0, colon);
  site.line = line;
  return site;
}

// The sites of all that are in one module. addr2line writes for each address `0x…`, then two lines for each function:
// its signature, and file:line.
std::vector<std::vector<CallSite>> sites_in_module(const std::vector<InModule>& places) {
  std::vector<std::string> arguments{"-C", "-f", "-i", "-a", "-e", places.front().module};
  for (const InModule& place : places) arguments.push_back(hex(place.offset));
  std::istringstream lines(addr2line(arguments));
  std::vector<std::vector<CallSite>> sites;
  std::string line;
  std::string place;
  while (std::getline(lines, line)) {
    if (line.starts_with("0x")) {
      sites.emplace_back();
    } else if (!sites.empty() && sites.size() <= places.size() && std::getline(lines, place)) {
      sites.back().push_back(read_site(line, place, places[sites.size() - 1]));
    }
  }
  return sites;
}

}  // namespace

std::vector<CallSite> call_sites(std::span<void* const> addresses) {
  static std::mutex mutex;
  static auto& known = *new std::map<void*, std::vector<CallSite>>;  // what was found once
  const std::lock_guard lock(mutex);
  std::map<void*, InModule> unknown;
  std::map<std::string, std::vector<InModule>> by_module;
  for (void* const address : addresses) {
    if (known.contains(address) || unknown.contains(address)) continue;
    const InModule place = unknown.emplace(address, locate(address)).first->second;
    by_module[place.module].push_back(place);
  }
  for (const auto& [module, places] : by_module) {
    const std::vector<std::vector<CallSite>> found = sites_in_module(places);
    for (std::size_t i = 0; i < found.size() && i < places.size(); ++i)
      if (!found[i].empty()) known[places[i].address] = found[i];
  }
  std::vector<CallSite> sites;
  for (void* const address : addresses) {
    if (const auto found = known.find(address); found != known.end()) {
      sites.insert(sites.end(), found->second.begin(), found->second.end());
    } else {
      sites.push_back(unknown_site(unknown.at(address)));
    }
  }
  return sites;
}

}  // namespace segue::modern
