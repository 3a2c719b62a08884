// What names stand for: far away, so that asking takes a moment.
#pragma once

#include <string>

#include <segue/modern/kernel/coroutine.hpp>

class Store {
 public:
  /// std::out_of_range where nothing has that name.
  segue::modern::Coroutine<long> load(std::string name);
};
