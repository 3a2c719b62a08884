// Objects that hold each other until they are done: a gather() holds its children, whose callbacks hold the gather().
// Where none of them ever is done, nobody would let go; the loop knows them, and unties them when it goes away.
#pragma once

namespace segue::modern::detail {

class Knot {
 public:
  Knot() noexcept = default;
  Knot(const Knot&) = delete;
  Knot& operator=(const Knot&) = delete;

  /// Lets go of the others.
  virtual void untie() noexcept = 0;

 protected:
  ~Knot() { unlink(); }
  /// It holds nobody any more: the loop may forget it.
  void unlink() noexcept {
    if (next_ == nullptr) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 private:
  friend class KnotList;
  Knot* next_ = nullptr;
  Knot* previous_ = nullptr;
};

class KnotList {
 public:
  KnotList() noexcept { ends_.next_ = ends_.previous_ = &ends_; }

  void push(Knot& knot) noexcept {
    knot.next_ = &ends_;
    knot.previous_ = ends_.previous_;
    ends_.previous_->next_ = &knot;
    ends_.previous_ = &knot;
  }
  void untie_all() noexcept {
    while (ends_.next_ != &ends_) {
      Knot& knot = *ends_.next_;
      knot.unlink();
      knot.untie();
    }
  }

 private:
  struct Ends final : Knot {
    void untie() noexcept override {}
  };
  Ends ends_;
};

}  // namespace segue::modern::detail
