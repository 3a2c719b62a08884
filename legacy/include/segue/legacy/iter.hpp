// Python's `iter()` and `next()`: an iterator that remembers where it is, whoever asks it for the next element.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include <segue/exceptions.hpp>

namespace segue::legacy {

/// A position in a range, which it refers to (an lvalue) or owns (an rvalue). As an input range it goes on from where
/// it is, so that a loop, a `yield.from` and next() can take turns; an element that was looked at is consumed.
/// Move-only.
///
///   auto it = iter(std::vector{1, 2, 3});
///   next(it);                    // 1
///   for (int v : it) use(v);     // 2, 3
template <class Range>
class RangeIterator {
  using Base = std::remove_reference_t<Range>;

 public:
  class Iterator;
  using iterated_type = std::remove_cv_t<Base>;            ///< the range, without `const` and reference
  using reference = std::ranges::range_reference_t<Base>;  ///< what the range's iterators give for `*`

  /// Refers to an lvalue, which has to outlive it; moves an rvalue to the heap. Looks at nothing yet. Throws
  /// std::bad_alloc and what the move throws, for an rvalue alone.
  explicit RangeIterator(Range&& range) {
    if constexpr (std::is_lvalue_reference_v<Range>) {
      range_ = std::addressof(range);
    } else {
      range_ = std::make_unique<Range>(std::move(range));
    }
  }

  /// The elements from here on: an input range. Does not advance itself; leaving a loop early keeps the position.
  Iterator begin() noexcept { return Iterator(*this); }
  /// The end of the range. Comparing an iterator with it may advance, and throw what the range's iterators throw.
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Goes to the next element; false when there is none.
  bool advance() {
    if (!position_) {
      position_.emplace(std::ranges::begin(*range_));
    } else if (!exhausted()) {
      ++*position_;
    }
    return !exhausted();
  }
  /// The element that advance() went to.
  reference current() const { return **position_; }

 private:
  bool exhausted() { return *position_ == std::ranges::end(*range_); }

  // An owned range stays where it is when the RangeIterator is moved: its iterators may point into it.
  std::conditional_t<std::is_lvalue_reference_v<Range>, Base*, std::unique_ptr<Base>> range_;
  std::optional<std::ranges::iterator_t<Base>> position_;
};

/// Steps through what is left. The next element is asked for when it is looked for, not before, so a comparison or `*`
/// may advance, and throw. Refers to the RangeIterator object: it dangles when that is moved from or destroyed.
template <class Range>
class RangeIterator<Range>::Iterator {
 public:
  using iterator_concept = std::input_iterator_tag;     ///< it goes through the elements once
  using value_type = std::ranges::range_value_t<Base>;  ///< what it goes through
  using difference_type = std::ptrdiff_t;               ///< std::input_iterator asks for it

  /// One that refers to no RangeIterator: of no use but to be assigned to.
  Iterator() noexcept = default;
  /// Move-only.
  Iterator(Iterator&&) noexcept = default;
  /// Move-only.
  Iterator& operator=(Iterator&&) noexcept = default;

  /// The current element, as the range gives it.
  reference operator*() const {
    look();
    return iter_->current();
  }
  /// Moves on. The element that is passed over is asked for, if nobody has looked at it; the next one is not yet.
  Iterator& operator++() {
    look();
    looked_ = false;
    return *this;
  }
  /// The same.
  void operator++(int) { ++*this; }
  /// Whether there is no element any more.
  friend bool operator==(const Iterator& it, std::default_sentinel_t) {
    it.look();
    return !it.more_;
  }

 private:
  friend RangeIterator;
  explicit Iterator(RangeIterator& iter) noexcept : iter_(&iter) {}

  void look() const {
    if (looked_) return;
    looked_ = true;
    more_ = iter_->advance();
  }

  RangeIterator* iter_ = nullptr;
  mutable bool looked_ = false;
  mutable bool more_ = false;
};

/// Python's `iter(range)`: refers to an lvalue, which has to outlive it, and owns an rvalue. Looks at nothing yet.
template <std::ranges::input_range Range>
RangeIterator<Range> iter(Range&& range) {
  return RangeIterator<Range>(std::forward<Range>(range));
}

/// The next element. Throws StopIteration<void> at the end.
template <class Range>
typename RangeIterator<Range>::reference next(RangeIterator<Range>& iter) {
  if (!iter.advance()) throw StopIteration<void>();
  return iter.current();
}

/// The next element, or `default_value` at the end.
template <class Range>
std::ranges::range_value_t<std::remove_reference_t<Range>> next(
    RangeIterator<Range>& iter, std::ranges::range_value_t<std::remove_reference_t<Range>> default_value) {
  if (iter.advance()) return iter.current();
  return default_value;
}

}  // namespace segue::legacy
