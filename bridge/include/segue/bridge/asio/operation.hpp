// An operation of Asio's under way, and the future of segue's that waits for it. Each side has its thread, which may be
// the same:
//
//   the operation's executor                     the loop
//   ------------------------                     --------
//   AsioHandler  ------ AsioLink::mailbox -----> AsioFuture, which the loop keeps until the operation has ended
//   the operation <---- AsioLink::signal ------- AsioFuture::cancel()
//
// What a thread may touch of the link is said there. The signal is emitted where the operation's executor runs: at once
// where that is the loop's io_context, else dispatched there.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>
#include <boost/system/error_code.hpp>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/handle_state.hpp>
#include <segue/modern/kernel/loop_observer.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/outcome.hpp>

namespace segue::bridge::bridge_detail {

/// Where Asio keeps an operation: its own cache of memory serves who is called by an io_context, which a loop is not.
template <class T>
struct PoolAllocator {
  using value_type = T;

  PoolAllocator() noexcept = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor): as allocators convert

  T* allocate(std::size_t count) {
    if constexpr (over_aligned) {
      return static_cast<T*>(modern::Pooled::operator new(count * sizeof(T), std::align_val_t{alignof(T)}));
    } else {
      return static_cast<T*>(modern::Pooled::operator new(count * sizeof(T)));
    }
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    if constexpr (over_aligned) {
      modern::Pooled::operator delete(memory, count * sizeof(T), std::align_val_t{alignof(T)});
    } else {
      modern::Pooled::operator delete(memory, count * sizeof(T));
    }
  }
  template <class U>
  friend bool operator==(const PoolAllocator&, const PoolAllocator<U>&) noexcept {
    return true;
  }

 private:
  static constexpr bool over_aligned = alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;
};

template <class T>
class AsioFuture;

/// What both sides share. The operation looks at what it put into the slot until it ends, which may be after the loop.
template <class T>
struct AsioLink {
  AsioLink(std::shared_ptr<modern::Mailbox> of_loop, modern::Ready& abandoned, AsioFuture<T>& waiting) noexcept
      : mailbox(std::move(of_loop)), on_abandoned(abandoned), future(&waiting) {}

  const std::shared_ptr<modern::Mailbox> mailbox;
  modern::Ready& on_abandoned;  // not to be touched where the mailbox is closed
  // The operation's executor's:
  boost::asio::cancellation_signal signal;  // not to be emitted when it has completed: who would hear it may be gone
  std::atomic<bool> completed = false;      // written there
  // The loop's:
  AsioFuture<T>* future;  // null when it waits no longer
};

/// The future of an operation under way. Cancelling it asks the operation to end.
template <class T>
class AsioFuture : public modern::FutureValue<T>, private modern::LoopObserver, private modern::Ready {
 public:
  using modern::FutureValue<T>::FutureValue;

  /// The operation is about to start: its handler's end of the link.
  std::shared_ptr<AsioLink<T>> start() {
    this->loop().check_usable();
    link_ = std::allocate_shared<AsioLink<T>>(PoolAllocator<AsioLink<T>>(), this->loop().mailbox(),
                                              static_cast<modern::Ready&>(*this), *this);
    under_way_ = modern::Ref<AsioFuture>(this);
    this->loop().observe(*this);
    return link_;
  }
  void receive(Outcome<T>& outcome) {
    const modern::Ref<AsioFuture> keep = end();
    modern::LoopObserver::unlink();
    if (this->done()) return;
    if (cancelling_) return this->finish_cancelled();
    if (outcome.has_exception()) return this->finish_with(outcome.exception());
    this->set_result_or_error(std::move(outcome.stored()));
  }

  /// The operation cannot be cancelled: it is left to itself.
  void give_up() {
    if (!this->done()) this->finish_cancelled();
  }

