// a generator's body returns a reference when
#include <string>

#include <segue/legacy/generator.hpp>

using segue::legacy::Generator;

const Generator<int, void, const std::string&> generator([](auto& yield) -> std::string {
  yield(1);
  return "gone";
});
