// What happens in adapters when there is no memory: as tests/modern/out_of_memory_test.cpp has it.
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <segue/bridge/asio/reactor.hpp>
#include <segue/bridge/asio/use_segue.hpp>
#include <segue/bridge/c_callback.hpp>
#include <segue/bridge/c_emitter.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/bridge/emitter.hpp>
#include <segue/bridge/listener.hpp>
#include <segue/bridge/portal.hpp>
#include <segue/bridge/promisify.hpp>
#include <segue/bridge/to_callback.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "modern/refused_allocations.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::Coroutine;
using modern::sleep;
using modern::testing::long_text;

class OutOfMemory : public modern::testing::RefusedAllocations {};

TEST_F(OutOfMemory, of_generator_based_coroutines) {
  run_refusing([]() -> Coroutine<> {
    const auto inner = coroutine<std::string>([](std::string text) {
      yield_from(sleep(1s));
      return text + text;
    });
    const auto outer = coroutine<std::string>([&](std::string text) { return yield_from(inner(text)); });
    const std::string text = co_await outer(long_text);
    EXPECT_EQ(text, long_text + long_text);
    const auto task = modern::create_task(inner(long_text));
    const std::string more = co_await task;
    EXPECT_EQ(more, text);
  });
}

TEST_F(OutOfMemory, of_generator_based_coroutines_that_fail_or_are_cancelled) {
  run_refusing([]() -> Coroutine<> {
    const auto failing = coroutine<void>([] {
      try {
        yield_from(sleep(1s));
        throw ValueError(long_text);
      } catch (const ValueError&) {
        throw RuntimeError(long_text);
      }
    });
    try {
      co_await failing();
    } catch (const RuntimeError&) {
    }
    const auto waiting = coroutine<void>([] { yield_from(sleep(1h)); });
    try {
      co_await modern::wait_for(waiting(), 1s);
    } catch (const TimeoutError&) {
    }
  });
}

TEST_F(OutOfMemory, of_steps_by_hand) {
  refuse_each_allocation([] {
    auto made = coroutine<std::string>([] { return std::any_cast<std::string>(yield_(long_text)) + long_text; })();
    made.send();
    try {
      made.send(long_text);
    } catch (const StopIteration<std::string>&) {
    }
  });
}

TEST_F(OutOfMemory, of_callbacks) {
  run_refusing([]() -> Coroutine<> {
    const auto at_once = [](auto done) { done(long_text); };
    const std::string first = co_await from_callback<std::string>(at_once);
    const auto later = [](auto done) { modern::get_running_loop().call_later(1s, [done] { done(long_text); }); };
    try {
      const std::string second = co_await from_callback<std::string>(later);
      EXPECT_EQ(first, second);
    } catch (const RuntimeError&) {  // the timer could not call it
    }
    const auto failing = [](auto done) {
      modern::get_running_loop().call_later(1s, [done] { done(long_text, std::string()); });
    };
    try {
      co_await from_callback<std::string>(error_first, failing);
    } catch (const RuntimeError&) {
    }
    const auto never = [](auto) {};
    try {
      co_await from_callback<std::string>(never);
    } catch (const RuntimeError&) {
    }
  });
}

TEST_F(OutOfMemory, of_pairs_of_callbacks) {
  run_refusing([]() -> Coroutine<> {
    for (const bool fine : {true, false}) {
      const auto start = [fine](auto succeeded, auto failed) {
        modern::get_running_loop().call_later(1s, [fine, succeeded, failed] {
          if (fine) {
            succeeded(long_text);
          } else {
            failed(long_text);
          }
        });
      };
      try {
        const std::string text = co_await from_callback<std::string>(success_failure, start);
        EXPECT_EQ(text, long_text);
      } catch (const RuntimeError&) {  // it fails, or the timer could not call it
      }
    }
  });
}

TEST_F(OutOfMemory, of_negative_errors) {
  run_refusing([]() -> Coroutine<> {
    const auto failing = [](auto done) { done(-ENOENT); };
    try {
      co_await from_callback<int>(negative_errno, failing);
    } catch (const FileNotFoundError&) {
    }
    const auto reads = promisify<int>(negative_errno, [](const std::string& text, auto done) {
      modern::get_running_loop().call_later(1s, [text, done] { done(static_cast<int>(text.size())); });
    });
    try {
      const int size = co_await reads(long_text);
      EXPECT_EQ(size, 100);
    } catch (const RuntimeError&) {  // the timer could not call it
    }
  });
}

TEST_F(OutOfMemory, of_callbacks_that_are_cancelled) {
  run_refusing([]() -> Coroutine<> {
    std::optional<Callback<std::string>> kept;
    const auto start = [&](auto done) { kept = std::move(done); };
    const auto cancel = [&] { (*kept)(long_text); };
    try {
      co_await modern::wait_for(from_callback<std::string>(start, cancel), 1s);
    } catch (const TimeoutError&) {
    }
  });
}

struct CancelledOperation {
  void cancel() const { done(long_text); }
  Callback<std::string> done;
};

TEST_F(OutOfMemory, of_handles_that_cancel) {
  run_refusing([]() -> Coroutine<> {
    const auto start = [](const Callback<std::string>& done) { return CancelledOperation{done}; };
    try {
      co_await modern::wait_for(from_callback<std::string>(start), 1s);
    } catch (const TimeoutError&) {
    }
  });
}

