// Where an exception would run nothing, and where it would: each case suspends inside a function, and asks.
#include "../../legacy/src/unwinding.hpp"

#include <alloca.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/exceptions.hpp>
#include <segue/legacy/fiber.hpp>
#include <segue/legacy/generator.hpp>

namespace segue::legacy {
namespace {

using legacy_detail::Unwinding;

void touch(auto& object) { __asm__ volatile("" : : "r"(&object) : "memory"); }

// A stack that is suspended by `wait()`, below `body`.
class Suspended : public Fiber {
 public:
  explicit Suspended(void (*body)(Suspended&)) : body_(body) {}

  void run() noexcept {
    try {
      call();
    } catch (const GeneratorExit&) {
    }
  }
  void wait() {
    suspend(this);
    if (exit_) throw GeneratorExit();
  }
  Unwinding unwinding() const { return legacy_detail::find_unwinding(context(), until_, this); }
  void exit() {
    exit_ = true;
    resume();
  }

 private:
  [[gnu::noinline]] void call() {
    until_ = __builtin_return_address(0);
    body_(*this);
    touch(body_);
  }

  void (*const body_)(Suspended&);
  const void* until_ = nullptr;
  bool exit_ = false;
};

// What an exception would run where `body` waits first.
Unwinding unwinding_of(void (*body)(Suspended&)) {
  auto* const suspended = make_fiber<Suspended>(StackSize{256 * 1024}, body);
  suspended->resume();
  const Unwinding result = suspended->unwinding();
  EXPECT_EQ(suspended->unwinding(), result) << "the second answer is another one";
  suspended->exit();
  EXPECT_TRUE(suspended->finished());
  destroy_fiber(suspended);
  return result;
}

struct Witness {
  int* destroyed = nullptr;
  Witness() = default;
  explicit Witness(int* count) : destroyed(count) {}
  Witness(const Witness&) = default;
  Witness& operator=(const Witness&) = delete;
  ~Witness() {
    if (destroyed != nullptr) ++*destroyed;
    touch(destroyed);
  }
};

[[gnu::noinline]] void plain(Suspended& here) {
  here.wait();
  touch(here);
}

[[gnu::noinline]] void recursive(Suspended& here, int depth) {
  if (depth != 0) {
    recursive(here, depth - 1);
  } else {
    here.wait();
  }
  touch(depth);
}

[[gnu::noinline]] void with_room(Suspended& here, std::size_t bytes) {
  void* room = alloca(bytes);
  touch(room);
  plain(here);
  touch(room);
}

[[gnu::noinline]] void aligned(Suspended& here) {
  alignas(128) char room[256];
  touch(room);
  here.wait();
  touch(room);
}

class NothingToUnwind : public ::testing::Test {
 protected:
  void SetUp() override {
    if (legacy_detail::sanitized) GTEST_SKIP() << "a sanitizer has something to do at the end of each function";
#if !defined(__x86_64__)
    GTEST_SKIP() << "not known for this processor";
#endif
  }
};

TEST_F(NothingToUnwind, in_a_plain_function) { EXPECT_EQ(Unwinding::nothing, unwinding_of(plain)); }

TEST_F(NothingToUnwind, however_deep) {
  EXPECT_EQ(Unwinding::nothing, unwinding_of([](Suspended& here) { recursive(here, 0); }));
  EXPECT_EQ(Unwinding::nothing, unwinding_of([](Suspended& here) { recursive(here, 1); }));
  EXPECT_EQ(Unwinding::nothing, unwinding_of([](Suspended& here) { recursive(here, 1000); }));
}

TEST_F(NothingToUnwind, in_frames_whose_size_is_known_at_run_time_only) {
  EXPECT_EQ(Unwinding::nothing, unwinding_of([](Suspended& here) { with_room(here, 100); }));
  EXPECT_EQ(Unwinding::nothing, unwinding_of([](Suspended& here) { with_room(here, 5000); }));
}

TEST_F(NothingToUnwind, where_objects_have_gone_already_and_others_are_still_to_come) {
  EXPECT_EQ(Unwinding::nothing, unwinding_of([](Suspended& here) {
              {
                const Witness before;
                touch(before);
              }
              here.wait();
              const Witness after;
              touch(after);
            }));
}

TEST_F(NothingToUnwind, through_functions_of_a_c_library) {
  EXPECT_EQ(Unwinding::nothing, unwinding_of([](Suspended& here) {
              thread_local Suspended* waiting;
              waiting = &here;
              int values[] = {2, 1};
              std::qsort(values, 2, sizeof(int), [](const void*, const void*) {
                plain(*waiting);
                return 0;
              });
            }));
}

// Under a sanitizer it may be anything.
class CleanupsToUnwind : public NothingToUnwind {};

TEST_F(CleanupsToUnwind, an_object_with_a_destructor) {
  EXPECT_EQ(Unwinding::cleanups, unwinding_of([](Suspended& here) {
              const Witness local;
              here.wait();
              touch(local);
            }));
}

TEST_F(CleanupsToUnwind, an_object_in_a_frame_further_out) {
  EXPECT_EQ(Unwinding::cleanups, unwinding_of([](Suspended& here) {
              const Witness local;
              recursive(here, 3);
              touch(local);
            }));
  EXPECT_EQ(Unwinding::cleanups, unwinding_of([](Suspended& here) {
              const Witness local;
              with_room(here, 300);
              touch(local);
            }));
}

[[gnu::noinline]] void by_value(Suspended& here, Witness parameter) {
  here.wait();
  touch(parameter);
}

TEST_F(CleanupsToUnwind, a_parameter_and_a_temporary) {
  EXPECT_EQ(Unwinding::cleanups, unwinding_of([](Suspended& here) { by_value(here, Witness()); }));
  EXPECT_EQ(Unwinding::cleanups, unwinding_of([](Suspended& here) {
              const auto wait = [](Suspended& waiting, const Witness& temporary) {
                plain(waiting);
                touch(temporary);
              };
              wait(here, Witness());
            }));
}

TEST(SomethingToUnwind, handlers_of_every_kind) {
  EXPECT_EQ(Unwinding::anything, unwinding_of([](Suspended& here) {
              try {
                here.wait();
              } catch (const GeneratorExit&) {
                touch(here);
              }
            }));
  EXPECT_EQ(Unwinding::anything, unwinding_of([](Suspended& here) {
              try {
                plain(here);
              } catch (...) {
                touch(here);
                throw;
              }
            }));
  EXPECT_EQ(Unwinding::anything, unwinding_of([](Suspended& here) {
              try {
                plain(here);
              } catch (const std::bad_alloc&) {  // of another type: told apart by the runtime alone
                touch(here);
              }
            }));
}

TEST_F(CleanupsToUnwind, inside_a_handler) {
  EXPECT_EQ(Unwinding::cleanups, unwinding_of([](Suspended& here) {
              try {
                throw 1;
              } catch (int) {
                here.wait();
                touch(here);
              }
            }));
}

TEST(SomethingToUnwind, a_function_that_must_not_throw) {
  auto* const suspended = make_fiber<Suspended>(StackSize{}, [](Suspended& here) {
    const auto wait = [&]() noexcept {
      plain(here);
      touch(here);
    };
    wait();
    plain(here);
  });
  suspended->resume();
  EXPECT_EQ(Unwinding::anything, suspended->unwinding()) << "the program would end";
  suspended->resume();
  suspended->exit();
  destroy_fiber(suspended);
}

TEST(SomethingToUnwind, is_seen_or_suspected_in_over_aligned_frames) {
  // Not all compilers' layout of such a frame can be followed: what cannot be told is not claimed.
  EXPECT_THAT(unwinding_of(aligned), ::testing::AnyOf(Unwinding::nothing, Unwinding::anything));
  EXPECT_NE(Unwinding::nothing, unwinding_of([](Suspended& here) {
              const Witness local;
              aligned(here);
              touch(local);
            }));
}

TEST(SomethingToUnwind, between_two_waits_of_one_function) {
  auto* const suspended = make_fiber<Suspended>(StackSize{}, [](Suspended& here) {
    here.wait();
    {
      const Witness local;
      here.wait();
      touch(local);
    }
    here.wait();
  });
  suspended->resume();
  const Unwinding first = suspended->unwinding();
  suspended->resume();
  EXPECT_NE(Unwinding::nothing, suspended->unwinding());
  suspended->resume();
  EXPECT_EQ(suspended->unwinding(), first);
  suspended->exit();
  destroy_fiber(suspended);
}

// What a generator makes of it.

TEST(AbandonedGenerator, destroys_what_its_body_holds_once_and_nothing_else) {
  int destroyed = 0;
  const auto abandon = [&](auto body) {
    destroyed = 0;
    Generator<int> generator([body, captured = std::make_shared<Witness>(&destroyed)](auto& yield) { body(yield); });
    generator.next();
    EXPECT_EQ(destroyed, 0);
    generator.close();
    EXPECT_FALSE(generator);
    EXPECT_EQ(destroyed, 1);
  };
  abandon([](auto& yield) { yield(1); });
  abandon([](auto& yield) {
    const Witness local;
    yield(1);
  });
}

TEST(AbandonedGenerator, runs_destructors_of_all_frames_from_the_inside_out) {
  std::string order;
  struct Letter {
    std::string& order;
    char letter;
    ~Letter() { order += letter; }
  };
  const auto inner = [&](Yielder<int>& yield) {
    const Letter c{order, 'c'};
    const Letter d{order, 'd'};
    yield(1);
  };
  const auto body = [&](Yielder<int>& yield) {
    const Letter a{order, 'a'};
    {
      const Letter gone{order, '-'};
    }
    const Letter b{order, 'b'};
    inner(yield);
    order += "never";
  };
  {
    Generator<int> generator([&](Yielder<int>& yield) { body(yield); });
    generator.next();
  }
  EXPECT_EQ(order, "-dcba");
}

TEST(AbandonedGenerator, unwinds_as_by_an_exception_in_the_eyes_of_a_destructor) {
  struct Observer {
    int& uncaught;
    bool& handled;
    ~Observer() {
      uncaught = std::uncaught_exceptions();
      handled = std::current_exception() != nullptr;
      try {
        throw 1;
      } catch (int) {
      }
    }
  };
  int uncaught = 0;
  bool handled = true;
  Generator<int> generator([&](auto& yield) {
    const Observer first{uncaught, handled};
    const Observer second{uncaught, handled};
    yield(1);
  });
  generator.next();
  generator.close();
  EXPECT_EQ(uncaught, 1);
  EXPECT_FALSE(handled);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

// Suspended in front of an object whose destructor yields, and another one.
Generator<int> yielding_in_a_destructor(int& destroyed) {
  struct Yielding {
    Yielder<int>& yield;
    ~Yielding() { yield(2); }
  };
  Generator<int> generator([&destroyed](Yielder<int>& yield) {
    const Witness outer(&destroyed);
    const Yielding inner{yield};
    yield(1);
  });
  generator.next();
  return generator;
}

// Tells of a yield in a destructor, and goes on with the unwinding when it is resumed.
TEST(AbandonedGenerator, may_yield_in_a_destructor) {
  int destroyed = 0;
  Generator<int> generator = yielding_in_a_destructor(destroyed);
  try {
    generator.close();
    ADD_FAILURE() << "closed";
  } catch (const RuntimeError& e) {
    EXPECT_STREQ(e.what(), "generator ignored GeneratorExit");
  }
  EXPECT_EQ(destroyed, 0);
  EXPECT_THROW(generator.next(), GeneratorExit);
  EXPECT_EQ(destroyed, 1);
  EXPECT_FALSE(generator);
}

TEST(AbandonedGenerator, goes_on_unwinding_in_another_thread_after_a_yield_in_a_destructor) {
  int destroyed = 0;
  Generator<int> generator = yielding_in_a_destructor(destroyed);
  EXPECT_THROW(generator.close(), RuntimeError);
  std::thread([&] {
    EXPECT_THROW(generator.next(), GeneratorExit);
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  }).join();
  EXPECT_EQ(destroyed, 1);
}

TEST(AbandonedGenerator, gives_the_arguments_of_its_body_back) {
  const auto argument = std::make_shared<int>(1);
  {
    Generator<int> generator([](auto& yield, const std::shared_ptr<int>& value) { yield(*value); }, argument);
    generator.next();
    EXPECT_EQ(argument.use_count(), 2);
  }
  EXPECT_EQ(argument.use_count(), 1);
}

TEST(AbandonedGenerator, is_running_while_its_body_is_destroyed) {
  struct Asking {
    Generator<int>* generator;
    std::string* answer;
    ~Asking() {
      if (generator == nullptr) return;
      try {
        generator->next();
      } catch (const ValueError& e) {
        *answer = e.what();
      }
    }
    Asking(Generator<int>* asked, std::string* told) : generator(asked), answer(told) {}
    Asking(Asking&& other) noexcept : generator(std::exchange(other.generator, nullptr)), answer(other.answer) {}
    void operator()(Yielder<int>& yield) && { yield(1); }
  };
  std::string answer;
  Generator<int> generator;
  generator = Generator<int>(Asking(&generator, &answer));
  generator.next();
  generator.close();
  EXPECT_EQ(answer, "generator already executing");
}

}  // namespace
}  // namespace segue::legacy
