// No coroutine, and no function that returns what it says: an error by the target's own -Werror=return-type.
#include <segue/modern/kernel/coroutine.hpp>

segue::modern::Coroutine<> nothing() {}
