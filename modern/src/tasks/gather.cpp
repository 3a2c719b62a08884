#include <segue/modern/tasks/gather.hpp>

#include <utility>

#include <segue/exceptions.hpp>

namespace segue::modern::detail {

namespace {

/// A child's callback; keeps the gathering future alive while a child may still need it.
class ChildDone final : public DoneCallbackState {
 public:
  ChildDone(FutureCore& outer, GatherCore& gather) noexcept : outer_(&outer), gather_(gather) {}
  void call(FutureCore& child) override { gather_.child_done(child); }

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
  if (loop_ == nullptr) loop_ = &get_running_loop();
  return *loop_;
}

void GatherChildren::add_future(const Ref<FutureCore>& future) {
  if (loop_ != nullptr && &loop_->core() != &future->loop())
    throw ValueError("The future belongs to a different loop than the one specified as the loop argument");
  loop_ = &EventLoop::of(future->loop());
  futures.push_back(future);
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

void GatherCore::start() {
  if (children_.empty()) return collect();
  outer_.loop().observe(*this);
  const auto callback = make_ref<ChildDone>(outer_, *this);
  FutureCore* first_failed = nullptr;
  for (const auto& child : children_) {
    if (!child->done()) {
      child->add_callback(callback);
      continue;
    }
    ++finished_;
    if (child->cancelled() || child->failed()) {
      child->mark_retrieved();
      if (first_failed == nullptr) first_failed = child.get();
    }
  }
  if (first_failed != nullptr && !return_exceptions_) return fail(error_of(*first_failed));
  if (finished_ == total_) complete();
}

void GatherCore::child_done(FutureCore& child) {
  ++finished_;
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
  Ref<GatherSettled> state(new GatherSettled(loop, std::move(children), true));
  state->start();
  return Future<void>(Ref<FutureCore>(std::move(state)));
}

}  // namespace segue::modern::detail
