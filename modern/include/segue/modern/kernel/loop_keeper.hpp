// LoopKeeper: something of a loop's that another thread is to bring an answer for. The other thread shares the keeper,
// and never touches what it keeps, since counts of handles are not atomic: it posts a call to the loop's mailbox, which
// does.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/loop_observer.hpp>

namespace segue::modern {

template <class Content>
class LoopKeeper final : private LoopObserver {
 public:
  /// In the loop's thread. Keeps `content` until give_up(), or until the loop is closed.
  static std::shared_ptr<LoopKeeper> make(LoopCore& loop, Content content) {
    auto keeper = std::make_shared<LoopKeeper>(Passkey(), std::move(content));
    keeper->self_ = keeper;
    loop.observe_close(*keeper);
    return keeper;
  }

  /// What it keeps; null when it has given that up. In the loop's thread.
  Content* content() noexcept { return content_ ? &*content_ : nullptr; }
  void give_up() noexcept {
    const std::shared_ptr<LoopKeeper> self = std::move(self_);
    unlink();
    content_.reset();
  }

 private:
  struct Passkey {};

 public:
  LoopKeeper(Passkey, Content content) : content_(std::move(content)) {}

 private:
  void loop_ended() noexcept override { give_up(); }

  std::optional<Content> content_;
  std::shared_ptr<LoopKeeper> self_;  // as long as it keeps anything
};

}  // namespace segue::modern
