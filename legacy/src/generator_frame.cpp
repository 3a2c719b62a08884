#include <segue/legacy/detail/generator_frame.hpp>

#include <exception>
#include <new>
#include <utility>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/legacy/detail/body.hpp>
#include <segue/unraisable.hpp>

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
    return std::make_exception_ptr(from(RuntimeError(message), std::move(cause)));
  } catch (const std::bad_alloc&) {
    return std::current_exception();
  }
}

void report(const GeneratorFrame& frame, std::exception_ptr error, const char* remark = "") noexcept {
  std::string object = "<generator>";
  try {
    object = frame.repr() + remark;
  } catch (const std::bad_alloc&) {
    // The report has to do without the name.
  }
  report_unraisable(std::move(error), std::move(object));
}

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
  while (frame->delegate_ != nullptr && frame->delegate_->owner_ == frame) frame = frame->delegate_;
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
  if (delegate_ != &sub) link_delegate(sub);
  sub.owner_ = this;
  return std::exchange(sub.leaf_, nullptr);
}

void GeneratorFrame::link_delegate(GeneratorFrame& sub) noexcept {
  delegate_ = &sub;
  next_sharer_ = sub.sharers_;
  sub.sharers_ = this;
}

GeneratorFrame* GeneratorFrame::drop_delegate() noexcept {
  GeneratorFrame* const sub = std::exchange(delegate_, nullptr);
  if (sub == nullptr) return nullptr;
  GeneratorFrame** link = &sub->sharers_;
  while (*link != this) link = &(*link)->next_sharer_;
  *link = std::exchange(next_sharer_, nullptr);
  if (sub->owner_ != this) return nullptr;
  sub->owner_ = nullptr;
  if (!sub->finished()) sub->leaf_ = sub->find_leaf();
  return sub;
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
  const bool delegates = delegate_ != nullptr || foreign_delegate_ != nullptr;
  auto unwinding = Unwinding::anything;
  if (!sanitized && !delegates) unwinding = find_unwinding(context(), body_return_, this);
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

void GeneratorFrame::destroy() noexcept {
  forget_sharers();
  destroy_fiber(this);
}

void GeneratorFrame::forget_sharers() noexcept {
  while (sharers_ != nullptr) {
    GeneratorFrame* const sharer = std::exchange(sharers_, sharers_->next_sharer_);
    sharer->delegate_ = nullptr;
    sharer->next_sharer_ = nullptr;
  }
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

bool GeneratorFrame::delegate_to(GeneratorFrame& sub, std::exception_ptr& thrown) {
  struct Dropping {
    GeneratorFrame& frame;
    bool outcome_wanted = false;
    ~Dropping() {
      GeneratorFrame* const sub = frame.drop_delegate();
      if (sub != nullptr && sub->handle_ == nullptr && !outcome_wanted) sub->abandon();
    }
  } dropping{*this};
  GeneratorFrame* leaf = attach(sub);
  GeneratorFrame* tip = sub.go_on(leaf);
  while (tip != nullptr) {
    suspend(tip);
    if (sent_ == nullptr && delegate_ != nullptr && delegate_->owner_ == this && delegate_->finished()) break;
    const auto signal = reinterpret_cast<std::uintptr_t>(sent_);
    if (signal == raise_signal || signal == unwind_signal) raise_signalled();  // the latter where its delegate has gone
    if (delegate_ == nullptr || delegate_->finished()) {
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
    leaf = attach(*delegate_);  // which throws where the chain runs: then nobody raises what came
    tip = forward(sent, leaf, std::move(error));
  }
  dropping.outcome_wanted = true;
  return true;
}

GeneratorFrame* GeneratorFrame::forward(void* sent, GeneratorFrame* leaf, std::exception_ptr error) {
  if (sent == nullptr || !is_signal(sent)) {
    leaf->sent_ = sent;
    return delegate_->go_on(leaf);
  }
  if (reinterpret_cast<std::uintptr_t>(sent) == close_signal) {
    close_delegate_and_raise(leaf, std::make_exception_ptr(GeneratorExit()));
  }
  if (holds<GeneratorExit>(error)) close_delegate_and_raise(leaf, std::move(error));
  return delegate_->throw_in(leaf, std::move(error));
}

void GeneratorFrame::close_delegate_and_raise(GeneratorFrame* leaf, std::exception_ptr error) {
  GeneratorFrame& sub = *delegate_;
  if (sub.close(leaf) != nullptr) throw RuntimeError(ignored_exit);
  raise(sub.ending_ == Ending::raised ? std::move(sub.error_) : std::move(error));
}

}  // namespace segue::legacy::legacy_detail
