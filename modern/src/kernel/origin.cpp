#include <segue/modern/kernel/origin.hpp>

#include <execinfo.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernel/call_sites.hpp"

namespace segue::modern {

namespace {

using Addresses = std::vector<void*>;

// What has been made and not destroyed since.
struct Known {
  std::mutex mutex;
  std::unordered_map<const Origin*, Addresses> addresses;
};

Known& known() {
  static auto* const known = new Known;  // destroyed by nobody: something may be made or destroyed after main()
  return *known;
}

constexpr int depth = 48;  // of which many are in segue
constexpr std::size_t most_shown = 10;

// This file is `…/kernel/origin.cpp`: what is beside its folder is modern's.
constexpr std::string_view sources() noexcept {
  const std::string_view file = __FILE__;
  return file.substr(0, file.rfind("kernel/origin.cpp"));
}

// Whether a signature is that of a function of segue's, or of the standard library's; not of one of a user's that is in
// a namespace within.
bool inner_function(std::string_view signature) {
  const std::string_view name = signature.substr(0, signature.find('('));
  const std::string_view qualified = name.substr(name.rfind(' ') + 1);
  return qualified.starts_with("segue::modern::") || qualified.starts_with("segue::bridge::") ||
         qualified.starts_with("segue::legacy::") || qualified.starts_with("std::");
}

// A call inside of segue or of the standard libraries.
bool inner(const CallSite& site) {
  if (site.file.empty() && inner_function(site.signature)) return true;
  const std::string_view file = site.file;
  const std::string_view library = std::string_view(site.module).substr(site.module.rfind('/') + 1);
  return library.starts_with("libc.so") || library.starts_with("libstdc++.so") || file.starts_with(sources()) ||
         file.find("/segue/modern/") != file.npos || file.find("/segue/bridge/") != file.npos ||
         file.find("/segue/legacy/") != file.npos || file.find("/include/c++/") != file.npos;
}

// The calls in the user's code, the innermost first; also those of segue, where there is no debug information to tell
// by.
std::vector<CallSite> outer_sites(const Addresses& addresses) {
  std::vector<CallSite> sites = call_sites(addresses);
  std::erase_if(sites, inner);
  if (std::ranges::any_of(sites, [](const CallSite& site) { return !site.file.empty(); }))
    std::erase_if(sites, [](const CallSite& site) { return site.file.empty(); });
  return sites;
}

std::string place_of(const CallSite& site, const char* separator) {
  return site.file.empty() ? site.module + "+" + site.offset : site.file + separator + site.line;
}

Addresses addresses_of(const Origin& origin) {
  const std::lock_guard lock(known().mutex);
  const auto found = known().addresses.find(&origin);
  return found != known().addresses.end() ? found->second : Addresses();
}

// Adds the time that passes as long as it lives.
class Stopwatch {
 public:
  explicit Stopwatch(std::chrono::nanoseconds& sum) noexcept : sum_(sum) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { sum_ += Clock::now() - begin_; }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::nanoseconds& sum_;
  const Clock::time_point begin_ = Clock::now();
};

}  // namespace

bool Origin::remember() const noexcept {
  try {
    std::array<void*, depth> calls{};
    const int size = ::backtrace(calls.data(), depth);
    const std::lock_guard lock(known().mutex);
    known().addresses[this] = Addresses(calls.data(), calls.data() + size);
    return true;
  } catch (...) {
    return false;  // there is no memory for it
  }
}

void Origin::forget() const noexcept {
  const std::lock_guard lock(known().mutex);
  known().addresses.erase(this);
}

std::string Origin::traceback(Maker maker) const {
  if (!known_) return {};
  const Stopwatch watch(time_spent_);
  std::vector<CallSite> sites = outer_sites(addresses_of(*this));
  if (maker == Maker::coroutine_function && !sites.empty()) sites.erase(sites.begin());
  if (sites.size() > most_shown) sites.resize(most_shown);
  std::string text;
  std::for_each(sites.rbegin(), sites.rend(), [&](const CallSite& site) {
    if (!text.empty()) text += '\n';
    text += "  File \"" + place_of(site, "\", line ") + (site.file.empty() ? "\"" : "") + ", in " +
            (site.function.empty() ? "?" : site.function);
  });
  return text;
}

FunctionPlace Origin::function_at(void* code) {
  if (code == nullptr || wanted_by_.load(std::memory_order_relaxed) == 0) return {};
  const Stopwatch watch(time_spent_);
  void* const within = static_cast<char*>(code) + 1;  // as if it returned to there
  const std::vector<CallSite> sites = call_sites({&within, 1});
  if (sites.empty() || sites.back().file.empty() || inner(sites.back())) return {};
  return {sites.back().function, place_of(sites.back(), ":")};
}

std::string Origin::created_at() const {
  if (!known_) return {};
  const Stopwatch watch(time_spent_);
  const std::vector<CallSite> sites = outer_sites(addresses_of(*this));
  return sites.empty() ? std::string() : " created at " + place_of(sites.front(), ":");
}

}  // namespace segue::modern
