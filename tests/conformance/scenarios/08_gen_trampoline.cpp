// A round-robin scheduler made of bare generators: spawn, sleep-by-ticks, channels, join, kill.
#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <segue/legacy/generator.hpp>

#include "trace.hpp"

using namespace segue;
using namespace segue::legacy;
using namespace trace;

namespace {

struct Command;
using Gen = Generator<Command, Value, Value>;
using GenPtr = std::shared_ptr<Gen>;  // a generator is held in several places here

// What a generator asks the scheduler for: an operation with its arguments.
struct Command {
  std::string op;
  List a = {};
  GenPtr gen = nullptr;
};
using Yield = Gen::YielderType;

template <class... Arguments>
GenPtr make(Arguments&&... arguments) {
  return std::make_shared<Gen>(std::forward<Arguments>(arguments)...);
}

class Sched {
 public:
  int tick = 0;
  std::map<GenPtr, int> names;

  int spawn(GenPtr gen) {
    seq_ += 1;
    names[gen] = seq_;
    ready_.push_back({gen, "send", {}});
    return seq_;
  }

  void finish(const GenPtr& gen, const std::string& kind, const Value& val) {
    const int tid = names.extract(gen).mapped();
    result_[tid] = {kind, val};
    print("t" + str(tick), "task" + str(tid), kind, val);
    for (const GenPtr& j : std::exchange(joiners_[tid], {}))
      ready_.push_back({j, kind == "ret" ? "send" : "throw", val});
  }

  void run() {
    while (!ready_.empty() || !timers_.empty()) {
      tick += 1;
      std::vector<Timer> due;
      std::erase_if(timers_, [&](const Timer& t) {
        if (t.at <= tick) due.push_back(t);
        return t.at <= tick;
      });
      for (const Timer& t : due) ready_.push_back({t.gen, "send", {}});
      for (std::size_t n = ready_.size(); n > 0; --n) {
        const Ready next = std::move(ready_.front());
        ready_.pop_front();
        if (!names.contains(next.gen)) continue;
        Command cmd;
        try {
          cmd = next.how == "send" ? next.gen->send(next.val) : next.gen->throw_(next.val.as<std::exception_ptr>());
        } catch (const StopIteration<Value>& e) {
          finish(next.gen, "ret", e.value);
          continue;
        } catch (const Exception&) {
          finish(next.gen, "err", std::current_exception());
          continue;
        }
        command(next.gen, cmd);
      }
    }
  }

 private:
  struct Ready {
    GenPtr gen;
    std::string how;
    Value val;
  };
  struct Timer {
    int at;
    GenPtr gen;
  };

  void command(const GenPtr& gen, const Command& cmd) {
    const auto& [op, a, spawned] = cmd;
    if (op == "sleep") {
      timers_.push_back({tick + a[0].as<int>(), gen});
    } else if (op == "spawn") {
      const int tid = spawn(spawned);
      ready_.push_back({gen, "send", tid});
    } else if (op == "put") {
      const auto& ch = a[0].as<std::string>();
      const Value& v = a[1];
      if (!waiting_[ch].empty()) {
        ready_.push_back({waiting_[ch].front(), "send", v});
        waiting_[ch].pop_front();
      } else {
        chan_[ch].push_back(v);
      }
      ready_.push_back({gen, "send", {}});
    } else if (op == "get") {
      const auto& ch = a[0].as<std::string>();
      if (!chan_[ch].empty()) {
        ready_.push_back({gen, "send", chan_[ch].front()});
        chan_[ch].pop_front();
      } else {
        waiting_[ch].push_back(gen);
      }
    } else if (op == "join") {
      const int t = a[0].as<int>();
      if (result_.contains(t)) {
        const auto& [k, v] = result_[t];
        ready_.push_back({gen, k == "ret" ? "send" : "throw", v});
      } else {
        joiners_[t].push_back(gen);
      }
    } else if (op == "kill") {
      const int t = a[0].as<int>();
      for (const auto& [g2, n] : std::map(names)) {
        if (n == t) {
          names.erase(g2);
          g2->close();
          print("t" + str(tick), "task" + str(t), "killed");
        }
      }
      ready_.push_back({gen, "send", {}});
    } else {
      ready_.push_back({gen, "throw", std::make_exception_ptr(TypeError("bad command " + op))});
    }
  }

  std::deque<Ready> ready_;
  std::vector<Timer> timers_;
  std::map<std::string, std::deque<Value>> chan_;
  std::map<std::string, std::deque<GenPtr>> waiting_;
  std::map<int, std::pair<std::string, Value>> result_;
  std::map<int, std::vector<GenPtr>> joiners_;
  int seq_ = 0;
};

Value put(Yield& yield, const std::string& ch, const Value& v) {
  yield({"put", {ch, v}});
  return {};
}

Value get(Yield& yield, const std::string& ch) {
  const Value v = yield({"get", {ch}});
  return v;
}

Value producer(Yield& yield, const std::string& ch, int n) {
  for (int i = 0; i < n; ++i) {
    yield.from(Gen(put, ch, i * i));
    yield({"sleep", {1}});
  }
  yield.from(Gen(put, ch, None()));
  return n;
}

Value consumer(Yield& yield, const std::string& name, const std::string& ch) {
  int s = 0;
  while (true) {
    const Value v = yield.from(Gen(get, ch));
    print("  ", name, "got", v);
    if (!v.has_value()) break;
    s += v.as<int>();
  }
  return tuple(name, s);
}

Value failing(Yield& yield) {
  yield({"sleep", {2}});
  throw ValueError("bad luck");
}

Value forever(Yield& yield) {
  struct Finally {
    ~Finally() { print("   forever cleanup"); }
  } const finally;
  while (true) yield({"sleep", {1}});
}

Value main_(Yield& yield) {
  const Value c = yield({"spawn", {}, make(consumer, "C", "ch")});
  const Value p = yield({"spawn", {}, make(producer, "ch", 4)});
  const Value f = yield({"spawn", {}, make(failing)});
  const Value z = yield({"spawn", {}, make(forever)});
  print("   ids", c, p, f, z);
  try {
    yield({"join", {f}});
  } catch (const ValueError& e) {
    print("   join f raised", e);
  }
  try {
    yield({"dance"});
  } catch (const TypeError& e) {
    print("   ", e);
  }
  Value r = yield({"join", {c}});
  print("   join c", r);
  yield({"kill", {z}});
  r = yield({"join", {p}});
  print("   join p", r);
  return "main done";
}

}  // namespace

int main() {
  Sched s;
  s.spawn(make(main_));
  s.run();
  print("ticks", s.tick, "left", s.names.size());
}
