#include <segue/bridge/c_callback.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>
#include <segue/exceptions.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/wait_for.hpp>

#include "loop.hpp"
#include "unraisable_reports.hpp"

namespace segue::bridge {
namespace {

using namespace std::chrono_literals;
using modern::CancelledError;
using modern::Coroutine;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::make_loop;
using ::testing::StartsWith;
using testing::Trace;
using testing::wait_a_little;

/// What a C library keeps of a call: a function and a pointer, which it knows nothing of.
template <class Function>
struct Registered {
  Function* function = nullptr;
  void* data = nullptr;
};

class CCallback : public testing::LoopTest {
 protected:
  using Count = void(void*, int);

  void SetUp() override {
    loop->set_exception_handler([this](modern::EventLoop&, const modern::ExceptionContext& context) {
      reports.push_back(context.message);
      sources.push_back(context.source);
    });
  }
  auto keep() {
    return [this](Count* function, void* data) { kept = {function, data}; };
  }
  void answer(int value) const { kept.function(kept.data, value); }

  Trace sources;
  Registered<Count> kept;
};

// --- where the pointer comes

TEST_F(CCallback, GivesItsPointerFirst) {
  const auto start = [&](Count* function, void* data) { loop->call_later(1s, [=] { function(data, 7); }); };
  EXPECT_EQ(loop->run_until_complete(from_callback<Count>(start)), 7);
}

TEST_F(CCallback, GivesItsPointerLast) {
  const auto start = [](auto* function, void* data) { function(1, 2.5, data); };
  EXPECT_EQ(loop->run_until_complete(from_callback<void(int, double, void*)>(start)), std::tuple(1, 2.5));
}

TEST_F(CCallback, GivesItsPointerLastWhereItMightBeTheFirst) {
  int object = 0;
  const auto start = [&](auto* function, void* data) { function(&object, data); };
  EXPECT_EQ(loop->run_until_complete(from_callback<void(void*, void*)>(start)), &object);
}

TEST_F(CCallback, GivesItsPointerWhereUserDataSays) {
  const auto start = [](auto* function, void* data) { function(1, data, 3); };
  EXPECT_EQ(loop->run_until_complete(from_callback<void(int, void*, int)>(once | user_data<1>, start)),
            std::tuple(1, 3));
}

struct Request {
  int id = 0;
  void* data = nullptr;
};

TEST_F(CCallback, GivesItsPointerInAStruct) {
  Request request{.id = 5};
  const auto start = [&](void (*function)(Request*), void* data) {
    request.data = data;
    loop->call_soon([&request, function] { function(&request); });
  };
  Request* const got = loop->run_until_complete(from_callback<void(Request*)>(once | user_data<&Request::data>, start));
  EXPECT_EQ(got, &request);
}

/// A library's own, which nobody else sees into.
struct Opaque;
struct ReadRequest : Request {
  int count = 0;
};
/// As io_uring's.
struct Completion {
  std::uint64_t user_data = 0;
  int result = 0;
};

TEST_F(CCallback, GivesItsPointerInAStructThatIsConstOrDerivedOrReferredTo) {
  ReadRequest request;
  request.count = 3;
  const auto start = [&](auto* function, void* data) {
    request.data = data;
    if constexpr (std::is_invocable_v<decltype(function), ReadRequest*>) {
      function(&request);
    } else if constexpr (std::is_invocable_v<decltype(function), Opaque*, ReadRequest*>) {
      function(nullptr, &request);
    } else {
      function(request);
    }
  };
  constexpr auto how = once | user_data<&Request::data>;
  constexpr auto of_derived = once | user_data<&ReadRequest::data>;  // which is &Request::data
  EXPECT_EQ(loop->run_until_complete(from_callback<void(const Request*)>(how, start)), &request);
  EXPECT_EQ(loop->run_until_complete(from_callback<void(const ReadRequest*)>(of_derived, start))->count, 3);
  EXPECT_EQ(loop->run_until_complete(from_callback<void(ReadRequest&)>(how, start)).count, 3);
  const auto behind = loop->run_until_complete(from_callback<void(Opaque*, ReadRequest*)>(how, start));
  EXPECT_EQ(std::get<1>(behind), &request);
}

TEST_F(CCallback, GivesItsPointerAsAnIntegerOrConst) {
  Completion completion{.result = 4};
  const auto start = [&](void (*function)(Completion*), void* data) {
    completion.user_data = reinterpret_cast<std::uintptr_t>(data);
    function(&completion);
  };
  constexpr auto how = once | user_data<&Completion::user_data>;
  EXPECT_EQ(loop->run_until_complete(from_callback<void(Completion*)>(how, start))->result, 4);
  const auto start_const = [](void (*function)(int, const void*), void* data) { function(5, data); };
  EXPECT_EQ(loop->run_until_complete(from_callback<void(int, const void*)>(once | user_data<1>, start_const)), 5);
}

// --- values and errors

TEST_F(CCallback, MakesItsValueWithinTheCall) {
  const auto start = [&](void (*function)(const char*, void*), void* data) {
    loop->call_soon([=] {
      std::string text = "a text that is gone after the call";
      function(text.c_str(), data);
      text.assign(text.size(), '?');
    });
  };
  EXPECT_EQ(loop->run_until_complete(from_callback<void(const char*, void*), std::string>(start)),
            "a text that is gone after the call");
}

TEST_F(CCallback, TakesOverWhatCannotBeCopied) {
  const auto start = [](void (*function)(Request*, void*), void* data) { function(new Request{.id = 3}, data); };
  const auto got = loop->run_until_complete(from_callback<void(Request*, void*), std::unique_ptr<Request>>(start));
  EXPECT_EQ(got->id, 3);
}

TEST_F(CCallback, ThrowsAnErrorThatComesFirst) {
  using Read = int(int, const char*, void*);
  int returned = -1;
  const auto fails = [&](Read* function, void* data) { returned = function(ENOENT, nullptr, data); };
  EXPECT_THROW(loop->run_until_complete(from_callback<Read, std::string>(error_first, fails)), FileNotFoundError);
  EXPECT_EQ(returned, 0);
  const auto works = [&](Read* function, void* data) { function(0, "text", data); };
  EXPECT_EQ((loop->run_until_complete(from_callback<Read, std::string>(error_first, works))), "text");
}

TEST_F(CCallback, ThrowsANegativeErrno) {
  using Done = void(Request*, long);
  Request request;
  const auto start_with = [&](long number) {
    return [&request, number](Done* function, void* data) {
      request.data = data;
      function(&request, number);
    };
  };
  using Result = void(long, void*);
  const auto fails = [](Result* function, void* data) { function(-ECONNREFUSED, data); };
  EXPECT_THROW(loop->run_until_complete(from_callback<Result>(negative_errno, fails)), ConnectionRefusedError);
  const auto works = [](Result* function, void* data) { function(12, data); };
  EXPECT_EQ(loop->run_until_complete(from_callback<Result>(negative_errno, works)), 12);
  const auto got = loop->run_until_complete(from_callback<Done>(once | user_data<&Request::data>, start_with(12)));
  EXPECT_EQ(got, std::tuple(&request, 12L));
  const auto after_the_struct = negative_errno | user_data<&Request::data>;
  EXPECT_THROW(loop->run_until_complete(from_callback<Done>(after_the_struct, start_with(-EPIPE))), BrokenPipeError);
  EXPECT_EQ(loop->run_until_complete(from_callback<Done>(after_the_struct, start_with(12))), 12);
}

TEST_F(CCallback, LeavesOutTheStructBeforeAnErrorThatComesFirst) {
  using Looked = void(Request*, int, const char*);
  Request request;
  const auto start_with = [&](int error) {
    return [&request, error](Looked* function, void* data) {
      request.data = data;
      function(&request, error, "text");
    };
  };
  const auto how = error_first | user_data<&Request::data>;
  EXPECT_THROW(loop->run_until_complete(from_callback<Looked>(how, start_with(ENOENT))), FileNotFoundError);
  EXPECT_EQ((loop->run_until_complete(from_callback<Looked, std::string>(how, start_with(0)))), "text");
}

/// A library's, that calls one of two functions.
struct Loader {
  using Loaded = void(void*, int);
  using Failed = void(void*, const char*);
  void load(int size, void* user_data, Loaded* on_loaded, Failed* on_failed) {
    loaded = on_loaded;
    failed = on_failed;
    data = user_data;
    if (size < 0) return failed(data, "negative");
    loaded(data, size);
  }
  Loaded* loaded = nullptr;
  Failed* failed = nullptr;
  void* data = nullptr;
};

TEST_F(CCallback, MayBeOneOfTwoFunctionsThatShareAPointer) {
  Loader loader;
  const auto load = [&](int size) {
    const auto start = [&loader, size](auto* succeeded, auto* failed, void* data) {
      loader.load(size, data, succeeded, failed);
    };
    return from_callback<Loader::Loaded, Loader::Failed>(success_failure, start);
  };
  EXPECT_EQ(loop->run_until_complete(load(3)), 3);
  loop->call_soon([&] { loader.failed(loader.data, "after all"); });
  run_for(1s);
  EXPECT_THAT(reports, ElementsAre("callback was called more than once"));
  try {
    loop->run_until_complete(load(-3));
    FAIL();
  } catch (const RuntimeError& error) {
    EXPECT_STREQ(error.what(), "negative");
  }
  const auto bare = [](void (*succeeded)(const char*, void*), void (*)(void*), void* data) { succeeded("text", data); };
  EXPECT_EQ((loop->run_until_complete(
                from_callback<void(const char*, void*), void(void*), std::string>(success_failure, bare))),
            "text");
  const auto fails = [](void (*)(const char*, void*), void (*failed)(void*), void* data) { failed(data); };
  EXPECT_THROW((loop->run_until_complete(
                   from_callback<void(const char*, void*), void(void*), std::string>(success_failure, fails))),
               RuntimeError);
}

struct RefusesItsText {
  explicit RefusesItsText(const char* text) { throw ValueError(text); }
};

// Nothing may be thrown through C.
TEST_F(CCallback, ThrowsAtTheAwaitWhatMakingTheValueThrows) {
  const auto start = [](void (*function)(const char*, void*), void* data) { function("refused", data); };
  EXPECT_THROW(loop->run_until_complete(from_callback<void(const char*, void*), RefusesItsText>(start)), ValueError);
}

// --- who calls when

TEST_F(CCallback, MayBeCalledInAnotherThread) {
  std::thread thread;
  const auto start = [&](Count* function, void* data) { thread = std::thread([=] { function(data, 7); }); };
  EXPECT_EQ(loop->run_until_complete(from_callback<Count>(start)), 7);
  thread.join();
}

TEST_F(CCallback, WorksInAGeneratorBasedCoroutine) {
  const auto start = [&](Count* function, void* data) { loop->call_later(1s, [=] { function(data, 7); }); };
  const auto old_style = coroutine<int>([&] { return yield_from(from_callback<Count>(start)); });
  EXPECT_EQ(loop->run_until_complete(old_style()), 7);
}

TEST_F(CCallback, ReportsASecondCallWithThePlaceOfTheAwait) {
  const auto start = [](Count* function, void* data) {
    function(data, 1);
    function(data, 2);
  };
  const auto line = std::source_location::current().line() + 1;
  EXPECT_EQ(loop->run_until_complete(from_callback<Count>(start)), 1);
  EXPECT_THAT(reports, ElementsAre("callback was called more than once"));
  ASSERT_EQ(sources.size(), 1U);
  EXPECT_TRUE(sources[0].ends_with("c_callback_test.cpp:" + std::to_string(line))) << sources[0];
}

TEST_F(CCallback, ReportsASecondCallWhenTheWaitHasEnded) {
  loop->call_later(1s, [this] { answer(1); });
  EXPECT_EQ(loop->run_until_complete(from_callback<Count>(keep())), 1);
  loop->call_soon([this] { answer(2); });
  run_for(1s);
  EXPECT_THAT(reports, ElementsAre("callback was called more than once"));
}

TEST_F(CCallback, ReportsASecondCallInAThreadThatRunsNoLoop) {
  EXPECT_EQ(loop->run_until_complete(from_callback<Count>([this](Count* function, void* data) {
    kept = {function, data};
    answer(1);
  })),
            1);
  const segue::testing::UnraisableReports ignored;
  std::thread([this] { answer(2); }).join();
  EXPECT_THAT(ignored.lines, ElementsAre(StartsWith("callback made at ")));
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CCallback, ReportsAPointerThatIsNotItsOwn) {
  const auto start = [&](Count* function, void* data) {
    function(nullptr, 1);
    function(&loop, 1);
    function(data, 2);
  };
  EXPECT_EQ(loop->run_until_complete(from_callback<Count>(start)), 2);
  EXPECT_EQ(reports.size(), 2U);
  EXPECT_THAT(reports, Each(::testing::StartsWith("callback was called with a pointer that is not the one")));
}

// --- when nobody waits any more

TEST_F(CCallback, IgnoresALateCall) {
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(from_callback<Count>(keep()), 1s)), TimeoutError);
  answer(7);
  loop->call_soon([this] { answer(8); });
  run_for(1s);
  std::thread([this] { answer(9); }).join();
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CCallback, IgnoresACallWhereTheCoroutineWasClosed) {
  const auto wait = [this]() -> Coroutine<int> { co_return co_await from_callback<Count>(keep()); };
  loop->call_soon([this, stepped = std::make_shared<Coroutine<int>>(wait())] {
    stepped->send();
    stepped->close();
    answer(7);
  });
  run_for(1s);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CCallback, IgnoresACallWhenTheLoopIsGone) {
  const auto wait = [this]() -> Coroutine<int> { co_return co_await from_callback<Count>(keep()); };
  loop->call_soon([&] { loop->create_task(wait()); });
  run_for(1s);
  loop = nullptr;
  answer(7);
  std::thread([this] { answer(8); }).join();
  EXPECT_THAT(reports, ElementsAre("Task was destroyed but it is pending!"));
}

