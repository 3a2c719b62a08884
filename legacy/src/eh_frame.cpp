#include "eh_frame.hpp"

#if defined(__x86_64__) && defined(__LP64__) && defined(__linux__)

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

// Two functions of the C++ runtime, under names of our own. The first finds the description of the function around
// `pc`. The second reads a function's handlers; only its address is used here.
struct dwarf_eh_bases {
  void* text;
  void* data;
  void* function;
};
extern "C" [[gnu::weak]] const void* segue_find_entry(void* pc, dwarf_eh_bases* bases) __asm__("_Unwind_Find_FDE");
extern "C" int segue_personality(...) __asm__("__gxx_personality_v0");

namespace segue::legacy::legacy_detail {
namespace {

// DWARF's numbers of the registers that matter here.
constexpr std::uint64_t rbp = 6;
constexpr std::uint64_t rsp = 7;
constexpr std::uint64_t return_address = 16;

// --- reading ---

// Encodings of pointers in .eh_frame (Linux Standard Base, "DWARF Exception Header Encoding").
constexpr std::uint8_t omitted = 0xff;
constexpr std::uint8_t indirect = 0x80;

// Reads tables from front to back. An encoding that it does not know reads as 0, and failed() is true from then on.
class Reader {
 public:
  explicit Reader(const void* at) noexcept : at_(static_cast<const std::uint8_t*>(at)) {}

  const std::uint8_t* at() const noexcept { return at_; }
  bool failed() const noexcept { return failed_; }
  void fail() noexcept { failed_ = true; }

