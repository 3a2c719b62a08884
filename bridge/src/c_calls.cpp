#include <segue/bridge/c_calls.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <type_traits>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/kernel/function_name.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/shared.hpp>
#include <segue/modern/kernel/unraisable.hpp>

namespace segue::bridge::bridge_detail {
namespace {

static_assert(sizeof(void*) == 8, "a ticket is the number of a slot and of its use, 32 bits each");

enum class Phase : std::uint64_t { live = 1, called = 2, ended = 3 };

/// Used again and again, and never freed: a ticket may be shown at any time.
struct Slot {
  static std::uint64_t word_of(std::uint32_t use, Phase phase) noexcept {
    return std::uint64_t{use} << 2 | static_cast<std::uint64_t>(phase);
  }
  static std::uint32_t use_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 2); }

  /// Whether `word` was `before`, and is `after` now; else `found` is what it was.
  bool replace(std::uint64_t before, std::uint64_t after, std::uint64_t& found) noexcept {
    found = word.load(std::memory_order_acquire);
    if (found != before) return false;
    if (!modern::single_threaded()) return word.compare_exchange_strong(found, after, std::memory_order_acq_rel);
    word.store(after, std::memory_order_relaxed);
    return true;
  }

  std::atomic<std::uint64_t> word = 0;  // the number of the use, and its phase
  std::atomic<std::source_location> made;
  void* state = nullptr;  // whose who made it live, or ended that
  std::uint32_t number = 0;
  Slot* next_free = nullptr;
};

/// Slots that nobody uses, the one that was freed first in front: so that the last use of each is known for long.
struct FreeSlots {
  void push(Slot& slot) noexcept {
    slot.next_free = nullptr;
    (last ? last->next_free : first) = &slot;
    last = &slot;
    ++count;
  }
  Slot& pop() noexcept {
    Slot& slot = *first;
    first = slot.next_free;
    if (first == nullptr) last = nullptr;
    --count;
    return slot;
  }

  Slot* first = nullptr;
  Slot* last = nullptr;
  std::size_t count = 0;
};

/// All slots: blocks of 64, 128, 256 … of them.
class Slots {
 public:
  static constexpr std::uint32_t first_block = 64;

  /// Null for a number that was never given.
  Slot* at(std::uint32_t number) const noexcept {
    const auto [block, place] = locate(number);
    if (block >= blocks_.size()) return nullptr;
    Slot* const slots = blocks_[block].load(std::memory_order_acquire);
    return slots == nullptr ? nullptr : &slots[place];
  }
  /// Gives `free` a few.
  void refill(FreeSlots& free) {
    const std::lock_guard lock(mutex_);
    if (returned_.count < first_block) add_block();
    for (std::uint32_t i = 0; i < first_block; ++i) free.push(returned_.pop());
  }
  void give_back(FreeSlots& free, std::size_t keep) noexcept {
    const std::lock_guard lock(mutex_);
    while (free.count > keep) returned_.push(free.pop());
  }

 private:
  struct Location {
    std::size_t block;
    std::uint32_t place;
  };
  static Location locate(std::uint32_t number) noexcept {
    const std::uint32_t scaled = number / first_block + 1;
    const auto block = static_cast<std::size_t>(std::bit_width(scaled) - 1);
    return {block, number - first_block * ((1U << block) - 1)};
  }
  void add_block() {
    const std::size_t size = std::size_t{first_block} << made_;
    if (made_ == blocks_.size()) throw std::bad_alloc();
    Slot* const slots = new Slot[size];
    const std::uint32_t first = first_block * ((1U << made_) - 1);
    for (std::size_t i = 0; i < size; ++i) {
      slots[i].number = first + static_cast<std::uint32_t>(i);
      returned_.push(slots[i]);
    }
    blocks_[made_++].store(slots, std::memory_order_release);
  }

  std::mutex mutex_;
  FreeSlots returned_;    // guarded by mutex_
  std::size_t made_ = 0;  // guarded by mutex_
  std::array<std::atomic<Slot*>, 25> blocks_{};
};