  bool cancel(const std::optional<std::string>& message) override {
    if (this->done() || link_ == nullptr) return modern::FutureCore::cancel(message);
    const bool here = emits_here();
    const bool completed = link_->completed.load(std::memory_order_acquire);  // what it ended with is on its way
    if (here && !completed && !link_->signal.slot().has_handler()) return modern::FutureCore::cancel(message);
    this->set_cancel_message(message);
    cancelling_ = true;
    if (completed) return true;
    if (here) {
      link_->signal.emit(boost::asio::cancellation_type::terminal);
    } else {
      emit_elsewhere();
    }
    return true;
  }

 protected:
  /// Whether the operation's executor runs in the loop's thread.
  virtual bool emits_here() const { return true; }
  virtual void emit_elsewhere() {}
  const std::shared_ptr<AsioLink<T>>& link() const noexcept { return link_; }

 private:
  modern::Ref<AsioFuture> end() noexcept {
    link_->future = nullptr;
    return std::move(under_way_);
  }
  void loop_ended() noexcept override { end(); }
  // The handler was destroyed, and nothing will come.
  void run() override {
    Outcome<T> outcome;
    try {
      throw RuntimeError("callback was destroyed without being called");
    } catch (...) {  // that, or std::bad_alloc
      outcome.set_exception(std::current_exception());
    }
    receive(outcome);
  }
  void drop() noexcept override {}  // loop_ended() will come

  std::shared_ptr<AsioLink<T>> link_;
  modern::Ref<AsioFuture> under_way_;
  bool cancelling_ = false;
};

/// No executor is known: the operation is the loop's thread's.
struct NoExecutor {
  friend bool operator==(NoExecutor, NoExecutor) noexcept { return true; }
};

/// The executor that an initiation says that its operation has: that of the socket, or the timer.
template <class Initiation>
auto executor_of(const Initiation& initiation) {
  if constexpr (requires { initiation.get_executor(); }) {
    return initiation.get_executor();
  } else {
    return NoExecutor();
  }
}

template <class T, class Executor>
class AsioFutureOn final : public AsioFuture<T> {
 public:
  template <class Initiation>
  AsioFutureOn(modern::LoopCore& loop, const Initiation& initiation)
      : AsioFuture<T>(loop), executor_(executor_of(initiation)) {}

 private:
  bool emits_here() const override {
    auto* const reactor = dynamic_cast<AsioReactor*>(&modern::EventLoop::of(this->loop()).reactor());
    return reactor != nullptr && &reactor->context() == context();
  }
  const boost::asio::execution_context* context() const {
    if constexpr (boost::asio::can_query_v<const Executor&, boost::asio::execution::context_t>) {
      return &boost::asio::query(executor_, boost::asio::execution::context);
    } else if constexpr (requires { executor_.context(); }) {
      return &executor_.context();
    } else {
      return nullptr;
    }
  }
  void emit_elsewhere() override {
    boost::asio::dispatch(executor_, [link = this->link()] {
      if (link->completed) return;  // what it ended with is on its way
      if (link->signal.slot().has_handler()) return link->signal.emit(boost::asio::cancellation_type::terminal);
      static_cast<void>(link->mailbox->call_soon([link] {
        if (link->future != nullptr) link->future->give_up();
      }));
    });
  }

  const Executor executor_;
};

template <class T>
class AsioFutureOn<T, NoExecutor> final : public AsioFuture<T> {
 public:
  template <class Initiation>
  AsioFutureOn(modern::LoopCore& loop, const Initiation&) noexcept : AsioFuture<T>(loop) {}
};

/// Completes the future. One that is destroyed without a call fails it.
template <class T>
class AsioHandler {
 public:
  using cancellation_slot_type = boost::asio::cancellation_slot;
  using allocator_type = PoolAllocator<void>;

  explicit AsioHandler(std::shared_ptr<AsioLink<T>> link) noexcept : link_(std::move(link)) {}
  AsioHandler(AsioHandler&&) noexcept = default;
  AsioHandler& operator=(AsioHandler&&) = delete;
  ~AsioHandler() {
    if (link_ == nullptr) return;
    link_->completed.store(true, std::memory_order_release);
    static_cast<void>(link_->mailbox->post(link_->on_abandoned));
  }

