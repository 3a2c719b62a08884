// What the system's limits do to stacks: MemoryError says which one was hit, nothing is lost, and the program goes on.
// Each test lowers or uses up a limit of a child process.
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/stack.hpp>

namespace segue::legacy {
namespace {

// How much address space this process has taken.
std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

// How much of it counts as data: what is private and may be written.
std::size_t data() {
  std::size_t pages = 0;
  std::ifstream statm("/proc/self/statm");
  for (int field = 1; field <= 6; ++field) statm >> pages;
  return pages * 4096;
}

// Takes stacks until there are no more and gives the error's message, with the stacks in `stacks`.
std::string use_up(StackSize size, std::vector<Stack>& stacks) {
  try {
    for (;;) {
      const Stack stack = allocate_stack(size);
      stacks.push_back(stack);
    }
  } catch (const MemoryError& e) {
    return e.what();
  }
}

// In the child: the message is told on stderr, and the status is 0 when the stacks are all there afterwards.
[[noreturn]] void use_up_twice(StackSize size) {
  std::vector<Stack> stacks;
  const std::string message = use_up(size, stacks);
  const std::size_t count = stacks.size();
  for (const Stack& stack : stacks) free_stack(stack);
  stacks.clear();
  int sum = 0;
  for (const int value : Generator<int>({.stack_size = size}, [](auto& yield) {
         for (int i = 1; i <= 3; ++i) yield(i);
       })) {
    sum += value;
  }
  const std::string again = use_up(size, stacks);
  std::cerr << count << " stacks; " << message << std::endl;
  std::_Exit(sum == 6 && count != 0 && stacks.size() == count && again == message ? 0 : 1);
}

// Once: after so many stacks the second time may find a little more room than the first.
[[noreturn]] void use_up_address_space(std::size_t mib) {
  const std::size_t limit = address_space() + (mib << 20);
  const rlimit lowered{.rlim_cur = limit, .rlim_max = limit};
  if (setrlimit(RLIMIT_AS, &lowered) != 0) std::_Exit(2);
  std::vector<Stack> stacks;
  std::cerr << use_up({}, stacks) << std::endl;
  std::_Exit(stacks.empty() ? 1 : 0);
}

[[noreturn]] void use_up_address_space() {
  const std::size_t limit = address_space() + (std::size_t{256} << 20);
  const rlimit lowered{.rlim_cur = limit, .rlim_max = limit};
  if (setrlimit(RLIMIT_AS, &lowered) != 0) std::_Exit(2);
  use_up_twice({1 << 20});
}

[[noreturn]] void use_up_data(std::size_t limit) {
  const rlimit lowered{.rlim_cur = limit, .rlim_max = limit};
  if (setrlimit(RLIMIT_DATA, &lowered) != 0) std::_Exit(2);
  use_up_twice({1 << 20});
}

constexpr int not_locked = 3;

// The limit holds for those without CAP_IPC_LOCK alone, which root gives up here.
[[noreturn]] void use_up_locked_memory(std::size_t limit) {
  const rlimit lowered{.rlim_cur = limit, .rlim_max = limit};
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (setrlimit(RLIMIT_MEMLOCK, &lowered) != 0 || syscall(SYS_capset, &header, none.data()) != 0 ||
      mlockall(MCL_FUTURE) != 0) {
    std::cerr << "no lock" << std::endl;
    std::_Exit(not_locked);
  }
  use_up_twice({1 << 20});
}

// Leaves no mapping for a new region: each page is a mapping of its own, as its neighbours are protected otherwise.
[[noreturn]] void use_up_mappings_before() {
  constexpr std::size_t page = 4096;
  for (std::size_t i = 0;; ++i) {
    const int protection = i % 2 == 0 ? PROT_READ : PROT_NONE;
    if (mmap(nullptr, page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) break;
  }
  std::vector<Stack> none;
  std::cerr << use_up({16 * 1024}, none) << std::endl;
  std::_Exit(none.empty() ? 0 : 1);
}

[[noreturn]] void use_up_mappings() {
  set_stack_guard(StackGuard::protect);
  use_up_twice({16 * 1024});
}

TEST(StackLimitsDeathTest, the_limit_of_the_address_space_is_named) {
  if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer has taken more address space than any limit allows";
  EXPECT_EXIT(use_up_address_space(), ::testing::ExitedWithCode(0), "cannot reserve .*RLIMIT_AS is [0-9]+ bytes");
}

TEST(StackLimitsDeathTest, the_limit_of_data_is_named) {
  if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer's memory is data, too";
  const std::size_t limit = data() + (std::size_t{64} << 20);
  EXPECT_EXIT(use_up_data(limit), ::testing::ExitedWithCode(0),
              "cannot reserve .*RLIMIT_DATA is " + std::to_string(limit) + " bytes");
}

// Whether it is a region that is refused or the memory to keep count of its stacks depends on how much there is.
TEST(StackLimitsDeathTest, the_limit_of_the_address_space_is_named_whichever_it_is) {
  if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer has taken more address space than any limit allows";
  for (const std::size_t mib : {64, 700, 800, 1024, 1500, 2048, 3000, 5000}) {
    EXPECT_EXIT(use_up_address_space(mib), ::testing::ExitedWithCode(0), "cannot reserve .*RLIMIT_AS is [0-9]+ bytes")
        << mib << " MiB";
  }
}

TEST(StackLimitsDeathTest, the_limit_of_locked_memory_is_named) {
  if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer does not let memory be locked";
  constexpr std::size_t limit = std::size_t{4} << 20;
  bool refused = false;
  const auto succeeds = [&refused](int status) {
    refused = WIFEXITED(status) && WEXITSTATUS(status) == not_locked;
    return refused || ::testing::ExitedWithCode(0)(status);
  };
  EXPECT_EXIT(use_up_locked_memory(limit), succeeds,
              "^no lock|cannot reserve .*RLIMIT_MEMLOCK is " + std::to_string(limit) + " bytes");
  if (refused) GTEST_SKIP() << "memory may not be locked here";
}

TEST(StackLimitsDeathTest, the_limit_of_mappings_is_named) {
  if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer needs mappings of its own";
  std::size_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  if (limit > 100'000) GTEST_SKIP() << "it takes too long to use up " << limit << " mappings";
  EXPECT_EXIT(use_up_mappings(), ::testing::ExitedWithCode(0),
              "cannot guard a stack: .*vm.max_map_count is " + std::to_string(limit));
  EXPECT_EXIT(use_up_mappings_before(), ::testing::ExitedWithCode(0),
              "cannot reserve .*vm.max_map_count is " + std::to_string(limit));
}

}  // namespace
}  // namespace segue::legacy
