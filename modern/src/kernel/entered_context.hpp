// A context that is entered already, by Context::run() or by the step of a task, is refused to others.
#pragma once

#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/shared.hpp>

namespace segue::modern::detail {

/// RuntimeError("cannot enter context: <Context object at 0x…> is already entered").
[[noreturn]] void refuse_entered(const Shared<ContextState>& context);

}  // namespace segue::modern::detail
