// Which thread is the program's main one, seen by who may handle signals.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>

namespace segue::modern {
namespace {

bool may_handle_signals() {
  const auto loop = new_event_loop();
  try {
    loop->add_signal_handler(SIGUSR2, [] {});
    return true;
  } catch (const RuntimeError&) {
    return false;
  }
}

TEST(MainThread, IsTheOneThatForkedInAChild) {
  EXPECT_TRUE(may_handle_signals());
  bool in_thread = true;
  int status = -1;
  std::thread([&] {
    in_thread = may_handle_signals();
    const pid_t child = ::fork();
    if (child == 0) ::_exit(may_handle_signals() ? 0 : 1);
    ::waitpid(child, &status, 0);
  }).join();
  EXPECT_FALSE(in_thread);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace segue::modern
