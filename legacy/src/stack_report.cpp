#include <segue/legacy/stack_report.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <string_view>
#include <tuple>

#include <segue/legacy/fiber.hpp>

#include "line.hpp"
#include "stack_guard.hpp"

namespace segue::legacy {

class legacy_detail::MeasuredStack {
 public:
  Stack stack;
  StackUse* use;
  std::list<MeasuredStack>::iterator self;
};

namespace {

using legacy_detail::MeasuredStack;

using Word = std::uintptr_t;
constexpr Word pattern = static_cast<Word>(0xA5A5'A5A5'A5A5'A5A5);

void update(StackUse& use, Stack stack) noexcept {
  const std::size_t used = legacy_detail::stack_used(stack);
  if (used <= use.used) return;
  use.used = used;
  use.size = stack.size();
}

// Never destroyed: generators may end after static destructors have run.
class Report {
 public:
  static Report& instance() {
    static auto* const report = new Report;
    return *report;
  }

  MeasuredStack* enter(const Fiber& fiber) {
    const Origin origin = fiber.origin();
    const std::source_location& created = origin.source;
    Place place{fiber.label(), created.file_name(), created.line(), created.column(), origin.caller};
    const std::lock_guard lock(mutex_);
    StackUse& use = uses_[std::move(place)];
    if (use.generators == 0) {
      use.name = fiber.label();
      use.created = created;
      use.caller = origin.caller;
    }
    live_.push_front({fiber.stack(), &use, {}});
    live_.front().self = live_.begin();
    ++use.generators;
    return &live_.front();
  }

  void leave(MeasuredStack* measured) noexcept {
    const std::lock_guard lock(mutex_);
    update(*measured->use, measured->stack);
    live_.erase(measured->self);
  }

  std::vector<StackUse> deepest_first() {
    std::vector<StackUse> result;
    {
      const std::lock_guard lock(mutex_);
      for (const MeasuredStack& measured : live_) update(*measured.use, measured.stack);
      for (const auto& [place, use] : uses_) {
        if (use.generators != 0) result.push_back(use);
      }
    }
    std::ranges::sort(result, std::ranges::greater(), &StackUse::used);
    return result;
  }

 private:
  using Place = std::tuple<std::string, std::string_view, std::uint_least32_t, std::uint_least32_t, const void*>;

  std::mutex mutex_;
  std::map<Place, StackUse> uses_;
  std::list<MeasuredStack> live_;
};

}  // namespace

constinit std::atomic<bool> legacy_detail::measure_all_stacks{false};

void set_stack_measuring(bool enabled) noexcept {
  legacy_detail::measure_all_stacks.store(enabled, std::memory_order_relaxed);
}

std::string StackUse::place() const {
  legacy_detail::Line line;
  if (const auto place = legacy_detail::place_of({created, caller})) line << *place;
  return std::string(line.text());
}

std::vector<StackUse> stack_report() { return Report::instance().deepest_first(); }

void legacy_detail::start_measuring(Fiber* fiber, void* lowest) {
  auto* const bottom = reinterpret_cast<Word*>(fiber->stack().bottom());
  std::fill(bottom, static_cast<Word*>(lowest), pattern);
  try {
    header_of(fiber->stack()).measured = Report::instance().enter(*fiber);
  } catch (...) {
    destroy_fiber(fiber);
    throw;
  }
}

void legacy_detail::stop_measuring(Stack stack) noexcept {
  StackHeader& header = header_of(stack);
  Report::instance().leave(header.measured);
  header.measured = nullptr;
  if (header.resource != nullptr) return;
  // An idle stack is not to keep the pages that only the pattern has touched.
  const auto size = static_cast<std::size_t>(stack.top - stack.bottom());
  madvise(stack.bottom(), size - size % page_size(), MADV_DONTNEED);
}

// Not checked by the sanitizers: it reads below frames, and what another thread may be writing.
[[gnu::no_sanitize_address, gnu::no_sanitize_thread]] std::size_t legacy_detail::stack_used(Stack stack) noexcept {
  const auto* word = reinterpret_cast<const volatile Word*>(stack.bottom());
  while (*word == pattern) ++word;
  return stack.size() - static_cast<std::size_t>(reinterpret_cast<const volatile std::byte*>(word) - stack.bottom());
}

}  // namespace segue::legacy
