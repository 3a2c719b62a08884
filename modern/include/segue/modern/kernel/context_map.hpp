// ContextMap: which context variable has which value (CPython: Python/hamt.c). It is persistent: a copy shares all with
// what it was copied from, and costs one reference; a change copies the path to what it changes, where that is shared.
//
// A tree of nodes with sixteen places each, in which a variable's number tells the way, four bits at a time from the
// lowest. As numbers are given in turn, a program with sixteen variables has one node.
#pragma once

#include <any>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <segue/let_go.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/kernel/shared.hpp>

namespace segue::modern {

/// A context variable: a name and an identity.
class ContextVariable : public SharedCounted {
 public:
  explicit ContextVariable(std::string name) : name_(std::move(name)) {}
  virtual ~ContextVariable() = default;
  static void end(ContextVariable* variable) noexcept { delete variable; }

  /// Above zero, and never another one's.
  std::uint64_t number() const noexcept { return number_; }
  const std::string& name() const noexcept { return name_; }

 private:
  static inline std::atomic<std::uint64_t> last_number_{0};

  const std::uint64_t number_ = last_number_.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::string name_;
};

/// A value that a variable has. It does not change: a variable that is set gets another one.
class ContextValue : public SharedCounted {
 public:
  explicit ContextValue(Shared<ContextVariable> variable) noexcept
      : number_(variable->number()), variable_(std::move(variable)) {}
  virtual ~ContextValue() = default;
  // A value may keep a context, with a value that keeps the next one, and so on.
  static void end(ContextValue* value) noexcept { let_go(std::unique_ptr<ContextValue>(value)); }

  std::uint64_t number() const noexcept { return number_; }
  const Shared<ContextVariable>& variable() const noexcept { return variable_; }
  /// Whether it is equal to another one of the same variable; where values cannot be compared, whether it is that one.
  virtual bool equals(const ContextValue& other) const = 0;
  virtual std::any copy() const = 0;

 private:
  const std::uint64_t number_;
  const Shared<ContextVariable> variable_;
};

class ContextMap {
 public:
  ContextMap() noexcept = default;

  bool empty() const noexcept { return !root_; }
  /// The value of the variable with this number; null where it has none.
  const ContextValue* find(std::uint64_t number) const noexcept { return find_below(root_.get(), number); }
  /// std::bad_alloc: nothing has changed.
  void set(Shared<ContextValue> value);
  void remove(std::uint64_t number);

  /// Calls `action(value)` for each, in the order of their numbers' lowest bits.
  template <class Action>
  void for_each(Action action) const {
    if (root_) for_each(*root_, action);
  }
  std::size_t size() const noexcept;
  /// Whether both have the same variables, with equal values.
  friend bool operator==(const ContextMap& a, const ContextMap& b);

 private:
  friend class ContextSlot;
  struct Node;
  static constexpr unsigned bits = 4;
  static constexpr std::uint64_t mask = (1U << bits) - 1;

  /// Of a node: empty, a value, or a node of the next level. One word.
  class Place {
   public:
    Place() noexcept = default;
    explicit Place(Shared<ContextValue> value) noexcept : word_(reinterpret_cast<std::uintptr_t>(value.detach())) {}
    explicit Place(Shared<Node> node) noexcept : word_(reinterpret_cast<std::uintptr_t>(node.detach()) | node_tag) {}
    Place(const Place& other) noexcept;
    Place(Place&& other) noexcept : word_(std::exchange(other.word_, 0)) {}
    Place& operator=(Place other) noexcept {
      std::swap(word_, other.word_);
      return *this;
    }
    ~Place() {
      if (word_ != 0) end();
    }

    bool is_node() const noexcept { return (word_ & node_tag) != 0; }
    Node* node() const noexcept { return reinterpret_cast<Node*>(word_ & ~node_tag); }
    /// Null for an empty one.
    ContextValue* value() const noexcept { return reinterpret_cast<ContextValue*>(word_); }

   private:
    static constexpr std::uintptr_t node_tag = 1;
    void end() const noexcept;

    std::uintptr_t word_ = 0;
  };

  struct Node : SharedCounted {
    std::array<Place, 1U << bits> places;
    static void end(Node* node) noexcept { delete node; }
  };

  template <class Action>
  static void for_each(const Node& node, Action& action) {
    for (const Place& place : node.places) {
      if (place.is_node()) {
        for_each(*place.node(), action);
      } else if (const ContextValue* const value = place.value()) {
        action(*value);
      }
    }
  }
  static const ContextValue* find_below(const Node* node, std::uint64_t number) noexcept {
    for (std::uint64_t rest = number; node != nullptr; rest >>= bits) {
      const Place& place = node->places[rest & mask];
      if (!place.is_node()) {
        const ContextValue* const value = place.value();
        return value != nullptr && value->number() == number ? value : nullptr;
      }
      node = place.node();
    }
    return nullptr;
  }
  static Shared<Node> with(const Node* node, unsigned shift, Shared<ContextValue> value);
  static Shared<Node> without(const Node& node, unsigned shift, std::uint64_t number);

  Shared<Node> root_;
};

inline ContextMap::Place::Place(const Place& other) noexcept : word_(other.word_) {
  if (is_node()) {
    node()->references.retain();
  } else if (ContextValue* const shared = value()) {
    shared->references.retain();
  }
}

}  // namespace segue::modern