  cancellation_slot_type get_cancellation_slot() const noexcept { return link_->signal.slot(); }
  allocator_type get_allocator() const noexcept { return {}; }
  /// What is emitted to `slot` is emitted to the operation.
  void obey(boost::asio::cancellation_slot slot) const {
    if (!slot.is_connected()) return;
    slot.assign([link = link_](boost::asio::cancellation_type type) {
      if (!link->completed) link->signal.emit(type);
    });
  }

  template <class... Values>
  void operator()(Values&&... values) {
    Outcome<T> outcome = make_outcome(std::forward<Values>(values)...);
    link_->completed.store(true, std::memory_order_release);
    if (link_->mailbox->is_of_running_loop()) {
      const std::shared_ptr<AsioLink<T>> link = std::move(link_);
      if (link->future != nullptr) link->future->receive(outcome);
      return;
    }
    const auto receive = [link = link_.get()](Outcome<T>& sent) { link->future->receive(sent); };
    static_cast<void>(link_->mailbox->call_soon(receive, std::move(outcome)));
    link_ = nullptr;
  }

 private:
  static std::exception_ptr exception_of(const std::exception_ptr& error) { return error; }
  static std::exception_ptr exception_of(const boost::system::error_code& error) {
    if (error == boost::asio::error::eof) return std::make_exception_ptr(EOFError(error.message()));
    return to_exception(error);
  }

  template <class First, class... Rest>
  static Outcome<T> make_outcome(First&& first, Rest&&... rest) {
    using Plain = std::remove_cvref_t<First>;
    if constexpr (std::same_as<Plain, boost::system::error_code> || std::same_as<Plain, std::exception_ptr>) {
      if (std::exception_ptr error = exception_of(static_cast<const Plain&>(first))) {
        Outcome<T> failed;
        failed.set_exception(std::move(error));
        return failed;
      }
      return value_outcome(std::forward<Rest>(rest)...);
    } else {
      return value_outcome(std::forward<First>(first), std::forward<Rest>(rest)...);
    }
  }
  static Outcome<T> make_outcome() { return value_outcome(); }

  template <class... Values>
  static Outcome<T> value_outcome(Values&&... values) {
    Outcome<T> outcome;
    if constexpr (sizeof...(Values) > 1) {
      outcome.set_value(T(std::forward<Values>(values)...));
    } else {
      outcome.set_value(std::forward<Values>(values)...);
    }
    return outcome;
  }

  std::shared_ptr<AsioLink<T>> link_;
};

/// An operation that starts when it is awaited.
template <class T, class Initiation, class... Args>
class [[nodiscard("co_await it")]] AsioOperation {
 public:
  template <class I, class... Values>
  explicit AsioOperation(I&& initiation, Values&&... args)
      : initiation_(std::forward<I>(initiation)), args_(std::forward<Values>(args)...) {}

  bool await_ready() {
    using Future = AsioFutureOn<T, decltype(executor_of(initiation_))>;
    auto future = modern::make_ref<Future>(modern::LoopCore::require_running(), initiation_);
    wait_.emplace(modern::Ref<modern::FutureCore>(future));
    try {
      AsioHandler<T> handler(future->start());
      std::apply([&](Args&... args) { std::move(initiation_)(std::move(handler), std::move(args)...); }, args_);
    } catch (...) {
      future->modern::FutureCore::cancel();  // nobody will ask for it
      throw;
    }
    return wait_->await_ready();
  }
  void await_suspend(modern::Resumable leaf) { wait_->await_suspend(leaf); }
  T await_resume() { return wait_->await_resume(); }

 private:
  Initiation initiation_;
  std::tuple<Args...> args_;
  std::optional<modern::FutureAwaiter<T>> wait_;
};

}  // namespace segue::bridge::bridge_detail
