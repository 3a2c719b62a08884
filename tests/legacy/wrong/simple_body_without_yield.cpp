// a generator's body is called as
#include <segue/legacy/simple_generator.hpp>

const segue::legacy::SimpleGenerator<int> generator([](int end) { return end; }, 3);