TEST_F(OutOfMemory, of_c_callbacks) {
  run_refusing([]() -> Coroutine<> {
    using Call = void(const char*, void*);
    const auto at_once = [](Call* call, void* data) { call(long_text.c_str(), data); };
    const std::string first = co_await from_callback<Call, std::string>(at_once);
    const auto later = [](Call* call, void* data) {
      modern::get_running_loop().call_later(1s, [=] { call(long_text.c_str(), data); });
    };
    try {
      const std::string second = co_await modern::wait_for(from_callback<Call, std::string>(later), 2s);
      EXPECT_EQ(first, second);
    } catch (const TimeoutError&) {  // the timer could not call it
    }
  });
}

struct TextRequest {
  using Done = void(TextRequest*);
  void* data = nullptr;
  const char* text = nullptr;
};

TEST_F(OutOfMemory, of_c_callbacks_with_a_struct) {
  run_refusing([]() -> Coroutine<> {
    struct Text {
      explicit Text(TextRequest* request) : text(request->text) {}
      std::string text;
    };
    TextRequest request{.text = long_text.c_str()};
    const auto start = [&](TextRequest::Done* call, void* data) {
      request.data = data;
      call(&request);
    };
    const Text got = co_await from_callback<TextRequest::Done, Text>(once | user_data<&TextRequest::data>, start);
    EXPECT_EQ(got.text, long_text);
  });
}

TEST_F(OutOfMemory, of_c_streams) {
  run_refusing([]() -> Coroutine<> {
    using Call = void(const char*, void*);
    const auto start = [](Call* call, void* data) {
      call(long_text.c_str(), data);
      modern::get_running_loop().call_later(1s, [=] { call(long_text.c_str(), data); });
    };
    auto texts = from_callbacks<Call, std::string>(start);
    try {
      for (int i = 0; i < 2; ++i) {
        const std::string text = co_await modern::wait_for(texts.anext(), 2s);
        EXPECT_EQ(text, long_text);
      }
    } catch (const TimeoutError&) {  // the timer could not call it
    }
    co_await texts.aclose();
  });
}

struct TextListener {
  virtual ~TextListener() = default;
  virtual void on_text(const std::string& text) = 0;
};
struct TextArrived final : Listener<TextListener, std::string> {
  void on_text(const std::string& text) override {
    try {
      succeed(text);
    } catch (const std::bad_alloc&) {  // who calls does not call again
      fail(std::current_exception());
    }
  }
};

TEST_F(OutOfMemory, of_listeners) {
  run_refusing([]() -> Coroutine<> {
    const auto at_once = [](TextArrived& listener) { listener.on_text(long_text); };
    const std::string first = co_await from_listener<TextArrived>(at_once);
    const auto later = [](std::shared_ptr<TextArrived> listener) {
      modern::get_running_loop().call_later(1s, [listener] { listener->on_text(long_text); });
    };
    try {
      const std::string second = co_await from_listener<TextArrived>(later);
      EXPECT_EQ(first, second);
    } catch (const RuntimeError&) {  // the timer could not call it
    }
  });
}

TEST_F(OutOfMemory, of_emitters) {
  run_refusing([]() -> Coroutine<> {
    const auto start = [](const Emitter<std::string>& emit) {
      emit(long_text);
      modern::get_running_loop().call_later(1s, [emit] { emit(long_text); });
    };
    auto values = from_callbacks<std::string>(start, {.maxsize = 1});
    std::size_t got = 0;
    while (true) {
      const std::optional<std::string> value = co_await values.next_or_none();
      if (!value) break;
      ++got;
    }
    EXPECT_GE(got, 1U);
    modern::Queue<std::string> queue;
    co_await into_queue(queue, start);
    EXPECT_GE(queue.qsize(), 1U);
  });
}

TEST_F(OutOfMemory, of_emitters_that_are_full) {
  for (const WhenFull when_full : {WhenFull::drop_oldest, WhenFull::drop_newest, WhenFull::fail}) {
    run_refusing([when_full]() -> Coroutine<> {
      const auto start = [](const Emitter<std::string>& emit) {
        for (int i = 0; i < 3; ++i) emit(long_text);
        emit.close();
      };
      const EmitterOptions options{.maxsize = 1, .when_full = when_full};
      auto values = from_callbacks<std::string>(start, options);
      try {
        while (true) {
          const std::optional<std::string> value = co_await values.next_or_none();
          if (!value) break;
          EXPECT_EQ(*value, long_text);
        }
      } catch (const modern::QueueFull&) {
        EXPECT_EQ(when_full, WhenFull::fail);
      }
    });
  }
}

TEST_F(OutOfMemory, of_coroutines_for_callers_with_callbacks) {
  run_refusing([]() -> Coroutine<> {
    const auto twice = [](std::string text) -> Coroutine<std::string> {
      co_await sleep(1s);
      co_return text + text;
    };
    const auto start = [&](auto done) { to_callback(twice)(long_text, std::move(done)); };
    try {
      const std::string text = co_await from_callback<std::string>(error_first, start);
      EXPECT_EQ(text, long_text + long_text);
    } catch (const RuntimeError&) {  // its task could not call it
    }
  });
}

TEST_F(OutOfMemory, of_portals) {
  run_refusing([]() -> Coroutine<> {
    const auto deep = [] {
      await_(sleep(1s));
      return long_text;
    };
    const std::string text = co_await portal([&] { return deep() + deep(); });
    EXPECT_EQ(text, long_text + long_text);
  });
}

TEST_F(OutOfMemory, of_asio) {
  refuse_each_allocation([] {
    const modern::EventLoopPtr loop = modern::new_event_loop();
    const auto main = [&]() -> Coroutine<> {
      boost::asio::steady_timer timer(io_context(*loop), 1ms);
      co_await timer.async_wait(use_segue);
    };
    loop->run_until_complete(main());
  });
}

}  // namespace
}  // namespace segue::bridge
