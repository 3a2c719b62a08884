// a pointer to one has no default arguments
#include <segue/legacy/generator.hpp>

using segue::legacy::Generator;
using segue::legacy::Yielder;

void count(Yielder<int>& yield, int end = 3);

const Generator<int> generator(count);
