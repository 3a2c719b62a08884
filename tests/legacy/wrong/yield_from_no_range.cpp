// yield.from takes a generator
#include <segue/legacy/generator.hpp>

using segue::legacy::Generator;

const Generator<int> generator([](auto& yield) { yield.from(5); });
