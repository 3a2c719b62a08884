#include <segue/modern/tasks/gather.hpp>

#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>

namespace segue::modern::detail {

namespace {

/// A child's callback; keeps the gathering future alive while a child may still need it.
class ChildDone final : public DoneCallbackState {
 public:
  ChildDone(FutureCore& outer, GatherCore& gather) noexcept : outer_(&outer), gather_(gather) {}
  void call(FutureCore& child) override { gather_.child_done(child); }
  FutureCore* on_behalf_of() const noexcept override { return outer_.get(); }

 private:
  Ref<FutureCore> outer_;
  GatherCore& gather_;
};

class GatherSettled final : public GatherState<void> {
 public:
  using GatherState::GatherState;

 private:
  void collect() override { set_result(); }
};

}  // namespace

EventLoop& GatherChildren::loop() {
  if (loop_ == nullptr) loop_ = &get_event_loop();
  return *loop_;
}

void GatherChildren::add_future(const Ref<FutureCore>& future) {
  futures.push_back(future);  // before anything fails: a view's function may have started it
  if (loop_ != nullptr && &loop_->core() != &future->loop())
    throw ValueError("The future belongs to a different loop than the one specified as the loop argument");
  loop_ = &EventLoop::of(future->loop());
}

void GatherChildren::add_task(FutureCore& task) {
  task.task()->expect_destruction();  // nobody else can care for it
  futures.emplace_back(&task);
}

bool GatherChildren::add_again(const Awaited& key) {
  const auto found = seen_.find(key);
  if (found == seen_.end()) return false;
  futures.emplace_back(found->second);
  return true;
}

void KeptView::stay_for(std::vector<Ref<FutureCore>>&& started) noexcept {
  started_ = std::move(started);
  wait_for_next();
}

// For one after the other, each of which is asked for a place when the one before it is done: as a rule that takes no
// memory.
void KeptView::wait_for_next() noexcept {
  while (!started_.empty()) {
    const Ref<FutureCore> next = std::move(started_.back());
    started_.pop_back();
    if (next->done()) continue;
    try {
      return next->add_callback(Ref<DoneCallbackState>(this));
    } catch (...) {  // there is none: it stays as long as the loop
    }
    retain();
    next->loop().observe(*this);
    return;
  }
}

void KeptView::loop_ended() noexcept {
  started_.clear();
  release();
}

void GatherCore::start(std::vector<Ref<FutureCore>>& children, Ref<KeptView> view) {
  if (children.empty()) return collect();
  const auto callback = make_ref<ChildDone>(outer_, *this);
  ScopeExit withdraw([&]() noexcept {
    for (const auto& child : children) child->remove_callback(*callback);
  });
  for (const auto& child : children)
    if (!child->done()) child->add_callback(callback);
  withdraw.release();

  children_ = std::move(children);
  total_ = children_.size();
  outer_.loop().observe(*this);
  FutureCore* first_failed = nullptr;
  for (const auto& child : children_) {
    if (!child->done()) continue;
    ++finished_;
    if (child->cancelled() || child->failed()) {
      child->mark_retrieved();
      if (first_failed == nullptr) first_failed = child.get();
    }
  }
  if (finished_ < total_) view_ = std::move(view);
  if (first_failed != nullptr && !return_exceptions_) return fail(error_of(*first_failed));
  if (finished_ == total_) complete();
}

void GatherCore::child_done(FutureCore& child) {
  ++finished_;
  const Ref<KeptView> no_longer_needed = finished_ == total_ ? std::move(view_) : nullptr;
  child.mark_retrieved();
  if (outer_.done()) return;
  if (!return_exceptions_ && (child.cancelled() || child.failed())) return fail(error_of(child));
  if (finished_ < total_) return;
  if (cancel_requested_) return fail(children_.back()->make_cancelled_error());
  completing_ = &child;
  complete();
}

void GatherCore::complete() {
  try {
    collect();
  } catch (...) {
    return fail(std::current_exception());
  }
  release_children();
}

std::exception_ptr GatherCore::error_of(FutureCore& child) {
  return child.cancelled() ? child.make_cancelled_error() : child.exception();
}

void GatherCore::fail(std::exception_ptr error) {
  outer_.set_exception(std::move(error));
  release_children();
}

void GatherCore::release_children() noexcept {
  unlink();
  children_.clear();
}

void GatherCore::loop_ended() noexcept {
  const Ref<FutureCore> keep(&outer_);
  const std::vector<Ref<FutureCore>> children = std::move(children_);
  const Ref<KeptView> view = std::move(view_);
}

bool GatherCore::is_last_reference(const FutureCore& child) const noexcept {
  return child.references() == (&child == completing_ ? 2U : 1U);
}

std::exception_ptr GatherCore::exception_in_result(FutureCore& child) {
  if (child.cancelled()) return std::make_exception_ptr(CancelledError(child.cancel_message().value_or("")));
  return child.exception();
}

Future<void> gather_settled(const std::vector<AnyTask>& tasks) {
  GatherChildren children;
  for (const AnyTask& task : tasks) children.futures.push_back(task.state());
  EventLoop& loop = tasks.empty() ? get_running_loop() : tasks.front().get_loop();
  Ref<GatherSettled> state(new GatherSettled(loop, true));
  state->start(children.futures, nullptr);
  return Future<void>(Ref<FutureCore>(std::move(state)));
}

}  // namespace segue::modern::detail
