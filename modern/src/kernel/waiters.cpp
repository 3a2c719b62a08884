#include <segue/modern/kernel/waiters.hpp>

#include <algorithm>
#include <unordered_map>

#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/task_core.hpp>

#include "kernel/call_of_user.hpp"

namespace segue::modern {

// --- done callbacks ---

namespace {

void call_back(DoneCallbackState& callback, FutureCore& done, ContextSlot& context) {
  const ContextSlot::Current in_context(&context);
  call_of_user(done.loop(), [&] { callback.call(done); }, [&] { return callback.callable(); });
}

}  // namespace

std::function<std::string()> DoneCallbackState::deferred_repr() {
  return [given = callable()] { return repr_of_handle(given); };
}

DoneCallbackState::DoneCallbackState() noexcept = default;
DoneCallbackState::~DoneCallbackState() = default;

Ref<FutureCore> DoneCallbackState::leave_queue() noexcept {
  taken_ = false;
  return std::move(done_);
}

void DoneCallbackState::run() {
  const auto keep = Ref<DoneCallbackState>::adopt(this);
  const Ref<FutureCore> future = leave_queue();
  ContextSlot context = std::move(context_);  // it may be added again meanwhile
  call_back(*this, *future, context);
}

void DoneCallbackState::drop() noexcept {
  const auto keep = Ref<DoneCallbackState>::adopt(this);
  const ContextSlot ended = std::move(context_);
  const Ref<FutureCore> future = leave_queue();
}

ExtraCall::ExtraCall(Ref<DoneCallbackState> callback, ContextSlot context) noexcept
    : callback_(std::move(callback)), context_(std::move(context)) {}
ExtraCall::~ExtraCall() = default;

void ExtraCall::run() {
  const std::unique_ptr<ExtraCall> end(this);
  call_back(*callback_, *done_, context_);
}

Waiter::Waiter(Ref<DoneCallbackState> callback, ContextSlot context) {
  if (callback->taken_) {
    word_ = reinterpret_cast<std::uintptr_t>(new ExtraCall(std::move(callback), std::move(context))) | is_extra;
  } else {
    callback->taken_ = true;
    callback->context_ = std::move(context);
    word_ = reinterpret_cast<std::uintptr_t>(callback.detach()) | is_callback;
  }
}

void Waiter::leave() noexcept {
  if ((word_ & is_extra) != 0) {
    delete extra();
  } else {
    callback()->taken_ = false;
    const ContextSlot ended = std::move(callback()->context_);  // whose values may lead back to it
    callback()->release();
  }
}

void Waiter::schedule(FutureCore& future) && noexcept {
  if (TaskCore* const waiting = task()) return waiting->wake();
  if ((word_ & is_extra) != 0) {
    extra()->done_ = &future;
    future.loop().schedule_new(*extra());
  } else {
    callback()->done_ = &future;
    future.loop().schedule_new(*callback());
  }
  word_ = 0;
}

// --- waiters ---

// Of each waiter in the array by its id. The same one may be there several times.
struct Waiters::Places : std::unordered_multimap<std::uintptr_t, std::uint32_t> {};

namespace {

constexpr std::uint32_t first_capacity = 3;
constexpr std::uint32_t worth_an_index = 64;

}  // namespace

void Waiters::FreeMore::operator()(More* more) const noexcept {
  std::destroy(more->begin(), more->end());
  delete more->places;
  ::operator delete(more);
}

// The empty ones are left out.
void Waiters::grow() {
  const std::size_t kept = !more_ ? 0 : more_->places != nullptr ? more_->places->size() : more_->count;
  const auto capacity = std::max(first_capacity, static_cast<std::uint32_t>(kept * 2));
  MorePointer larger(::new (::operator new(sizeof(More) + capacity * sizeof(Waiter))) More{0, capacity, nullptr});
  if (more_) {
    for (Waiter& each : *more_)
      if (each) ::new (larger->begin() + larger->count++) Waiter(std::move(each));
  }
  more_ = std::move(larger);
}

void Waiters::note_place(std::uintptr_t id) { more_->places->emplace(id, more_->count); }

Waiters::Places* Waiters::find_places(More& more) noexcept {
  if (more.places != nullptr || more.count < worth_an_index) return more.places;
  try {
    auto places = std::make_unique<Places>();
    places->reserve(more.count);
    for (std::uint32_t i = 0; i < more.count; ++i) places->emplace(more.begin()[i].id(), i);
    more.places = places.release();
  } catch (...) {  // no memory: they are searched
  }
  return more.places;
}

std::size_t Waiters::remove(std::uintptr_t id) noexcept {
  Waiter removed;  // destroyed when all is in order again: what a callback captured may come back here
  std::size_t count = 0;
  const auto take = [&](Waiter& waiter) {
    if (removed) {
      waiter = Waiter();
    } else {
      removed = std::move(waiter);
    }
    ++count;
  };
  if (first_.id() == id) take(first_);
  if (!more_) return count;
  if (Places* const places = find_places(*more_)) {
    const auto [begin, end] = places->equal_range(id);
    for (auto place = begin; place != end; ++place) take(more_->begin()[place->second]);
    places->erase(begin, end);
    if (places->empty()) more_ = nullptr;
    return count;
  }
  for (Waiter& each : *more_)
    if (each.id() == id) take(each);
  Waiter* const kept = std::remove_if(more_->begin(), more_->end(), [](const Waiter& each) { return !each; });
  std::destroy(kept, more_->end());
  more_->count = static_cast<std::uint32_t>(kept - more_->begin());
  if (more_->count == 0) more_ = nullptr;
  return count;
}

}  // namespace segue::modern
