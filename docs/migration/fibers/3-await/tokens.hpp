// A line as its words, one at a time.
#pragma once

#include <string>

#include <segue/legacy/generator.hpp>

segue::legacy::Generator<std::string> tokens(std::string line);
