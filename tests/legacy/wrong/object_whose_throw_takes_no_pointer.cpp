// an object's throw_() takes a std::exception_ptr
#include <segue/legacy/generator.hpp>

using namespace segue::legacy;

struct Numbers {
  int next();
  int throw_(int code);
};

Generator<int> numbers([](auto& yield) { yield.from(Numbers()); });