  template <class T>
  T read() noexcept {
    T value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  std::uint64_t uleb() noexcept { return leb().value; }
  std::int64_t sleb() noexcept {
    const Leb read = leb();
    const bool negative = read.bits < 64 && ((read.value >> (read.bits - 1)) & 1) != 0;
    return static_cast<std::int64_t>(negative ? read.value | ~std::uint64_t{0} << read.bits : read.value);
  }

  Address pointer(std::uint8_t encoding) noexcept {
    if (encoding == omitted) return 0;
    const auto here = reinterpret_cast<Address>(at_);
    Address value = number(encoding & 0x0f);
    if (value == 0) return 0;
    switch (encoding & 0x70) {
      case 0x00: break;
      case 0x10: value += here; break;
      default: fail(); return 0;
    }
    if ((encoding & indirect) != 0) value = *reinterpret_cast<const Address*>(value);
    return value;
  }

  /// Reads the number that is stored for a pointer, without adding what it is relative to.
  Address number(std::uint8_t format) noexcept {
    switch (format) {
      case 0x00: return read<std::uint64_t>();
      case 0x01: return uleb();
      case 0x02: return read<std::uint16_t>();
      case 0x03: return read<std::uint32_t>();
      case 0x04: return read<std::uint64_t>();
      case 0x09: return static_cast<Address>(sleb());
      case 0x0a: return static_cast<Address>(read<std::int16_t>());
      case 0x0b: return static_cast<Address>(read<std::int32_t>());
      case 0x0c: return static_cast<Address>(read<std::int64_t>());
      default: fail(); return 0;
    }
  }

 private:
  struct Leb {
    std::uint64_t value = 0;
    unsigned bits = 0;
  };
  Leb leb() noexcept {
    Leb result;
    std::uint8_t byte;
    do {
      byte = read<std::uint8_t>();
      if (result.bits < 64) result.value |= std::uint64_t{byte & 0x7fU} << result.bits;
      result.bits += 7;
    } while ((byte & 0x80) != 0);
    return result;
  }

  const std::uint8_t* at_;
  bool failed_ = false;
};

// --- one function's tables ---

// What .eh_frame says of a function: a common entry (CIE) and one of its own (FDE).
struct Function {
  Address start = 0;
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = 1;
  Address personality = 0;
  const std::uint8_t* handlers = nullptr;  // the LSDA, or null
  const std::uint8_t* common_rules = nullptr;
  const std::uint8_t* common_end = nullptr;
  const std::uint8_t* rules = nullptr;
  const std::uint8_t* end = nullptr;
};

std::optional<Function> find_function(Address pc) noexcept {
  if (segue_find_entry == nullptr) return std::nullopt;
  dwarf_eh_bases bases{};
  // A call that does not return may be the last instruction of its function, and the return address behind the
  // function: so it is the byte before that is looked up.
  const void* const entry = segue_find_entry(reinterpret_cast<void*>(pc - 1), &bases);
  if (entry == nullptr) return std::nullopt;

  Function function;
  Reader own(entry);
  const auto length = own.read<std::uint32_t>();
  if (length == 0xffffffff) return std::nullopt;
  function.end = own.at() + length;
  const std::uint8_t* const distance_from = own.at();
  Reader common(distance_from - own.read<std::int32_t>());

  const auto common_length = common.read<std::uint32_t>();
  function.common_end = common.at() + common_length;
  common.read<std::uint32_t>();
  const auto version = common.read<std::uint8_t>();
  const std::string_view augmentation(reinterpret_cast<const char*>(common.at()));
  common = Reader(common.at() + augmentation.size() + 1);
  function.code_alignment = common.uleb();
  function.data_alignment = common.sleb();
  const std::uint64_t return_column = version == 1 ? common.read<std::uint8_t>() : common.uleb();
  if (return_column != return_address || !augmentation.starts_with('z')) return std::nullopt;
  const std::uint64_t common_data = common.uleb();
  function.common_rules = common.at() + common_data;
  std::uint8_t address_encoding = 0;
  std::uint8_t handlers_encoding = omitted;
  for (const char c : augmentation.substr(1)) {
    switch (c) {
      case 'R': address_encoding = common.read<std::uint8_t>(); break;
      case 'L': handlers_encoding = common.read<std::uint8_t>(); break;
      case 'P': {
        const auto encoding = common.read<std::uint8_t>();
        function.personality = common.pointer(encoding);
        break;
      }
      default: return std::nullopt;  // a signal's frame, above all
    }
  }

  function.start = reinterpret_cast<Address>(bases.function);
  own.number(address_encoding & 0x0f);  // the same start, and the size
  own.number(address_encoding & 0x0f);
  const std::uint64_t own_data = own.uleb();
  function.rules = own.at() + own_data;
  if (handlers_encoding != omitted) {
    function.handlers = reinterpret_cast<const std::uint8_t*>(own.pointer(handlers_encoding));
  }
  if (own.failed() || common.failed()) return std::nullopt;
  return function;
}

// Whether a list of actions holds nothing but cleanups. Each entry has a type to catch, or 0 for a cleanup, and the
// distance to the next entry.
bool has_cleanups_alone(const std::uint8_t* action) noexcept {
  for (;;) {
    Reader record(action);
    if (record.sleb() != 0) return false;
    const std::uint8_t* const distance_from = record.at();
    const std::int64_t distance = record.sleb();
    if (distance == 0) return true;
    action = distance_from + distance;
  }
}

// What an exception that comes out of the call before `pc` runs in the function.
Unwinding find_unwinding(const Function& function, Address pc) noexcept {
  if (function.handlers == nullptr) return Unwinding::nothing;
  if (function.personality != reinterpret_cast<Address>(&segue_personality)) return Unwinding::anything;
  Reader table(function.handlers);
  const auto base_encoding = table.read<std::uint8_t>();
  if (base_encoding != omitted) table.pointer(base_encoding);
  const auto types_encoding = table.read<std::uint8_t>();
  if (types_encoding != omitted) table.uleb();
  const auto format = static_cast<std::uint8_t>(table.read<std::uint8_t>() & 0x0f);
  const std::uint64_t length = table.uleb();
  const std::uint8_t* const actions = table.at() + length;
  const Address offset = pc - 1 - function.start;
  while (table.at() < actions && !table.failed()) {
    const Address start = table.number(format);
    const Address size = table.number(format);
    const Address landing_pad = table.number(format);
    const std::uint64_t action = table.uleb();
    if (table.failed() || offset < start) break;
    if (offset >= start + size) continue;
    if (landing_pad == 0) return Unwinding::nothing;
    return action == 0 || has_cleanups_alone(actions + action - 1) ? Unwinding::cleanups : Unwinding::anything;
  }
  return Unwinding::anything;  // the runtime would end the program here
}

// --- from a frame to its caller's ---

// Runs the instructions that tell, for each address in a function, how its frame is laid out (DWARF, section 6.4).
class Layout {
 public:
  // False for a frame whose layout depends on more than rsp and rbp.
  bool find(const Function& function, Address pc, Step& step) noexcept {
    Reader common(function.common_rules);
    location_ = function.start;
    if (!run(function, common, function.common_end, ~Address{0})) return false;
    initial_ = now_;
    Reader own(function.rules);
    location_ = function.start;
    if (!run(function, own, function.end, pc)) return false;
    constexpr std::int64_t word = sizeof(Address);
    if ((now_.base != rsp && now_.base != rbp) || now_.offset <= 0 || now_.offset % word != 0) return false;
    if (now_.rbp_below < 0 || now_.rbp_below % word != 0 || now_.rbp_below / word > 0xff) return false;
    if (now_.offset / word > max_words) return false;
    step.from_rbp = now_.base == rbp;
    step.words = static_cast<std::uint32_t>(now_.offset / word);
    step.rbp_words = static_cast<std::uint8_t>(now_.rbp_below / word);
    return true;
  }

