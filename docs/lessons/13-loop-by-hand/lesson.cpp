// An event loop written by hand: it drives coroutines with `send()`, and time is a number.

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

class Loop {
 public:
  int now = 0;

  void spawn(std::string name, Coroutine<std::string> coroutine) {
    ready_.emplace_back(std::move(name), std::move(coroutine));
  }

  Coroutine<> sleep(int ticks) {
    // Leaves word when to be woken; the bare yield of asyncio::sleep(0s) then goes up to run().
    alarm_ = now + ticks;
    co_await asyncio::sleep(0s);
  }

  void run() {
    while (!ready_.empty() || !sleeping_.empty()) {
      if (ready_.empty()) {
        // Nobody can go on: time jumps to the first alarm.
        Sleeper first = take_first_sleeper();
        now = first.when;
        ready_.emplace_back(std::move(first.name), std::move(first.coroutine));
      }
      auto [name, coroutine] = std::move(ready_.front());
      ready_.pop_front();
      step(std::move(name), std::move(coroutine));
    }
  }

 private:
  struct Sleeper {
    int when;
    std::string name;
    Coroutine<std::string> coroutine;
    // Equal alarms ring in the order of the names.
    bool operator>(const Sleeper& other) const { return std::tie(when, name) > std::tie(other.when, other.name); }
  };

  void step(std::string name, Coroutine<std::string> coroutine) {
    alarm_.reset();
    try {
      coroutine.send();
    } catch (const StopIteration<std::string>& end) {
      fmt::print("{:3} {} returned: {}\n", now, name, end.value);
      return;
    } catch (const ValueError& error) {
      fmt::print("{:3} {} failed: {}\n", now, name, error.what());
      return;
    }
    if (!alarm_) {
      ready_.emplace_back(std::move(name), std::move(coroutine));
    } else {
      sleeping_.push_back({*alarm_, std::move(name), std::move(coroutine)});
      std::push_heap(sleeping_.begin(), sleeping_.end(), std::greater());
    }
  }

  Sleeper take_first_sleeper() {
    std::pop_heap(sleeping_.begin(), sleeping_.end(), std::greater());
    Sleeper first = std::move(sleeping_.back());
    sleeping_.pop_back();
    return first;
  }

  std::deque<std::pair<std::string, Coroutine<std::string>>> ready_;
  std::vector<Sleeper> sleeping_;  // a heap: a coroutine is moved out of it, which std::priority_queue does not let
  std::optional<int> alarm_;
};

Coroutine<std::string> drive(Loop& loop, std::string line, std::vector<std::string> stops, int minutes) {
  for (const std::string& stop : stops) {
    fmt::print("{:3} {} at {}\n", loop.now, line, stop);
    co_await loop.sleep(minutes);
  }
  co_return fmt::format("{} stops", stops.size());
}

Coroutine<std::string> look_round(Loop& loop, int rounds) {
  // Never sleeps, only lets the others go first.
  for (int number = 1; number <= rounds; ++number) {
    fmt::print("{:3} inspector looks round, {} of {}\n", loop.now, number, rounds);
    co_await asyncio::sleep(0s);
  }
  co_return "nothing to report";
}

Coroutine<std::string> night_tram(Loop& loop) {
  co_await loop.sleep(20);
  fmt::print("{:3} night tram: a tree on the rails\n", loop.now);
  throw ValueError("no way through");
}

Coroutine<std::string> day(Loop& loop) {
  // A coroutine awaited here is part of this one: the loop sees a single chain.
  const std::vector<std::string> there = {"Mill", "Bridge"}, home = {"Bridge", "Mill"};
  const std::string forth = co_await drive(loop, "tram 2", there, 5);
  const std::string back = co_await drive(loop, "tram 2", home, 5);
  co_return fmt::format("{} forth, {} back", forth, back);
}

int main() {
  Loop loop;
  loop.spawn("tram 1", drive(loop, "tram 1", {"Market", "Castle", "Docks"}, 4));
  loop.spawn("tram 2", day(loop));
  loop.spawn("inspector", look_round(loop, 3));
  loop.spawn("night tram", night_tram(loop));
  loop.run();
  fmt::print("last bell at {}\n", loop.now);
}
