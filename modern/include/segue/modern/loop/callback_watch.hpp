// CallbackWatch: the watch that add_reader() and add_writer() make around a callback. It owns itself.
#pragma once

#include <functional>
#include <tuple>
#include <utility>

#include <segue/modern/kernel/callable.hpp>
#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/loop/watch.hpp>

namespace segue::modern {

template <class F, class... Args>
class CallbackWatch final : public Pooled, public Watch {
 public:
  template <class G, class... Values>
  explicit CallbackWatch(Events event, G&& callback, Values&&... values)
      : Watch(event),
        context_(ContextSlot::copy_of_current()),
        call_(std::forward<G>(callback), std::forward<Values>(values)...) {}

 private:
  void ready() override {
    const ContextSlot::Current in_context(&context_);
    std::apply([](F& f, Args&... args) { std::invoke(f, args...); }, call_);
  }
  void let_go() noexcept override { delete this; }
  Callable callable() const noexcept override { return callable_of(&std::get<0>(call_)); }

  ContextSlot context_;
  std::tuple<F, Args...> call_;
};

}  // namespace segue::modern
