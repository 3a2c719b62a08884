// LoopCore: what every primitive needs of the loop that it belongs to. It keeps what is to run next, the timers and the
// tasks, and knows nothing of sockets, threads or the way in which a loop waits: EventLoop adds these.
//
// What is scheduled here runs once, in the order in which it was scheduled, in the loop's thread. All of it belongs to
// that thread, but for the mailbox.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include <segue/modern/kernel/context_slot.hpp>
#include <segue/modern/kernel/exception_context.hpp>
#include <segue/modern/kernel/list.hpp>
#include <segue/modern/kernel/loop_observer.hpp>
#include <segue/modern/kernel/mailbox.hpp>
#include <segue/modern/kernel/origin.hpp>
#include <segue/modern/kernel/ready_queue.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/kernel/schedule.hpp>
#include <segue/modern/kernel/timer_heap.hpp>

namespace segue::modern {

class AsyncGeneratorCore;
class TaskCore;

class LoopCore : public RefCounted {
 public:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;

  /// The loop that runs in this thread; null where none does.
  static LoopCore* running() noexcept { return running_; }
  /// Whether one does. Not in a child that was forked while one ran: that is its parent's, and the child may run one.
  static bool is_any_running() noexcept;
  /// The same as running(). RuntimeError("no running event loop") where none does.
  static LoopCore& require_running() {
    if (running_ == nullptr) [[unlikely]]
      refuse_without_loop();
    return *running_;
  }

  /// The loop's clock: monotonic; virtual under a ManualReactor.
  virtual time_point time() const noexcept = 0;
  /// Tells the loop's exception handler about an error that has no caller to go to. An error in the handler itself is
  /// logged, never thrown; but KeyboardInterrupt and SystemExit pass.
  virtual void call_exception_handler(const ExceptionContext& context) = 0;
  virtual void default_exception_handler(const ExceptionContext& context) noexcept = 0;
  /// Whether a task that is made without saying so begins eagerly.
  virtual bool begins_tasks_eagerly() = 0;

  /// Which loop it is, among all of the program's: above zero, and never another one's.
  std::uint64_t id() const noexcept { return id_; }
  bool is_running() const noexcept { return thread_.load(std::memory_order_relaxed) != nullptr; }
  bool is_closed() const noexcept { return closed_; }
  void set_debug(bool enabled) noexcept;
  bool get_debug() const noexcept { return debug_; }
  /// In debug mode, what a callback or a task's step may take without being warned of (on the loop's clock): a tenth of
  /// a second.
  std::chrono::duration<double> slow_callback_duration{0.1};

  /// Where the callback that runs now was given to the loop; null where none runs, or debug mode is off.
  const Origin* running_handle() const noexcept { return running_handle_; }
  void set_running_handle(const Origin* handle) noexcept { running_handle_ = handle; }

  /// RuntimeError where the loop is closed or, in debug mode, where this is another loop's thread.
  void check_usable() const {
    if (closed_ || debug_) [[unlikely]]
      check_usable_slow();
  }

  /// Runs `node` in the next iteration: once, by exactly one of its run() and drop().
  void schedule(Ready& node) noexcept { ready_.push(node); }
  /// The same for what is new, as call_soon() does: behind what other threads posted before it.
  void schedule_new(Ready& node) noexcept {
    if (has_posted_.load(std::memory_order_acquire)) [[unlikely]]
      collect_posted();
    ready_.push(node);
  }
  /// The same for the handler of a signal, in the loop's thread, where nothing else is allowed. Not while the node of
  /// another signal is on its way.
  void schedule_from_signal(Ready& node) noexcept {
    from_signal_.store(&node, std::memory_order_relaxed);
    has_posted_.store(true, std::memory_order_release);
    wake();
  }
  /// The way in from other threads, for who may come when the loop is gone.
  const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }

  /// Runs `timer` at `when`, after what is due earlier.
  void add_timer(Timer& timer, time_point when) { timers_.add(timer, when); }
  /// `timer` will not run, unless it is in the ready queue already.
  void cancel_timer(Timer& timer) noexcept { timers_.cancel(timer); }

  /// Keeps a task alive until it is done, and closes it where the loop goes away before.
  void add_task(TaskCore& task) noexcept;
  void remove_task(TaskCore& task) noexcept;
  /// The tasks that are not done, oldest first.
  const List<TaskCore>& tasks() const noexcept { return tasks_; }