TEST_F(CCallback, IgnoresACallWhenTheLoopIsClosed) {
  const auto wait = [this]() -> Coroutine<int> { co_return co_await from_callback<Count>(keep()); };
  const auto task = loop->create_task(wait());
  run_for(1s);
  loop->close();
  answer(7);
  EXPECT_FALSE(task.done());
}

TEST_F(CCallback, LeavesNothingBehindWhereTheInitiationThrows) {
  const auto start = [this](Count* function, void* data) {
    kept = {function, data};
    throw ValueError("refused");
  };
  EXPECT_THROW(loop->run_until_complete(from_callback<Count>(start)), ValueError);
  answer(7);
  EXPECT_THAT(reports, IsEmpty());
}

TEST_F(CCallback, WaitsForTheCallOfACancelledOperation) {
  const auto main = [this]() -> Coroutine<int> {
    const auto cancel = [this] { loop->call_later(1s, [this] { answer(-ECANCELED); }); };
    co_return co_await from_callback<Count>(keep(), cancel);
  };
  const auto start = loop->time();
  EXPECT_THROW(loop->run_until_complete(modern::wait_for(main(), 1s)), TimeoutError);
  EXPECT_EQ(loop->time() - start, 2s);
  EXPECT_THAT(reports, IsEmpty());
}

