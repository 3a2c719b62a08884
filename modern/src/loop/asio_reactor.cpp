#include "loop/asio_reactor.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <boost/system/system_error.hpp>

#include <segue/os_error.hpp>

namespace segue::modern {

namespace asio = boost::asio;

namespace {

int make_eventfd() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw OSError(errno, std::string("cannot make the loop's wake-up: ") + std::strerror(errno));
  return fd;
}

}  // namespace

AsioReactor::AsioReactor() : keep_running_(context_.get_executor()), wake_up_(context_, make_eventfd()) {
  watch_wake_up();
}

AsioReactor::~AsioReactor() = default;

void AsioReactor::watch_wake_up() {
  wake_up_.async_wait(asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto drained = ::read(wake_up_.native_handle(), &count, sizeof count);
    watch_wake_up();
  });
}

void AsioReactor::poll(time_point deadline) {
  arm_watches();
  context_.restart();
  if (deadline == time_point::max()) {
    context_.run_one();
  } else if (deadline != time_point::min()) {
    context_.run_one_until(deadline);
  }
  context_.poll();
}

void AsioReactor::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_up_.native_handle(), &one, sizeof one);
}

void* AsioReactor::io_context() noexcept {
  if (!std::exchange(foreign_, true)) ++watched_;
  return &context_;
}

std::shared_ptr<AsioReactor::Watch> AsioReactor::watch(int fd) {
  if (const auto found = watches_.find(fd); found != watches_.end()) return found->second;
  try {
    const auto& added = watches_.emplace(fd, std::make_shared<Watch>(context_, fd)).first->second;
    ++watched_;
    return added;
  } catch (const boost::system::system_error& error) {
    throw OSError(error.code().value(),
                  "cannot watch file descriptor " + std::to_string(fd) + ": " + error.code().message());
  }
}

void AsioReactor::add(int fd, Direction Watch::* direction, std::function<void()> callback) {
  const std::shared_ptr<Watch> watched = watch(fd);
  ((*watched).*direction).callback = std::move(callback);
  arm_next(watched);
}

void AsioReactor::add_reader(int fd, std::function<void()> callback) { add(fd, &Watch::reader, std::move(callback)); }
void AsioReactor::add_writer(int fd, std::function<void()> callback) { add(fd, &Watch::writer, std::move(callback)); }
bool AsioReactor::remove_reader(int fd) { return remove(fd, &Watch::reader); }
bool AsioReactor::remove_writer(int fd) { return remove(fd, &Watch::writer); }

bool AsioReactor::remove(int fd, Direction Watch::* direction) {
  const auto found = watches_.find(fd);
  if (found == watches_.end()) return false;
  const std::shared_ptr<Watch> watch = found->second;
  const std::function<void()> removed = std::exchange(((*watch).*direction).callback, nullptr);
  if (!watch->reader.callback && !watch->writer.callback) {
    watch->release();
    watches_.erase(found);
    --watched_;
  }
  return static_cast<bool>(removed);
}

void AsioReactor::arm_next(const std::shared_ptr<Watch>& watch) {
  if (!std::exchange(watch->to_arm, true)) to_arm_.push_back(watch);
}

// Level-triggered, once a poll(): a direction is armed anew only after its callback had an iteration to run in.
void AsioReactor::arm_watches() {
  using Wait = asio::posix::descriptor_base;
  for (const std::shared_ptr<Watch>& watch : to_arm_) {
    watch->to_arm = false;
    if (watch->reader.callback && !watch->reader.waiting) arm(watch, &Watch::reader, Wait::wait_read);
    if (watch->writer.callback && !watch->writer.waiting) arm(watch, &Watch::writer, Wait::wait_write);
  }
  to_arm_.clear();
}

void AsioReactor::arm(const std::shared_ptr<Watch>& watch, Direction Watch::* direction,
                      asio::posix::descriptor_base::wait_type type) {
  ((*watch).*direction).waiting = true;
  watch->descriptor.async_wait(type, [this, watch, direction](const boost::system::error_code& error) {
    Direction& ready = (*watch).*direction;
    ready.waiting = false;
    if (error || !ready.callback) return;
    arm_next(watch);
    ready.callback();
  });
}

std::unique_ptr<Reactor> make_reactor() { return std::make_unique<AsioReactor>(); }

}  // namespace segue::modern
