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

#include <utility>
#include <vector>

namespace segue {

namespace segue_detail {

/// What let_go() knows in each thread of the references of one type.
template <class Reference>
struct LettingGo {
  static constexpr int deepest = 16;
  static constinit inline thread_local int depth = 0;  // how many are being destroyed inside each other
  /// Those whose turn comes when the deepest one is destroyed; null while none is that deep.
  static constinit inline thread_local std::vector<Reference>* waiting = nullptr;
};

/// Destroys `reference`, and whatever that leads to, where the deepest allowed is reached.
template <class Reference>
[[gnu::noinline, gnu::cold]] void let_go_in_turn(Reference reference) noexcept {
  using Here = LettingGo<Reference>;
  if (Here::waiting != nullptr) {
    try {
      Here::waiting->push_back(std::move(reference));
    } catch (...) {
    }
    return;
  }
  std::vector<Reference> waiting;
  std::vector<Reference> ending;
  Here::waiting = &waiting;
  reference = Reference();
  while (!waiting.empty()) {
    ending.swap(waiting);
    for (Reference& each : ending) each = Reference();
    ending.clear();
  }
  Here::waiting = nullptr;
}

}  // namespace segue_detail

/// Destroys `reference`: at once, or, where that happens in the destructor of a sixteenth link of its chain, before the
/// destructor of the fifteenth returns. Without memory destructors nest, as they do otherwise.
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