  /// A number for a new task of its, which tells that from those that had its address before.
  std::uint32_t next_task_serial() noexcept { return ++last_task_serial_; }

  /// The async generators that have begun in it and not ended, oldest first. Each leaves by itself.
  const List<AsyncGeneratorCore>& async_generators() const noexcept { return async_generators_; }
  void add_async_generator(AsyncGeneratorCore& generator);
  /// From now on, one that begins is warned of: nobody will close it.
  void expect_no_more_async_generators() noexcept { async_generators_closed_ = true; }

  /// What chooses among orders that are left open; null for nothing. It outlives the loop's use of it.
  Schedule* schedule_of_choices() const noexcept { return choices_; }
  void set_schedule_of_choices(Schedule* choices) noexcept;

  /// Tells `observer` when the loop goes away.
  void observe(LoopObserver& observer) noexcept { observers_.push_back(observer); }
  /// Tells it when the loop is closed.
  void observe_close(LoopObserver& observer) noexcept { close_observers_.push_back(observer); }

 protected:
  LoopCore();
  ~LoopCore() override { track_origins(false); }

  /// Ends the wait for events. Called in any thread, which keeps the loop from being closed meanwhile.
  virtual void wake() noexcept = 0;

  /// Makes the loop this thread's running one, as long as it lives.
  class Running {
   public:
    explicit Running(LoopCore& loop) noexcept;
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running();

   private:
    const ContextSlot::Current outside_of_callbacks_{nullptr};
    const Ref<LoopCore> loop_;
    LoopCore* const parents_;  // null but in a forked child
    const int parents_process_;
  };

  /// Calls `change` while no other thread posts, or wakes the loop.
  template <class Change>
  void between_posts(Change change) {
    const std::lock_guard lock(mailbox_->mutex_);
    change();
  }

  bool has_ready() const noexcept { return !ready_.empty(); }
  /// Takes over what other threads have posted.
  void collect_posted() noexcept;
  void collect_posted_if_any() noexcept {
    if (has_posted_.load(std::memory_order_acquire)) [[unlikely]]
      collect_posted();
  }
  /// When the next timer is due; time_point::max() where there is none.
  time_point next_timer() noexcept { return timers_.next(); }
  /// Queues the timers that are due.
  void collect_timers() noexcept {
    if (!timers_.empty()) timers_.collect(time(), ready_);
  }
  /// Runs what is queued now, and nothing that is queued meanwhile. What an escaping exception leaves unrun stays
  /// queued, at the front.
  [[gnu::always_inline]] void run_ready() {
    ReadyQueue::Batch batch(ready_);
    while (Ready* const node = batch.pop()) node->run();
  }
  /// run_ready() in debug mode: what takes long is warned of.
  void run_ready_in_debug();
  /// Nothing runs any more: drops all that is scheduled, and tells those who observe that.
  void close_core() noexcept;
  /// Closes the coroutines of the tasks that are still pending and reports each; then tells the observers.
  void destroy_pending_tasks() noexcept;

  ReadyQueue ready_;

 private:
  friend Mailbox;

  // Called with the mailbox locked.
  void posted() noexcept {
    has_posted_.store(true, std::memory_order_release);
    wake();
  }
  void check_usable_slow() const;
  void track_origins(bool wanted) noexcept;
  [[noreturn]] static void refuse_without_loop();

  static constinit inline thread_local LoopCore* running_ = nullptr;
  static constinit inline thread_local int running_process_ = 0;  // the process in which that was set

  TimerHeap timers_;
  List<TaskCore> tasks_;  // the pending ones, each of which the loop keeps alive
  List<LoopObserver, LoopObserver> observers_;
  List<LoopObserver, LoopObserver> close_observers_;
  List<AsyncGeneratorCore> async_generators_;
  bool async_generators_closed_ = false;
  std::atomic<LoopCore**> thread_ = nullptr;  // of the one that runs the loop, the address of its running_
  Schedule* choices_ = nullptr;
  bool closed_ = false;
  bool debug_ = false;
  bool tracks_origins_ = false;
  std::uint32_t last_task_serial_ = 0;
  const Origin* running_handle_ = nullptr;

  const std::shared_ptr<Mailbox> mailbox_;
  const std::uint64_t id_;
  std::atomic<bool> has_posted_ = false;  // set with the mailbox locked, or by a signal
  std::atomic<Ready*> from_signal_ = nullptr;
};

}  // namespace segue::modern
