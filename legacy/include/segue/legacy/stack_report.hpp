// How deep stacks have been used: the high-water mark of each that is measured, and a report of the deepest.
//
//   set_stack_measuring(true);
//   … run the program …
//   for (const StackUse& use : stack_report()) {
//     std::printf("%s, made at %s: %zu of %zu\n", use.name.c_str(), use.place().c_str(), use.used, use.size);
//   }
//
// To be measured, a stack is filled with a pattern when its generator is made. That touches all of it, so a measured
// generator is slower to make and takes its stack's whole size in memory; the others pay nothing. What counts is what
// was written, not what was reserved. AddressSanitizer keeps many frames elsewhere: figures are too small under it.
#pragma once

#include <atomic>
#include <cstddef>
#include <source_location>
#include <string>
#include <vector>

#include <segue/legacy/stack.hpp>

namespace segue::legacy {

/// Whether the generators made from now on, and whatever else runs on a fiber, are measured without being asked to
/// (`GeneratorOptions::measure_stack`). Off at first.
void set_stack_measuring(bool enabled) noexcept;

/// The deepest that the generators of one name, made in one place, have gone so far.
struct StackUse {
  std::string name;              ///< what reports call them: the name they were made with
  std::source_location created;  ///< where they were made; line 0 when that is not known
  const void* caller = nullptr;  ///< where line is 0: a return address in what made them, or null
  std::size_t size = 0;          ///< of the stack that was used deepest, in bytes
  std::size_t used = 0;          ///< bytes of it from the top down, the control block included
  std::size_t generators = 0;    ///< how many were measured, alive or gone

  /// Where they were made, as text: file and line, `log.cpp:28`. When these are not known, program and address,
  /// `server+0x1a2b`, which addr2line makes them of; or nothing. Throws std::bad_alloc.
  std::string place() const;
};

/// All that have been measured, those that still run and those that are gone; the deepest first. From any thread, at
/// any time. Throws std::bad_alloc.
std::vector<StackUse> stack_report();

namespace legacy_detail {

extern constinit std::atomic<bool> measure_all_stacks;

/// Measures the stack of `fiber`, which has not run, from `lowest` down. Where there is no memory for that, destroys it
/// and throws std::bad_alloc.
void start_measuring(Fiber* fiber, void* lowest);
/// Keeps the mark of a measured stack for stack_report(). Allocates nothing.
void stop_measuring(Stack stack) noexcept;
/// The mark of a measured stack, which may be in use.
std::size_t stack_used(Stack stack) noexcept;

}  // namespace legacy_detail
}  // namespace segue::legacy
