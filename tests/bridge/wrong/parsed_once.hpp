// What the programs beside this one include.

#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/portal.hpp>
