// a generator's body returns nothing when
#include <segue/legacy/simple_generator.hpp>

const segue::legacy::SimpleGenerator<int> generator([](auto& yield) {
  yield(1);
  return 1;
});
