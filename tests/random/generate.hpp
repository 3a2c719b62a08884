// Where random programs come from: rapidcheck generates them, and knows how to make one smaller.
#pragma once

#include <rapidcheck.h>

#include "program.hpp"

namespace segue::random {

rc::Gen<Program> programs();

}  // namespace segue::random
