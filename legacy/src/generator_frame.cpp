#include <segue/legacy/detail/generator_frame.hpp>

#include <exception>
#include <new>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/detail/body.hpp>
#include <segue/let_go.hpp>
#include <segue/unraisable.hpp>

#include "line.hpp"
#include "unwinding.hpp"

namespace segue::legacy::legacy_detail {
namespace {

// How often a generator that is destroyed may answer GeneratorExit with another yield.
constexpr int close_attempts = 16;

constexpr const char* already_executing = "generator already executing";
constexpr const char* ignored_exit = "generator ignored GeneratorExit";

// A RuntimeError as a value; the bad_alloc instead, where there is no memory for it.
std::exception_ptr runtime_error(const char* message, std::exception_ptr cause = nullptr) noexcept {
  try {
    RuntimeError error(message);
    if (cause) return std::make_exception_ptr(from(std::move(error), std::move(cause)));
    return std::make_exception_ptr(std::move(error));
  } catch (const std::bad_alloc&) {
    return std::current_exception();
  }
}

void report(const GeneratorFrame& frame, std::exception_ptr error, const char* remark = "") noexcept {
  std::string object = "<generator>";
  try {
    object = frame.repr();
    if (const auto place = place_of(frame.origin())) {
      Line made;
      made << " (made at " << *place << ")";
      object += made.text();
    }
    object += remark;
  } catch (const std::bad_alloc&) {
    // The report has to do without the name.
  }
  report_unraisable(std::move(error), std::move(object));
}

// The owning handle of a frame that is let go of, which may have to wait for its turn.
class LastHandle {
 public:
  LastHandle() noexcept = default;
  explicit LastHandle(GeneratorFrame* frame) noexcept { take(frame); }
  LastHandle(LastHandle&& other) noexcept { take(std::exchange(other.frame_, nullptr)); }
  LastHandle& operator=(LastHandle&& other) noexcept {
    abandon();
    take(std::exchange(other.frame_, nullptr));
    return *this;
  }
  ~LastHandle() { abandon(); }

 private:
  void take(GeneratorFrame* frame) noexcept {
    frame_ = frame;
    if (frame != nullptr) frame->handle_ = &frame_;
  }
  void abandon() noexcept {
    if (frame_ != nullptr) std::exchange(frame_, nullptr)->abandon();
  }

