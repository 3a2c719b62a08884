// A newspaper that is read page by page, while it is printed; and who clears up the press.

#include <cctype>
#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::AsyncGenerator;
using asyncio::Coroutine;
using asyncio::LoopControl;

AsyncGenerator<std::string> press(int pages) {
  fmt::print("  press on\n");
  std::exception_ptr error;
  try {
    for (int number = 1; number <= pages; ++number) {
      co_await asyncio::sleep(5ms);
      co_yield fmt::format("page {}", number);
    }
  } catch (...) {
    error = std::current_exception();
  }
  // Clearing up may wait, too; C++ has no co_await inside a handler, so it comes after.
  co_await asyncio::sleep(0s);
  fmt::print("  press off\n");
  if (error) std::rethrow_exception(error);
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(c));
  return text;
}

AsyncGenerator<std::string> headlines(AsyncGenerator<std::string>& pages) {
  // One generator on top of another.
  for (;;) {
    const std::optional<std::string> page = co_await pages.next_or_none();
    if (!page) break;
    co_yield upper(*page);
  }
}

const auto show = [](const std::string& page) { fmt::print("  {}\n", page); };
const auto show_one = [](const std::string& page) {
  show(page);
  return LoopControl::break_;
};

AsyncGenerator<std::string, std::string> interview() {
  const std::string name = co_yield "your name?";
  const std::string age = co_yield name + ", your age?";
  co_yield age + ", really?";
}

Coroutine<> async_main() {
  fmt::print("- to the end\n");
  co_await asyncio::async_for(press(2), show);

  fmt::print("- leaving early leaves it open\n");
  AsyncGenerator<std::string> paper = press(9);
  co_await asyncio::async_for(paper, show_one);
  fmt::print("  gone for coffee\n");
  show(co_await asyncio::anext(paper));
  co_await paper.aclose();

  fmt::print("- unless somebody is asked to close it\n");
  const auto read = [](AsyncGenerator<std::string>& paper) -> Coroutine<> {
    co_await asyncio::async_for(headlines(paper), show_one);
  };
  co_await asyncio::async_with(contextlib::aclosing(press(9)), read);
  fmt::print("  after the block\n");

  fmt::print("- talking back\n");
  AsyncGenerator<std::string, std::string> questions = interview();
  show(co_await questions.anext());
  show(co_await questions.asend("Ada"));
  show(co_await questions.asend("36"));
  co_await questions.aclose();

  fmt::print("- one that is dropped is closed by the loop, a little later\n");
  {
    AsyncGenerator<std::string> dropped = press(9);
    show(co_await asyncio::anext(dropped));
  }
  fmt::print("  dropped\n");
  co_await asyncio::sleep(5ms);
  fmt::print("- the end\n");
}

int main() { asyncio::run(async_main()); }