  static constexpr std::int64_t max_words = (1 << 21) - 1;

 private:
  struct State {
    std::uint64_t base = 0;
    std::int64_t offset = 0;
    std::int64_t rbp_below = 0;
    bool usual = true;  // the return address and the stack pointer are where the ABI has them
  };

  // Runs the instructions that apply at `pc`. False where they cannot be followed.
  bool run(const Function& function, Reader& rules, const std::uint8_t* end, Address pc) noexcept {
    while (rules.at() < end && location_ < pc && !rules.failed()) {
      const auto instruction = rules.read<std::uint8_t>();
      const auto operand = static_cast<std::uint8_t>(instruction & 0x3f);
      switch (instruction & 0xc0) {
        case 0x40: advance(function, operand); continue;
        case 0x80: save(operand, static_cast<std::int64_t>(rules.uleb()) * function.data_alignment); continue;
        case 0xc0: restore(operand); continue;
        default: break;
      }
      switch (instruction) {
        case 0x00: break;                                                  // nop
        case 0x02: advance(function, rules.read<std::uint8_t>()); break;   // advance_loc1
        case 0x03: advance(function, rules.read<std::uint16_t>()); break;  // advance_loc2
        case 0x04: advance(function, rules.read<std::uint32_t>()); break;  // advance_loc4
        case 0x05: {                                                       // offset_extended
          const std::uint64_t reg = rules.uleb();
          save(reg, static_cast<std::int64_t>(rules.uleb()) * function.data_alignment);
          break;
        }
        case 0x06: restore(rules.uleb()); break;  // restore_extended
        case 0x07:                                // undefined
        case 0x08: keep(rules.uleb()); break;     // same_value
        case 0x0a:                                // remember_state
          if (depth_ == remembered_.size()) return false;
          remembered_[depth_++] = now_;
          break;
        case 0x0b:  // restore_state
          if (depth_ == 0) return false;
          now_ = remembered_[--depth_];
          break;
        case 0x0c:  // def_cfa
          now_.base = rules.uleb();
          now_.offset = static_cast<std::int64_t>(rules.uleb());
          break;
        case 0x0d: now_.base = rules.uleb(); break;                               // def_cfa_register
        case 0x0e: now_.offset = static_cast<std::int64_t>(rules.uleb()); break;  // def_cfa_offset
        case 0x11: {                                                              // offset_extended_sf
          const std::uint64_t reg = rules.uleb();
          save(reg, rules.sleb() * function.data_alignment);
          break;
        }
        case 0x12:  // def_cfa_sf
          now_.base = rules.uleb();
          now_.offset = rules.sleb() * function.data_alignment;
          break;
        case 0x13: now_.offset = rules.sleb() * function.data_alignment; break;  // def_cfa_offset_sf
        case 0x2e: rules.uleb(); break;                                          // GNU_args_size
        default: return false;  // an expression, or a rule that no x86-64 compiler uses
      }
    }
    return now_.usual && !rules.failed();
  }

  void advance(const Function& function, std::uint64_t delta) noexcept { location_ += delta * function.code_alignment; }
  void save(std::uint64_t reg, std::int64_t offset) noexcept {
    if (reg == rbp) now_.rbp_below = -offset;
    if (reg == rsp || (reg == return_address && offset != -8)) now_.usual = false;
  }
  void keep(std::uint64_t reg) noexcept {
    if (reg == rbp) now_.rbp_below = 0;
  }
  void restore(std::uint64_t reg) noexcept {
    if (reg == rbp) now_.rbp_below = initial_.rbp_below;
  }

  State now_;
  State initial_;
  std::array<State, 8> remembered_;
  std::size_t depth_ = 0;
  Address location_ = 0;
};

}  // namespace

Step find_step(Address pc) noexcept {
  Step step;
  const std::optional<Function> function = find_function(pc);
  if (function && Layout().find(*function, pc, step)) step.unwinding = find_unwinding(*function, pc);
  return step;
}

}  // namespace segue::legacy::legacy_detail

#endif
