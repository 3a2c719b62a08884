// std::ref(x) for a parameter that is a reference
#include <vector>

#include <segue/legacy/generator.hpp>

using segue::legacy::Generator;

std::vector<int> numbers{1, 2, 3};

const Generator<int> generator([](auto& yield, std::vector<int>& from) { yield(from.front()); }, numbers);
