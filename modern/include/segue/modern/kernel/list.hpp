// A doubly linked list whose links lie in its elements: adding and removing allocate nothing and cost the same at any
// length. An element is in at most one list, leaves it when it is destroyed, and is owned by somebody else.
#pragma once

#include <type_traits>

namespace segue::modern {

/// What an element of a List derives from. An element that is to be in several lists at once derives from one link for
/// each, told apart by `Tag`.
template <class Tag = void>
class ListLink {
 public:
  ListLink() noexcept = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;

  bool linked() const noexcept { return next_ != nullptr; }
  /// Leaves its list; does nothing where it is in none.
  void unlink() noexcept {
    if (next_ == nullptr) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 protected:
  ~ListLink() { unlink(); }

 private:
  template <class, class>
  friend class List;

  ListLink* next_ = nullptr;
  ListLink* previous_ = nullptr;
};

/// The elements, of type T, in the order in which they were added.
template <class T, class Tag = void>
class List {
  using Link = ListLink<Tag>;

 public:
  List() noexcept { ends_.next_ = ends_.previous_ = &ends_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  /// Its elements are in no list afterwards.
  ~List() {
    while (!empty()) ends_.next_->unlink();
    ends_.next_ = ends_.previous_ = nullptr;
  }

  bool empty() const noexcept { return ends_.next_ == &ends_; }
  /// The first element; null where there is none.
  T* front() const noexcept { return element(ends_.next_); }
  /// The one after `each`; null after the last.
  T* next(const T& each) const noexcept { return element(static_cast<const Link&>(each).next_); }

  void push_back(T& added) noexcept {
    Link& link = added;
    link.next_ = &ends_;
    link.previous_ = ends_.previous_;
    ends_.previous_->next_ = &link;
    ends_.previous_ = &link;
  }

 private:
  struct Ends : Link {};

  T* element(Link* link) const noexcept { return link == &ends_ ? nullptr : static_cast<T*>(link); }

  Ends ends_;
};

}  // namespace segue::modern
