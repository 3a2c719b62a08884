// What the programs beside this one include.

#include <segue/asyncio.hpp>