// Has no destructor to be called: tickets may be shown while the process ends.
constinit Slots all_slots;
static_assert(std::is_trivially_destructible_v<Slots>);

/// A thread's own free ones, a few of which stay unused for a while.
struct ThreadSlots : FreeSlots {
  static constexpr std::size_t least = 32;
  static constexpr std::size_t most = 256;

  ThreadSlots() = default;
  ThreadSlots(const ThreadSlots&) = delete;
  ThreadSlots& operator=(const ThreadSlots&) = delete;
  ~ThreadSlots() { all_slots.give_back(*this, 0); }
};
constinit thread_local ThreadSlots this_thread_slots;

void* ticket_of(const Slot& slot, std::uint32_t use) noexcept {
  return reinterpret_cast<void*>(  // NOLINT(performance-no-int-to-ptr): it is never followed
      (std::uintptr_t{slot.number} + 1) << 32 | use);
}

/// Ends the use that the ticket is for; where that is over, the slot as it was found.
struct Taken {
  void* state;
  Slot* slot;
  std::uint64_t found;
};
Taken take(void* ticket, Phase phase) noexcept {
  const auto bits = reinterpret_cast<std::uintptr_t>(ticket);
  Slot* const slot = bits >> 32 == 0 ? nullptr : all_slots.at(static_cast<std::uint32_t>((bits >> 32) - 1));
  if (slot == nullptr) return {nullptr, nullptr, 0};
  const auto use = static_cast<std::uint32_t>(bits);
  std::uint64_t found = 0;
  if (!slot->replace(Slot::word_of(use, Phase::live), Slot::word_of(use, phase), found)) return {nullptr, slot, found};
  void* const state = slot->state;
  this_thread_slots.push(*slot);
  if (this_thread_slots.count > ThreadSlots::most) all_slots.give_back(this_thread_slots, ThreadSlots::most / 2);
  return {state, slot, found};
}

void report(const char* message, const std::string& source) noexcept {
  try {
    modern::LoopCore* const loop = modern::LoopCore::running();
    if (loop == nullptr) {
      modern::report_unraisable(std::make_exception_ptr(RuntimeError(message)),
                                source.empty() ? "callback" : "callback made at " + source);
      return;
    }
    modern::ExceptionContext context;
    context.message = message;
    context.source = source;
    loop->call_exception_handler(context);
  } catch (...) {
    modern::report_unraisable(std::current_exception(), "callback");  // no more than fits without memory
  }
}

}  // namespace

void* CCalls::enter(void* state, const std::source_location& made) {
  if (this_thread_slots.count <= ThreadSlots::least) all_slots.refill(this_thread_slots);
  Slot& slot = this_thread_slots.pop();
  const std::uint32_t use = Slot::use_of(slot.word.load(std::memory_order_relaxed)) + 1;
  slot.state = state;
  slot.made.store(made, std::memory_order_relaxed);
  slot.word.store(Slot::word_of(use, Phase::live), std::memory_order_release);
  return ticket_of(slot, use);
}

void* CCalls::take_for_call(void* ticket) noexcept {
  const Taken taken = take(ticket, Phase::called);
  if (taken.state != nullptr) return taken.state;
  if (taken.slot == nullptr) {
    report("callback was called with a pointer that is not the one that it was registered with", {});
    return nullptr;
  }
  const auto use = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(ticket));
  const bool last_use = Slot::use_of(taken.found) == use;
  if (last_use && taken.found == Slot::word_of(use, Phase::ended)) return nullptr;
  if (!last_use) {
    report("callback was called more than once, or long after its wait had ended", {});
    return nullptr;
  }
  const std::source_location made = taken.slot->made.load(std::memory_order_relaxed);
  const bool known = taken.slot->word.load(std::memory_order_acquire) == taken.found && made.line() != 0;
  report("callback was called more than once", known ? modern::place(made) : std::string());
  return nullptr;
}

void* CCalls::take_back(void* ticket) noexcept { return take(ticket, Phase::ended).state; }

}  // namespace segue::bridge::bridge_detail
