// What the hook for errors that nobody can catch is told.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/unraisable.hpp>

namespace segue::legacy::testing {

/// Collects it, as `object: error`, and puts the hook before back.
class Reports {
 public:
  Reports() {
    previous_ = set_unraisable_hook([this](const Unraisable& unraisable) {
      lines.push_back(unraisable.object + ": " + describe(unraisable.exception).repr());
    });
  }
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;
  ~Reports() { set_unraisable_hook(std::move(previous_)); }

  std::vector<std::string> lines;

 private:
  UnraisableHook previous_;
};

}  // namespace segue::legacy::testing
