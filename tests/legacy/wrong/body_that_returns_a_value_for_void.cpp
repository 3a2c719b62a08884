// a generator's body returns nothing when
#include <segue/legacy/generator.hpp>

using segue::legacy::Generator;

const Generator<int> generator([](auto& yield) {
  yield(1);
  return 1;
});
