#include <segue/legacy/unraisable.hpp>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include <segue/exceptions.hpp>

namespace segue::legacy {
namespace {

struct Installed {
  std::mutex mutex;
  std::shared_ptr<const UnraisableHook> hook;  // null until one is set
};

// Never destroyed: a generator with static lifetime may report after main has returned. Not on the heap: what is to be
// reported may be that there is no memory.
Installed& installed() noexcept {
  alignas(Installed) static std::byte place[sizeof(Installed)];
  static auto* const instance = ::new (place) Installed;
  return *instance;
}

void print(const Unraisable& unraisable) {
  const ExceptionText text = describe(unraisable.exception);
  const std::string line = "Exception ignored in: " + unraisable.object + "\n" + text.type +
                           (text.message.empty() ? "" : ": " + text.message) + "\n";
  std::fputs(line.c_str(), stderr);
}

}  // namespace

UnraisableHook set_unraisable_hook(UnraisableHook hook) {
  auto next = std::make_shared<const UnraisableHook>(std::move(hook));
  const std::lock_guard lock(installed().mutex);
  std::swap(installed().hook, next);
  return next ? *next : UnraisableHook();
}

void report_unraisable(std::exception_ptr exception, std::string object) noexcept {
  std::shared_ptr<const UnraisableHook> hook;
  {
    const std::lock_guard lock(installed().mutex);
    hook = installed().hook;
  }
  const Unraisable unraisable{std::move(exception), std::move(object)};
  if (hook && *hook) return (*hook)(unraisable);
  try {
    print(unraisable);
  } catch (const std::bad_alloc&) {
    std::fputs("Exception ignored: there is no memory to say which\n", stderr);
  }
}

}  // namespace segue::legacy
