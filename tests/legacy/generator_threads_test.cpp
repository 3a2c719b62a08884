// Generators that go from thread to thread: one makes them, others run them one after another, the last destroys them.
// ThreadSanitizer looks on in its preset.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/stack.hpp>

namespace segue::legacy {
namespace {

using Counter = Generator<int, std::optional<int>, int>;

// What one thread leaves for the next.
template <class T>
class Handover {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    not_empty_.notify_one();
  }
  T take() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return !values_.empty(); });
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::deque<T> values_;
};

// Counts up from `from` by what it is sent; each yield stands in a handler, below `depth` delegations.
Counter counter(int from, int depth, int& closed) {
  return Counter([from, depth, &closed](auto& yield) {
    struct Closing {
      int& closed;
      ~Closing() { ++closed; }
    } closing{closed};
    if (depth != 0) return yield.from(counter(from, depth - 1, closed));
    for (int i = from;;) {
      try {
        throw std::runtime_error(std::to_string(i));
      } catch (const std::runtime_error& e) {
        i += yield(std::stoi(e.what())).value_or(1);
        try {
          throw;
        } catch (const std::runtime_error& same) {
          if (&same != &e) return -1;
        }
      }
    }
  });
}

TEST(GeneratorThreads, run_what_another_made_and_a_third_destroys_it) {
  constexpr int generators = 200;
  constexpr int runners = 3;
  int closed = 0;
  // From each thread to the next: maker, runners, destroyer.
  std::vector<Handover<Counter>> handovers(runners + 1);
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (int i = 0; i < generators; ++i) handovers[0].put(counter(i, i % 4, closed));
  });
  std::vector<int> wrong(runners);
  for (int runner = 0; runner < runners; ++runner) {
    threads.emplace_back([&, runner] {
      for (int i = 0; i < generators; ++i) {
        Counter own = handovers[static_cast<std::size_t>(runner)].take();
        const int first = own.next();
        const int second = own.send(10);
        if (first != i + runner * 11 || second != first + 10) ++wrong[static_cast<std::size_t>(runner)];
        handovers[static_cast<std::size_t>(runner) + 1].put(std::move(own));
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < generators; ++i) {
      Counter last = handovers[runners].take();
      if (i % 2 != 0) last.close();
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(runners));
  EXPECT_EQ(closed, generators * (1 + 2 + 3 + 4) / 4);
}

TEST(GeneratorThreads, share_a_delegate_one_after_another) {
  int closed = 0;
  Counter shared = counter(0, 0, closed);
  std::vector<Counter> owners;
  for (int i = 0; i < 8; ++i) {
    owners.push_back(Counter([&shared](auto& yield) { return yield.from(shared); }));
  }
  for (int i = 0; i < 40; ++i) {
    std::thread([&] { EXPECT_EQ(owners[static_cast<std::size_t>(i) % owners.size()].next(), i); }).join();
  }
  std::thread([&] {
    EXPECT_THROW(shared.throw_(ValueError("v")), ValueError);
    owners.clear();
  }).join();
  EXPECT_EQ(closed, 1);
}

TEST(GeneratorThreads, raise_what_another_threw_in) {
  Generator<int> generator([](auto& yield) {
    for (int i = 0;; ++i) {
      try {
        yield(i);
      } catch (const ValueError&) {
      }
    }
  });
  std::exception_ptr error;
  std::thread([&] {
    generator.next();
    try {
      throw ValueError("from another thread");
    } catch (...) {
      error = std::current_exception();
    }
  }).join();
  std::thread([&] { EXPECT_EQ(generator.throw_(error), 1); }).join();
  std::thread([&] { EXPECT_THROW(generator.throw_(LookupError("l")), LookupError); }).join();
  EXPECT_FALSE(generator);
}

TEST(GeneratorThreads, take_and_free_stacks_at_the_same_time) {
  std::atomic<int> wrong = 0;
  const auto work = [&wrong] {
    std::vector<Generator<int>> kept;
    for (int i = 0; i < 300; ++i) {
      kept.push_back(Generator<int>([i](auto& yield) { yield(i); }));
      if (kept.back().next() != i) ++wrong;
      if (i % 3 == 0) kept.erase(kept.begin());
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  const std::size_t stacks = stack_statistics().stacks;
  std::thread(work).join();
  EXPECT_EQ(stack_statistics().stacks, stacks);
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace segue::legacy
