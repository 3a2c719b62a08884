#include <segue/modern/tasks/shield.hpp>

#include <memory>
#include <string>

#include <segue/exception_ptr.hpp>
#include <segue/modern/loop/event_loop.hpp>

namespace segue::modern::detail {

namespace {

/// Reports a failure that nobody waits for any more.
class ReportFailure final : public DoneCallbackState {
 public:
  void call(FutureCore& future) override {
    if (future.cancelled()) return;
    const std::exception_ptr error = future.exception();
    if (!error) return;
    ExceptionContext context;
    context.message = describe(error).type + " exception in shielded future";
    context.exception = error;
    context.future = future.repr();
    future.loop().call_exception_handler(context);
  }

  /// One for the thread, so that a future which was shielded twice reports once.
  static const Ref<DoneCallbackState>& shared() {
    thread_local const Ref<DoneCallbackState> one(new ReportFailure());
    return one;
  }
};

class InnerDone;

/// Where the outer one's callback finds the inner one; empty when that is gone.
struct ShieldLink {
  FutureCore* inner = nullptr;
  InnerDone* callback = nullptr;
};

/// The inner future's callback. The inner one keeps the outer one alive, but not the other way round.
class InnerDone final : public DoneCallbackState {
 public:
  InnerDone(FutureCore& inner, Ref<FutureCore> outer, void (*copy)(FutureCore&, FutureCore&))
      : outer_(std::move(outer)), copy_(copy), link_(std::make_shared<ShieldLink>(ShieldLink{&inner, this})) {}
  InnerDone(const InnerDone&) = delete;
  InnerDone& operator=(const InnerDone&) = delete;
  ~InnerDone() override { *link_ = {}; }

  const std::shared_ptr<ShieldLink>& link() const noexcept { return link_; }

  void call(FutureCore& inner) override {
    if (outer_->done()) return;
    if (inner.cancelled()) {
      outer_->cancel();
    } else if (const std::exception_ptr error = inner.exception()) {
      outer_->set_exception(error);
    } else {
      copy_(inner, *outer_);
    }
  }
  FutureCore* on_behalf_of() const noexcept override { return outer_.get(); }

 private:
  Ref<FutureCore> outer_;
  void (*copy_)(FutureCore&, FutureCore&);
  std::shared_ptr<ShieldLink> link_;
};

class OuterDone final : public DoneCallbackState {
 public:
  explicit OuterDone(std::shared_ptr<ShieldLink> link) noexcept : link_(std::move(link)) {}

  void call(FutureCore&) override {
    if (link_->inner == nullptr || link_->inner->done()) return;
    FutureCore& inner = *link_->inner;
    inner.remove_callback(*link_->callback);
    inner.remove_callback(*ReportFailure::shared());
    inner.add_callback(ReportFailure::shared());
  }

 private:
  std::shared_ptr<ShieldLink> link_;
};

}  // namespace

void connect_shield(const Ref<FutureCore>& inner, const Ref<FutureCore>& outer,
                    void (*copy_result)(FutureCore& inner, FutureCore& outer)) {
  auto inner_done = make_ref<InnerDone>(*inner, outer, copy_result);
  outer->add_callback(make_ref<OuterDone>(inner_done->link()));
  inner->add_callback(std::move(inner_done));
}

}  // namespace segue::modern::detail