// More than a block of tickets, twice, so that all are used again.
TEST_F(CCallback, KeepsManyCallsApart) {
  constexpr int calls = 3000;
  for (int round = 0; round < 2; ++round) {
    std::vector<Registered<Count>> all;
    const auto start = [&](Count* function, void* data) { all.push_back({function, data}); };
    const auto wait = [&]() -> Coroutine<int> { co_return co_await from_callback<Count>(start); };
    std::vector<modern::Task<int>> tasks;
    for (int i = 0; i < calls; ++i) tasks.push_back(loop->create_task(wait()));
    run_for(1s);
    for (int i = calls; i-- > 0;) all[static_cast<std::size_t>(i)].function(all[static_cast<std::size_t>(i)].data, i);
    const std::vector<int> got = loop->run_until_complete(modern::gather(tasks));
    int wrong = 0;
    for (int i = 0; i < calls; ++i) wrong += got[static_cast<std::size_t>(i)] == i ? 0 : 1;
    EXPECT_EQ(wrong, 0);
  }
  EXPECT_THAT(reports, IsEmpty());
}

// Each wait ends while the worker may be anywhere within its calls. For ThreadSanitizer above all.
TEST(CCallbackInThreads, TakesACallOnceWhileTheWaitEnds) {
  constexpr int times = 60;
  const auto loop = modern::new_event_loop();
  loop->set_exception_handler([](auto&, const auto&) {});
  const segue::testing::UnraisableReports ignored;
  int ended = 0;
  const auto main = [&]() -> Coroutine<> {
    for (int i = 0; i < times; ++i) {
      std::thread worker;
      const auto start = [&](void (*function)(void*, int), void* data) {
        worker = std::thread([=] {
          function(data, 1);
          function(data, 2);
        });
      };
      const auto wait = [&]() -> Coroutine<int> { co_return co_await from_callback<void(void*, int)>(start); };
      const auto task = modern::create_task(wait());
      co_await modern::sleep(0s);
      wait_a_little(i);
      task.cancel();
      try {
        const int value = co_await task;
        if (value == 1) ++ended;
      } catch (const CancelledError&) {
        ++ended;
      }
      worker.join();
    }
  };
  loop->run_until_complete(main());
  EXPECT_EQ(ended, times);
}

// POSIX hands the pointer over in a union, by value, in a thread of its own.
TEST_F(CCallback, GivesItsPointerInAUnion) {
  struct Event {
    void (*notify)(sigval);
    sigval value;
  };
  const auto notify_later = [](const Event& event) { std::thread(event.notify, event.value).detach(); };
  const auto start = [&](auto* call, void* data) { notify_later({call, {.sival_ptr = data}}); };
  const auto wait = [&]() -> Coroutine<> {
    auto notified = from_callback<void(sigval)>(once | user_data<&sigval::sival_ptr>, start);
    static_assert(std::is_void_v<decltype(notified)::Result>);
    co_await std::move(notified);
  };
  make_loop()->run_until_complete(wait());
}

}  // namespace
}  // namespace segue::bridge
