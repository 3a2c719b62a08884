// send/next protocol, one-shot StopIteration value, states, re-entry error.
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>
#include <segue/os_error.hpp>

#include "trace.hpp"

using namespace segue;
using namespace segue::legacy;
using namespace trace;

namespace {

// A StopIteration has the type of what the generator returns.
template <class Return = void, class Call>
void show(const char* label, Call fn) {
  try {
    const auto v = value_of(fn);
    print(label, "->", v);
  } catch (const StopIteration<stored_t<Return>>& e) {
    print(label, "-> StopIteration", e.value);
  } catch (const StopIterationBase&) {
    print(label, "-> StopIteration", None());
  } catch (const BaseException& e) {
    print(label, "-> raised", type_name(e) + ":", e);
  }
}

template <class Yield, class Send, class Return>
std::string_view st(const Generator<Yield, Send, Return>& g) {
  return to_string(getgeneratorstate(g));
}

// A: send/receive with echo of what the body sees
using Accumulated = std::tuple<std::string, int>;

Accumulated acc(Yielder<int, std::optional<int>>& yield) {
  int total = 0;
  struct Finally {
    ~Finally() { print("  body: finally", total); }
    int& total;
  } const finally{total};
  print("  body: start");
  while (total < 10) {
    std::optional<int> got = yield(total);
    print("  body: got", got);
    if (!got) got = 1;
    total += *got;
  }
  return {"done", total};
}

void a() {
  Generator<int, std::optional<int>, Accumulated> g(acc);
  print("A state", st(g));
  show("A send(5) before start", [&] { return g.send(5); });
  print("A state after refused send", st(g));
  show("A send(None)", [&] { return g.send(std::nullopt); });
  print("A state", st(g));
  show("A send(4)", [&] { return g.send(4); });
  show("A next", [&] { return g.next(); });
  show<Accumulated>("A send(7)", [&] { return g.send(7); });
  print("A state", st(g));
  show("A next after end", [&] { return g.next(); });
  show("A send(3) after end", [&] { return g.send(3); });
  show("A close after end", [&] { return g.close(); });
}

// B: an exception ends the generator for good
void boom(Yielder<int>& yield) {
  yield(1);
  throw IndexError("k1");
}

void b() {
  Generator<int> g(boom);
  show("B next", [&] { return g.next(); });
  show("B next", [&] { return g.next(); });
  print("B state", st(g));
  show("B next", [&] { return g.next(); });
}

// C: re-entering itself while running; the error lands at the inner call only
using Selfish = Generator<std::string, std::optional<std::string>>;
std::vector<Selfish*> holder;

void selfish(Selfish::YielderType& yield) {
  print("  body state", st(*holder[0]));
  for (const std::string op : {"next", "send", "throw", "close"}) {
    try {
      if (op == "next") {
        holder[0]->next();
      } else if (op == "send") {
        holder[0]->send(std::nullopt);
      } else if (op == "throw") {
        holder[0]->throw_(OSError("x"));
      } else {
        holder[0]->close();
      }
    } catch (const ValueError& e) {
      print("  inner", op, "->", type_name(e) + ":", e);
    }
  }
  const std::optional<std::string> got = yield("survived");
  print("  body got", got);
  yield("still alive");
}

void c() {
  Selfish g(selfish);
  holder.push_back(&g);
  show("C next", [&] { return g.next(); });
  show("C send", [&] { return g.send("hello"); });
  print("C state", st(g));
  show("C next", [&] { return g.next(); });
}

// D: value of return is seen only by the resume that finished it
int once(Yielder<None>&) { return 42; }

void d() {
  Generator<None, void, int> g(once);
  show<int>("D first", [&] { return g.next(); });
  show<int>("D second", [&] { return g.next(); });
}

// E: for-loop drops the value; list drops it; yield expression default is None
using Mix = Generator<Value, Value, Value>;

Value mix(Mix::YielderType& yield) {
  const Value a = yield("a");
  const Value b = yield(tuple("b", a));
  return tuple("ret", a, b);
}

void e() {
  print("E list", list(Mix(mix)));
  Mix g(mix);
  show("E next", [&] { return g.next(); });
  show("E send", [&] { return g.send("X"); });
  show<Value>("E send", [&] { return g.send("Y"); });
}

}  // namespace

int main() {
  a();
  b();
  c();
  d();
  e();
}
