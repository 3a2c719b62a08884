// let_go(): ends a chain, each link of which holds the last reference to the next one, without recursion.
//
//   struct Node {
//     std::shared_ptr<Node> next;
//     ~Node() { let_go(std::move(next)); }
//   };
//
// Destructors nest: a node's destroys the next node, and so on, and a chain of a million overflows any stack. Chains of
// exceptions (each the context of the next) and of futures (each kept by a callback of the next) are as long as their
// program likes, so whatever segue shares is let go of here.
#pragma once

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace segue {

namespace segue_detail {

/// What let_go() knows of the references of one type.
template <class Reference>
struct LettingGo {
  static constexpr int deepest = 16;
  /// How many are being destroyed inside each other in this thread. A fiber that is left while it destroys one makes
  /// that wrong, which only changes where the waiting begins.
  static constinit inline thread_local int depth = 0;

  /// One that destroys what waits for its turn. Of its stack, not of its thread: a destructor may leave its fiber, and
  /// other destructors run meanwhile.
  class Turn {
   public:
    explicit Turn(std::uintptr_t frame) noexcept : frame_(frame) {
      const std::lock_guard lock(mutex_);
      next_ = std::exchange(first_, this);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      const std::lock_guard lock(mutex_);
      Turn** link = &first_;
      while (*link != this) link = &(*link)->next_;
      *link = next_;
    }

    /// The one inside of which the function with this frame runs: its own frame lies a little above. Null where there
    /// is none.
    static Turn* around(std::uintptr_t frame) noexcept {
      constexpr std::uintptr_t less_than_between_two_stacks = 16 * 1024;
      const std::lock_guard lock(mutex_);
      for (Turn* each = first_; each != nullptr; each = each->next_)
        if (each->frame_ - frame < less_than_between_two_stacks) return each;
      return nullptr;
    }

    std::vector<Reference> waiting;

   private:
    static constinit inline std::mutex mutex_;
    static constinit inline Turn* first_ = nullptr;

    const std::uintptr_t frame_;
    Turn* next_;
  };
};

/// Destroys `reference`, and whatever that leads to, where the deepest allowed is reached.
template <class Reference>
[[gnu::noinline, gnu::cold]] void let_go_in_turn(Reference reference) noexcept {
  using Turn = typename LettingGo<Reference>::Turn;
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (Turn* const turn = Turn::around(frame)) {
    try {
      turn->waiting.push_back(std::move(reference));
    } catch (...) {
    }
    return;
  }
  Turn turn(frame);
  std::vector<Reference> ending;
  reference = Reference();
  while (!turn.waiting.empty()) {
    ending.swap(turn.waiting);
    for (Reference& each : ending) each = Reference();
    ending.clear();
  }
}

}  // namespace segue_detail

/// Destroys `reference`: at once, or, where that happens in the destructor of a seventeenth link of its chain, before
/// the destructor of the sixteenth returns. Without memory destructors nest, as they do otherwise.
template <class Reference>
void let_go(Reference reference) noexcept {
  using Here = segue_detail::LettingGo<Reference>;
  const int depth = Here::depth;
  if (depth >= Here::deepest) [[unlikely]]
    return segue_detail::let_go_in_turn(std::move(reference));
  Here::depth = depth + 1;
  reference = Reference();
  Here::depth = depth;
}

}  // namespace segue
