// pull: is called as
#include <segue/legacy/pull.hpp>

const auto generator = segue::legacy::pull<int>([](int value) { (void)value; });
