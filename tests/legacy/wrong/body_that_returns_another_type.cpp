// a generator's body returns what converts to
#include <segue/legacy/generator.hpp>

using segue::legacy::Generator;

const Generator<int, void, int> generator([](auto& yield) {
  yield(1);
  return "one";
});
