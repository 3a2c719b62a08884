// a generator's body is called as
#include <segue/legacy/generator.hpp>

using segue::legacy::Generator;

const Generator<int> generator([] {});
