// Objects that only want to hear that their loop is closed, or goes away. A gather() holds its children, whose
// callbacks hold the gather(); a transport is held by what the reactor would call. Where the loop ends before they do,
// nobody else would ever let go of them.
#pragma once

#include <segue/modern/kernel/list.hpp>

namespace segue::modern {

class LoopObserver : public ListLink<LoopObserver> {
 public:
  /// The loop has run for the last time: lets go of what it holds. It is in the loop's list no longer.
  virtual void loop_ended() noexcept = 0;

 protected:
  LoopObserver() noexcept = default;
  ~LoopObserver() = default;
};

}  // namespace segue::modern
