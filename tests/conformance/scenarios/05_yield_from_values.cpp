// Delegation: values both ways, result of the expression, plain iterators, self-delegation.
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <segue/legacy/generator.hpp>
#include <segue/legacy/iter.hpp>

#include "trace.hpp"

using namespace segue;
using namespace segue::legacy;
using namespace trace;

namespace {

// Anything is yielded, sent and returned here, as in Python.
using Gen = Generator<Value, Value, Value>;
using Yield = Gen::YielderType;

template <class Call>
void run(const char* label, Call fn) {
  try {
    const auto v = value_of(fn);
    print(label, "->", v);
  } catch (const StopIteration<Value>& e) {
    print(label, "-> StopIteration", e.value);
  } catch (const StopIterationBase&) {
    print(label, "-> StopIteration", None());
  } catch (const BaseException& e) {
    print(label, "->", type_name(e) + ":", e);
  }
}

Value level(Yield& yield, int n) {
  if (n == 0) {
    const Value a = yield("L0-a");
    print("  L0 got", a);
    const Value b = yield("L0-b");
    print("  L0 got", b);
    return List{a, b};
  }
  print("  enter", n);
  List r = list(yield.from(Gen(level, n - 1)));
  print("  leave", n, r);
  r.push_back(n);
  return r;
}

// Python's `yield from` calls __iter__ itself; C++ has no such thing for what is not a range.
template <class Iterable>
Iterable& iterator_of(Iterable& it) {
  if constexpr (requires { it.iter(); }) it.iter();
  return it;
}

// `it` is referred to where it has a name, as a Python object would be, and kept otherwise.
template <class Iterable>
Gen over(Iterable&& it) {
  return Gen([it = std::tuple<Iterable>(std::forward<Iterable>(it))](Yield& yield) mutable -> Value {
    const Value r = value_of([&] { return yield.from(iterator_of(std::get<0>(it))); });
    print("  result", r);
    const Value tail = yield("tail");
    print("  tail got", tail);
    return "end";
  });
}

template <class Iterable>
Gen guarded(Iterable it) {
  return Gen([it = std::move(it)](Yield& yield) mutable -> Value {
    try {
      yield.from(it);
    } catch (const AttributeError& e) {
      print("  guard caught AttributeError", str(e).find("send") != std::string::npos);
    }
    yield("after");
    return {};
  });
}

Value empties(Yield& yield) {
  const Value r1 = value_of([&] { return yield.from(List()); });
  const Value r2 = value_of([&] { return yield.from(iter(std::vector<int>())); });
  const Value r3 = value_of([&] { return yield.from(Generator<Value, Value>([](auto&) {})); });
  const auto ret = [](Yield&) -> Value { return "imm"; };
  const Value r4 = yield.from(Gen(ret));
  return tuple(r1, r2, r3, r4);
}

class Recorder {
 public:
  using return_type = Value;
  List log;

  void iter() { log.emplace_back("iter"); }
  Value next() {
    log.emplace_back("next");
    if (++n_ > 3) throw StopIteration<Value>("rec-value");
    return n_;
  }
  Value send(const Value& v) {
    log.emplace_back(tuple("send", v));
    return tuple("s", v);
  }

 private:
  int n_ = 0;
};

Value inner(Yield& yield) {
  for (int i = 0; i < 6; ++i) {
    const Value got = yield(i);
    if (got.has_value()) print("  inner got", got);
  }
  return "R";
}

}  // namespace

int main() {
  print("A five levels");
  Gen g(level, 4);
  run("A next", [&] { return g.next(); });
  run("A send", [&] { return g.send("x"); });
  run("A send", [&] { return g.send("y"); });

  print("B plain iterators: None maps to next, other values have nowhere to go");
  g = over(iter(List{10, 20, 30}));
  run("B next", [&] { return g.next(); });
  run("B send(None)", [&] { return g.send(None()); });
  run("B send(7)", [&] { return g.send(7); });
  run("B next after failure", [&] { return g.next(); });

  g = guarded(iter(std::string("ab")));
  run("B2 next", [&] { return g.next(); });
  run("B2 send", [&] { return g.send(1); });
  run("B2 next", [&] { return g.next(); });

  print("C empty delegates never suspend");
  run("C", [] { return Gen(empties).next(); });

  print("D custom object: which entry points are used");
  Recorder rec;
  g = over(rec);
  run("D next", [&] { return g.next(); });
  run("D send(None)", [&] { return g.send(None()); });
  run("D send(9)", [&] { return g.send(9); });
  run("D next", [&] { return g.next(); });
  run("D next", [&] { return g.next(); });
  print("D log", rec.log);

  print("E an exhausted generator as delegate gives None");
  Gen src(level, 0);
  src.next();
  src.close();
  g = over(src);
  run("E", [&] { return g.next(); });

  print("F partially consumed delegate continues where it was");
  src = Gen(level, 0);
  run("F direct", [&] { return src.next(); });
  g = over(src);
  run("F via", [&] { return g.next(); });
  run("F via", [&] { return g.send("q"); });

  print("G delegating to itself");
  std::vector<Gen*> box;
  g = Gen([&](Yield& yield) -> Value {
    yield("start");
    yield.from(*box[0]);
    return {};
  });
  box.push_back(&g);
  run("G", [&] { return g.next(); });
  run("G", [&] { return g.next(); });
  run("G", [&] { return g.next(); });

  print("H same inner shared by two outers");
  Gen sh(inner);
  Gen o1 = over(sh);
  Gen o2 = over(sh);
  run("H o1", [&] { return o1.next(); });
  run("H o2", [&] { return o2.next(); });
  run("H o1", [&] { return o1.send("p"); });
  run("H o2", [&] { return o2.send("q"); });
  sh.close();
  run("H o1", [&] { return o1.next(); });
  run("H o2", [&] { return o2.next(); });
}
