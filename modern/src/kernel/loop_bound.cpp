#include <segue/modern/kernel/loop_bound.hpp>

#include <string>

#include <segue/exceptions.hpp>

namespace segue::modern {

void LoopBound::bind(LoopCore& running) {
  if (loop_ != 0) throw RuntimeError(repr() + " is bound to a different event loop");
  loop_ = running.id();
}

std::string LoopBound::repr() { return "<" + std::string(type_) + ">"; }

}  // namespace segue::modern
