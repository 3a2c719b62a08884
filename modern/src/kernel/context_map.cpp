#include <segue/modern/kernel/context_map.hpp>

namespace segue::modern {

void ContextMap::Place::end() const noexcept {
  if (is_node()) {
    const auto ended = Shared<Node>::adopt(node());
  } else {
    const auto ended = Shared<ContextValue>::adopt(value());
  }
}

// A copy of `node` (or a new one) that has the value, too.
Shared<ContextMap::Node> ContextMap::with(const Node* node, unsigned shift, Shared<ContextValue> value) {
  auto changed = Shared<Node>::adopt(new Node());
  if (node != nullptr) changed->places = node->places;
  Place& place = changed->places[(value->number() >> shift) & mask];
  if (place.is_node()) {
    place = Place(with(place.node(), shift + bits, std::move(value)));
  } else if (place.value() == nullptr || place.value()->number() == value->number()) {
    place = Place(std::move(value));
  } else {
    // Two that agree so far part further down.
    auto both = with(nullptr, shift + bits, Shared<ContextValue>::share(place.value()));
    place = Place(with(both.get(), shift + bits, std::move(value)));
  }
  return changed;
}

Shared<ContextMap::Node> ContextMap::without(const Node& node, unsigned shift, std::uint64_t number) {
  auto changed = Shared<Node>::adopt(new Node());
  changed->places = node.places;
  Place& place = changed->places[(number >> shift) & mask];
  if (place.is_node()) {
    place = Place(without(*place.node(), shift + bits, number));
  } else {
    place = Place();
  }
  return changed;
}

void ContextMap::set(Shared<ContextValue> value) {
  // In place, as far as nobody shares it.
  unsigned shift = 0;
  for (Node* node = root_.get(); node != nullptr && node->references.unique(); shift += bits) {
    Place& place = node->places[(value->number() >> shift) & mask];
    if (!place.is_node()) {
      if (place.value() != nullptr && place.value()->number() != value->number()) break;
      place = Place(std::move(value));
      return;
    }
    node = place.node();
  }
  root_ = with(root_.get(), 0, std::move(value));
}

void ContextMap::remove(std::uint64_t number) {
  if (find(number) != nullptr) root_ = without(*root_, 0, number);
}

std::size_t ContextMap::size() const noexcept {
  std::size_t count = 0;
  for_each([&](const ContextValue&) { ++count; });
  return count;
}

bool operator==(const ContextMap& a, const ContextMap& b) {
  if (a.root_ == b.root_) return true;
  if (a.size() != b.size()) return false;
  bool equal = true;
  a.for_each([&](const ContextValue& value) {
    const ContextValue* const other = equal ? b.find(value.number()) : nullptr;
    equal = other != nullptr && (other == &value || value.equals(*other));
  });
  return equal;
}

}  // namespace segue::modern
