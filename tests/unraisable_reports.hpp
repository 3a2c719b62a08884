// What the hook for errors that nobody can catch is told.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/unraisable.hpp>

namespace segue::testing {

/// Collects it, as `object: error`, and puts the hook before back.
class UnraisableReports {
 public:
  UnraisableReports() {
    previous_ = set_unraisable_hook([this](const Unraisable& unraisable) {
      lines.push_back(unraisable.object + ": " + exception_repr(unraisable.exception));
    });
  }
  UnraisableReports(const UnraisableReports&) = delete;
  UnraisableReports& operator=(const UnraisableReports&) = delete;
  ~UnraisableReports() { set_unraisable_hook(std::move(previous_)); }

  std::vector<std::string> lines;

 private:
  UnraisableHook previous_;
};

}  // namespace segue::testing
