// Each lesson that has a main task, cancelled at each of its awaits; but for the one on debug mode, whose point is what
// it leaves, and 14, which waits in Asio's io_context, in real time. What they include comes first, so that each has
// its names in a namespace of its own.
#include <stdlib.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <segue/asyncio.hpp>
#include <segue/modern/kernel/log.hpp>
#include <segue/segue.hpp>

#include "cancellation/everywhere.hpp"

#pragma GCC diagnostic ignored "-Wreturn-type"  // main() may do without a return, and is an ordinary function here

namespace lesson_05 {
#include "lessons/05-fetches/lesson.cpp"
}
namespace lesson_06 {
#include "lessons/06-cooks/lesson.cpp"
}
namespace lesson_07 {
#include "lessons/07-gather/lesson.cpp"
}
namespace lesson_08 {
#include "lessons/08-gather-errors/lesson.cpp"
}
namespace lesson_09 {
#include "lessons/09-files/lesson.cpp"
}
namespace lesson_10 {
#include "lessons/10-producer-consumer/lesson.cpp"
}
namespace lesson_11 {
#include "lessons/11-pipeline/lesson.cpp"
}
namespace lesson_12 {
#include "lessons/12-cancellation/lesson.cpp"
}
namespace lesson_17 {
#include "lessons/17-context-variables/lesson.cpp"
}
namespace lesson_18 {
#include "lessons/18-async-generators/lesson.cpp"
}
namespace lesson_19 {
#include "lessons/19-task-group/lesson.cpp"
}
namespace lesson_20 {
#include "lessons/20-first-of-ten/lesson.cpp"
}
namespace lesson_22 {
#include "lessons/22-threads/lesson.cpp"
}
namespace lesson_23 {
#include "lessons/23-managers-and-iterators/lesson.cpp"
}
namespace lesson_24 {
#include "lessons/24-timeouts/lesson.cpp"
}

namespace {

using segue::testing::cancel_a_program_everywhere;

TEST(CancelledLesson, fetches) { cancel_a_program_everywhere(lesson_05::async_main); }
TEST(CancelledLesson, cooks) { cancel_a_program_everywhere(lesson_06::async_main); }
TEST(CancelledLesson, gather) { cancel_a_program_everywhere(lesson_07::async_main); }
TEST(CancelledLesson, gather_errors) { cancel_a_program_everywhere(lesson_08::async_main); }
TEST(CancelledLesson, files) { cancel_a_program_everywhere(lesson_09::async_main, "09-files"); }
TEST(CancelledLesson, producer_consumer) { cancel_a_program_everywhere(lesson_10::async_main); }
TEST(CancelledLesson, pipeline) { cancel_a_program_everywhere(lesson_11::async_main); }
TEST(CancelledLesson, cancellation) { cancel_a_program_everywhere(lesson_12::async_main); }
TEST(CancelledLesson, context_variables) { cancel_a_program_everywhere(lesson_17::async_main); }
TEST(CancelledLesson, async_generators) { cancel_a_program_everywhere(lesson_18::async_main); }
TEST(CancelledLesson, task_group) { cancel_a_program_everywhere(lesson_19::async_main); }
TEST(CancelledLesson, first_of_ten) { cancel_a_program_everywhere(lesson_20::async_main); }
TEST(CancelledLesson, threads) { cancel_a_program_everywhere(lesson_22::async_main); }
TEST(CancelledLesson, managers_and_iterators) { cancel_a_program_everywhere(lesson_23::async_main); }
TEST(CancelledLesson, timeouts) { cancel_a_program_everywhere(lesson_24::async_main); }

}  // namespace
