#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <segue/bridge/c_emitter.hpp>

namespace segue::bridge::bridge_detail {
namespace {

struct Streams {
  std::mutex mutex;
  // Guarded:
  std::unordered_map<std::uintptr_t, std::shared_ptr<void>> states;
  std::uintptr_t last = 0;
};

Streams& all_streams() {
  static Streams* const streams = new Streams;  // tickets may be shown while the process ends
  return *streams;
}

std::uintptr_t number_of(void* ticket) noexcept { return reinterpret_cast<std::uintptr_t>(ticket); }

}  // namespace

void* CStreams::enter(std::shared_ptr<void> state) {
  Streams& streams = all_streams();
  const std::lock_guard lock(streams.mutex);
  const std::uintptr_t number = streams.last + 1;
  streams.states.emplace(number, std::move(state));
  streams.last = number;
  return reinterpret_cast<void*>(number);  // NOLINT(performance-no-int-to-ptr): it is never followed
}

std::shared_ptr<void> CStreams::find(void* ticket) noexcept {
  Streams& streams = all_streams();
  const std::lock_guard lock(streams.mutex);
  const auto found = streams.states.find(number_of(ticket));
  return found == streams.states.end() ? nullptr : found->second;
}

void CStreams::leave(void* ticket) noexcept {
  Streams& streams = all_streams();
  std::shared_ptr<void> state;  // outlives the lock: it may be the last emitter
  const std::lock_guard lock(streams.mutex);
  const auto found = streams.states.find(number_of(ticket));
  if (found == streams.states.end()) return;
  state = std::move(found->second);
  streams.states.erase(found);
}

}  // namespace segue::bridge::bridge_detail