  GeneratorFrame* frame_ = nullptr;
};

}  // namespace

void raise(std::exception_ptr error) {
  chain_context(error, std::current_exception());
  std::rethrow_exception(std::move(error));
}

void refuse_first_send() { throw TypeError("can't send non-None value to a just-started generator"); }

void refuse_ignored_exit() { throw RuntimeError(ignored_exit); }

void check_started_for_next(const GeneratorFrame& frame) {
  if (frame.started()) throw TypeError("next() has no value for this generator's yield: use send()");
}

// The end of run().

void GeneratorFrame::ended_by_exit() noexcept {
  error_ = std::current_exception();
  ending_ = Ending::exited;
}

void GeneratorFrame::ended_by_stop_iteration() noexcept {
  error_ = runtime_error("generator raised StopIteration", std::current_exception());
  ending_ = Ending::raised;
}

std::exception_ptr GeneratorFrame::take_error() {
  if (!error_ && ending_ == Ending::exited) return std::make_exception_ptr(GeneratorExit());
  return std::exchange(error_, nullptr);
}

void GeneratorFrame::ended_by_error() noexcept {
  error_ = std::current_exception();
  ending_ = Ending::raised;
}

// The links.

GeneratorFrame* GeneratorFrame::top() noexcept {
  GeneratorFrame* frame = this;
  while (frame->owner_ != nullptr) frame = frame->owner_;
  return frame;
}

bool GeneratorFrame::running() const noexcept {
  return started() && !finished() && const_cast<GeneratorFrame*>(this)->top()->leaf_ == nullptr;
}

GeneratorFrame* GeneratorFrame::find_leaf() noexcept {
  GeneratorFrame* frame = this;
  for (GeneratorFrame* below; (below = frame->delegate()) != nullptr && below->owner_ == frame;) frame = below;
  return frame;
}

void GeneratorFrame::detach() noexcept {
  if (owner_ == nullptr) return;
  top()->leaf_ = owner_;
  owner_ = nullptr;
  leaf_ = find_leaf();
}

// Gives the leaf of `sub`, to be resumed at once: the chain of `sub` counts as running from here on.
GeneratorFrame* GeneratorFrame::attach(GeneratorFrame& sub) {
  if (sub.running()) throw ValueError(already_executing);
  sub.detach();
  sub.owner_ = this;
  return std::exchange(sub.leaf_, nullptr);
}

Delegation::Delegation(GeneratorFrame& delegator, const void* object) noexcept
    : delegator_(delegator), outer_(std::exchange(delegator.delegation_, this)), object_(object) {}

Delegation::~Delegation() {
  delegator_.delegation_ = outer_;
  GeneratorFrame* const sub = delegate_;
  if (sub == nullptr) return;
  unlink();
  if (sub->owner_ == &delegator_) {
    sub->owner_ = nullptr;
    if (!sub->finished()) sub->leaf_ = sub->find_leaf();
  }
  if (sub->handle_ == nullptr && sub->sharers_ == nullptr) sub->abandon();
}

void Delegation::link(GeneratorFrame& delegate) noexcept {
  delegate_ = &delegate;
  next_ = std::exchange(delegate.sharers_, this);
  if (next_ != nullptr) next_->link_ = &next_;
  link_ = &delegate.sharers_;
}

void Delegation::unlink() noexcept {
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  delegate_ = nullptr;
}

const void* Delegation::id() const noexcept {
  return delegate_ != nullptr && !delegate_->finished() ? delegate_ : object_;
}

// Resuming.

GeneratorFrame* GeneratorFrame::claim() {
  if (finished()) return nullptr;
  if (running()) throw ValueError(already_executing);
  detach();
  return leaf_;
}

GeneratorFrame* GeneratorFrame::settle(GeneratorFrame* leaf) noexcept {
  while (leaf != this) {
    leaf = leaf->owner_;
    if (void* const tip = leaf->resume()) return static_cast<GeneratorFrame*>(tip);
  }
  return nullptr;
}

GeneratorFrame* GeneratorFrame::go_on(GeneratorFrame* leaf) noexcept {
  void* const tip = leaf->resume();
  return tip != nullptr ? static_cast<GeneratorFrame*>(tip) : settle(leaf);
}

void GeneratorFrame::signal(Signal signal, std::exception_ptr error) noexcept {
  sent_ = reinterpret_cast<void*>(signal);
  error_ = std::move(error);
}

// Ends a suspended frame by GeneratorExit. Without the exception where no one would see it: where it would run nothing,
// the stack is left as it is; where it would run destructors alone, they are run in one pass instead of two. Gives what
// resume() gives.
GeneratorFrame* GeneratorFrame::exit() noexcept {
  auto unwinding = Unwinding::anything;
  if (!sanitized && delegation_ == nullptr) unwinding = find_unwinding(context(), body_return_, this);
  if (unwinding == Unwinding::nothing) {
    destroy_body();
    ending_ = Ending::exited;
    forget_stack();
    return nullptr;
  }
  if (unwinding == Unwinding::cleanups) {
    unwinding_ = {};
    unwinds_next_ = 0;
    ++exceptions().uncaught;
    signal(unwind_signal);
  } else {
    signal(close_signal);
  }
  return resume_to_exit();
}

GeneratorFrame* GeneratorFrame::resume_to_exit() noexcept {
  const Nesting elsewhere(Nesting::another);
  return static_cast<GeneratorFrame*>(resume());
}

// Closes the frames from `leaf` up to the one below this. Gives what this one has to raise instead of GeneratorExit, or
// null.
std::exception_ptr GeneratorFrame::close_below(GeneratorFrame* leaf) noexcept {
  std::exception_ptr error;
  while (leaf != this) {
    GeneratorFrame* tip = nullptr;
    if (error) {
      leaf->signal(raise_signal, std::exchange(error, nullptr));
      tip = static_cast<GeneratorFrame*>(leaf->resume());
    } else {
      tip = leaf->exit();
    }
    if (tip != nullptr) {
      error = runtime_error(ignored_exit);
      // The context is what the frame above handles, which raises it.
      if (auto* const raised = exception_ptr_cast<BaseException>(error)) raised->set_context(nullptr);
    } else if (leaf->ending_ == Ending::raised) {
      error = std::move(leaf->error_);
    }
    leaf = leaf->owner_;
  }
  return error;
}

GeneratorFrame* GeneratorFrame::close(GeneratorFrame* leaf) noexcept {
  if (std::exception_ptr error = close_below(leaf)) {
    signal(raise_signal, std::move(error));
    return go_on(this);
  }
  return exit();
}

GeneratorFrame* GeneratorFrame::throw_in(GeneratorFrame* leaf, std::exception_ptr error) noexcept {
  if (leaf != this && holds<GeneratorExit>(error)) {
    std::exception_ptr instead = close_below(leaf);
    signal(raise_signal, instead ? std::move(instead) : std::move(error));
    return go_on(this);
  }
  leaf->signal(throw_signal, std::move(error));
  return go_on(leaf);
}

void GeneratorFrame::abandon() noexcept {
  handle_ = nullptr;
  // It cannot be closed while it runs: whoever drives it, or delegates to it, calls this again when it has suspended or
  // ended.
  if (running()) return;
  if (started() && !finished()) {
    detach();
    int ignored = 0;
    while (ignored < close_attempts && (leaf_ = close(std::exchange(leaf_, nullptr))) != nullptr) ++ignored;
    if (ignored != 0) {
      report(*this, runtime_error(ignored_exit), finished() ? "" : " (given up: its stack is lost)");
    }
    if (!finished()) return forget_sharers();
    if (ending_ == Ending::raised) report(*this, error_);
  }
  destroy();
}

void GeneratorFrame::let_go(GeneratorFrame& frame) noexcept {
  using Here = segue_detail::LettingGo<LastHandle>;
  if (Here::depth >= Here::deepest) [[unlikely]]
    return segue_detail::let_go_in_turn(LastHandle(&frame));
  frame.abandon();
}

Nesting::Nesting(Stack stack) noexcept : outside_(segue_detail::LettingGo<LastHandle>::depth) {
  segue_detail::LettingGo<LastHandle>::depth = stack == another ? 0 : outside_ + 1;
}

Nesting::~Nesting() { segue_detail::LettingGo<LastHandle>::depth = outside_; }

void GeneratorFrame::destroy() noexcept {
  forget_sharers();
  destroy_fiber(this);
}

void GeneratorFrame::forget_sharers() noexcept {
  while (sharers_ != nullptr) sharers_->unlink();
}

std::string GeneratorFrame::repr() const { return "<generator object " + (name_.empty() ? body_name() : name_) + ">"; }

// The body's side.

std::exception_ptr GeneratorFrame::take_signalled() {
  const auto signal = static_cast<Signal>(reinterpret_cast<std::uintptr_t>(std::exchange(sent_, nullptr)));
  if (signal == close_signal) return std::make_exception_ptr(GeneratorExit());
  return std::exchange(error_, nullptr);
}

void GeneratorFrame::raise_error_signalled() { raise(take_signalled()); }

// The unwinder calls this for each frame from the yield up, and again for one whose destructors have run. All
// destructors up to run() are to run; where none are left, the fiber ends here, and the walk with it.
constinit const _Unwind_Stop_Fn GeneratorFrame::unwind_further = [](int, _Unwind_Action, _Unwind_Exception_Class,
                                                                    _Unwind_Exception*, _Unwind_Context* context,
                                                                    void* self) -> _Unwind_Reason_Code {
  auto& frame = *static_cast<GeneratorFrame*>(self);
  if (_Unwind_GetCFA(context) < frame.unwinds_next_) return _URC_NO_REASON;
  frame.unwinds_next_ = find_next_unwinding(*context, frame.body_return_, &frame);
  if (frame.unwinds_next_ != reinterpret_cast<std::uintptr_t>(&frame)) return _URC_NO_REASON;
  --thread_exception_state().uncaught;
  frame.ending_ = Ending::exited;
  frame.destroy_body();
  frame.finish();
  __builtin_unreachable();
};

bool GeneratorFrame::delegate_to(GeneratorFrame& sub, Delegation& delegation, std::exception_ptr& thrown) {
  GeneratorFrame* leaf = attach(sub);
  delegation.link(sub);
  GeneratorFrame* tip = sub.go_on(leaf);
  while (tip != nullptr) {
    suspend(tip);
    GeneratorFrame* const delegate = delegation.delegate();
    if (sent_ == nullptr && delegate != nullptr && delegate->owner_ == this && delegate->finished()) break;
    if (reinterpret_cast<std::uintptr_t>(sent_) == raise_signal) raise_signalled();
    if (delegate == nullptr || delegate->finished()) {
      if (sent_ != nullptr && is_signal(sent_)) {
        thrown = take_signalled();
      } else {
        sent_ = nullptr;
      }
      return false;
    }
    // Its chain was cut off from this frame, so that what was meant for its leaf came here.
    void* const sent = std::exchange(sent_, nullptr);
    std::exception_ptr error = std::exchange(error_, nullptr);
    leaf = attach(*delegate);  // which throws where the chain runs: then nobody raises what came
    tip = forward(*delegate, sent, leaf, std::move(error));
  }
  sub.owner_ = nullptr;
  return true;
}

GeneratorFrame* GeneratorFrame::forward(GeneratorFrame& sub, void* sent, GeneratorFrame* leaf,
                                        std::exception_ptr error) {
  if (sent == nullptr || !is_signal(sent)) {
    leaf->sent_ = sent;
    return sub.go_on(leaf);
  }
  if (reinterpret_cast<std::uintptr_t>(sent) == close_signal) {
    close_and_raise(sub, leaf, std::make_exception_ptr(GeneratorExit()));
  }
  if (holds<GeneratorExit>(error)) close_and_raise(sub, leaf, std::move(error));
  return sub.throw_in(leaf, std::move(error));
}

void GeneratorFrame::close_and_raise(GeneratorFrame& sub, GeneratorFrame* leaf, std::exception_ptr error) {
  if (sub.close(leaf) != nullptr) throw RuntimeError(ignored_exit);
  raise(sub.ending_ == Ending::raised ? std::move(sub.error_) : std::move(error));
}

}  // namespace segue::legacy::legacy_detail
