// The one door to Boost.Context: a switch of stacks and nothing else.
//
// `jump_fcontext` saves the callee-saved registers on the stack it leaves and loads those of the stack it enters.
// It knows nothing of C++ exceptions, sanitizers or threads; fiber.hpp adds them.
#pragma once

#include <boost/context/detail/fcontext.hpp>

namespace segue::legacy::legacy_detail {

/// A suspended stack: its stack pointer, from which on the saved registers lie.
using Context = boost::context::detail::fcontext_t;

/// What a switch hands to the stack that it enters: where it came from, and the pointer passed along.
using Transfer = boost::context::detail::transfer_t;

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;

}  // namespace segue::legacy::legacy_detail
