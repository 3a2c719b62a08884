// What lets a twin read, and print, as its Python program does: print() under the name of ev(), values as Python's
// str() and repr() show them, and Value, which can be anything, as a name in Python can.
#pragma once

#include <any>
#include <charconv>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdio>
#include <exception>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/outcome.hpp>
#include <segue/type_name.hpp>

namespace trace {

class Value;
using List = std::vector<Value>;
/// A tuple whose length and types are known at run time only.
struct Tuple {
  List items;
  friend bool operator==(const Tuple&, const Tuple&) = default;
};

template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;
template <class T>
concept Text = std::convertible_to<const T&, std::string_view> && !std::is_null_pointer_v<T>;
template <class T>
concept Error = std::derived_from<T, segue::BaseException>;

/// Whatever a name in Python may stand for; None by default.
class Value {
 public:
  using Kinds = std::variant<std::monostate, bool, int, double, std::string, List, Tuple, std::exception_ptr>;

  Value() = default;
  /// Of anything that Python has, too: numbers, texts, exceptions, tuples, and ranges of such.
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, Value>)
  Value(T&& value) : kind_(kind_of(std::forward<T>(value))) {}  // NOLINT(google-explicit-constructor)

  /// `value is not None`. By these two names, an optional's, a generator knows that an empty one is None.
  bool has_value() const noexcept { return kind_.index() != 0; }
  void reset() noexcept { kind_ = {}; }
  template <class T>
  const T& as() const {
    return std::get<T>(kind_);
  }
  const Kinds& kind() const noexcept { return kind_; }
  friend bool operator==(const Value&, const Value&) = default;

 private:
  template <class T>
  static Kinds kind_of(T&& value) {
    using Plain = std::remove_cvref_t<T>;
    if constexpr (std::same_as<Plain, segue::None> || std::same_as<Plain, std::monostate>) {
      return {};
    } else if constexpr (std::same_as<Plain, bool>) {
      return value;
    } else if constexpr (std::same_as<Plain, char>) {
      return std::string(1, value);
    } else if constexpr (std::integral<Plain>) {
      return static_cast<int>(value);
    } else if constexpr (std::constructible_from<std::string, T>) {
      return std::string(std::forward<T>(value));
    } else if constexpr (is_tuple<Plain>) {
      return Tuple{std::apply([](auto&&... items) { return List{Value(std::forward<decltype(items)>(items))...}; },
                              std::forward<T>(value))};
    } else if constexpr (std::ranges::input_range<T> && !std::same_as<Plain, List>) {
      List items;
      for (auto&& item : value) items.emplace_back(std::forward<decltype(item)>(item));
      return items;
    } else if constexpr (requires { value.has_exception(); }) {
      return value.has_exception() ? Kinds(value.exception()) : kind_of(std::forward<T>(value).stored());
    } else if constexpr (requires { value.has_value() ? *value : *value; }) {
      return value.has_value() ? kind_of(*std::forward<T>(value)) : Kinds();
    } else {
      return std::forward<T>(value);
    }
  }

  Kinds kind_;
};

/// Python's `(a, b, c)`, of whatever types.
template <class... T>
Tuple tuple(T&&... items) {
  return {List{Value(std::forward<T>(items))...}};
}

// --- str() and repr() ---

template <class T>
std::string str(const T& value);
template <class T>
std::string repr(const T& value);

inline std::string number(double value) {
  char digits[32];
  const std::string text(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  return std::isfinite(value) && text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

template <class Range>
std::string joined_reprs(const Range& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + repr(item);
  return text;
}

inline std::string repr_of_tuple(const std::vector<std::string>& items) {
  std::string text = "(";
  for (std::size_t i = 0; i < items.size(); ++i) text += (i ? ", " : "") + items[i];
  return text + (items.size() == 1 ? ",)" : ")");
}

/// What print() shows.
template <class T>
std::string str(const T& value) {
  if constexpr (Text<T>) {
    return std::string(std::string_view(value));
  } else if constexpr (Error<T>) {
    return value.what();
  } else if constexpr (std::same_as<T, std::exception_ptr>) {
    return segue::describe(value).message;
  } else if constexpr (std::same_as<T, Value>) {
    return std::visit([](const auto& kind) { return str(kind); }, value.kind());
  } else if constexpr (requires { value.has_value() ? *value : *value; }) {
    return value.has_value() ? str(*value) : "None";
  } else {
    return repr(value);
  }
}

/// What a value looks like inside a list.
template <class T>
std::string repr(const T& value) {
  if constexpr (std::same_as<T, std::monostate> || std::same_as<T, segue::None> || std::is_null_pointer_v<T>) {
    return "None";
  } else if constexpr (std::same_as<T, std::any>) {
    return value.has_value() ? "<" + segue::type_name(value.type()) + " object>" : "None";
  } else if constexpr (std::same_as<T, bool> || std::same_as<T, std::vector<bool>::const_reference>) {
    return value ? "True" : "False";
  } else if constexpr (std::same_as<T, char>) {
    return repr(std::string(1, value));
  } else if constexpr (std::integral<T>) {
    return std::to_string(value);
  } else if constexpr (std::floating_point<T>) {
    return number(value);
  } else if constexpr (requires(T duration) { std::chrono::duration<double>(duration); } && !Number<T>) {
    return number(std::chrono::duration<double>(value).count());
  } else if constexpr (Text<T>) {
    return "'" + str(value) + "'";
  } else if constexpr (std::same_as<T, std::exception_ptr>) {
    return value ? segue::describe(value).repr() : "None";
  } else if constexpr (Error<T>) {
    return segue::ExceptionText{segue::type_name(typeid(value)), value.what()}.repr();
  } else if constexpr (std::same_as<T, Value>) {
    return std::visit([](const auto& kind) { return repr(kind); }, value.kind());
  } else if constexpr (std::same_as<T, Tuple>) {
    std::vector<std::string> items;
    for (const Value& item : value.items) items.push_back(repr(item));
    return repr_of_tuple(items);
  } else if constexpr (is_tuple<T>) {
    return std::apply([](const auto&... items) { return repr_of_tuple({repr(items)...}); }, value);
  } else if constexpr (requires { value.has_exception(); }) {
    return value.has_exception() ? repr(value.exception()) : repr(value.stored());
  } else if constexpr (requires { value.has_value() ? *value : *value; }) {
    return value.has_value() ? repr(*value) : "None";
  } else if constexpr (std::ranges::input_range<const T>) {
    return "[" + joined_reprs(value) + "]";
  } else {
    return std::string(to_string(value));
  }
}

// --- print(), and what else Python has at hand ---

/// Python's print(). An object, so that it can be handed over as a callback: `loop.call_soon(ev, "a")`.
struct Ev {
  template <class... T>
  void operator()(const T&... values) const {
    std::string line;
    std::size_t count = 0;
    ((line += (count++ ? " " : "") + str(values)), ...);
    std::puts(line.c_str());
    std::fflush(stdout);
  }
};
inline constexpr Ev ev;
inline constexpr Ev print;

/// Python's `type(e).__name__`.
inline std::string type_name(const std::exception_ptr& error) { return segue::describe(error).type; }
template <Error E>
std::string type_name(const E& error) {
  return segue::type_name(typeid(error));
}

/// Python's `e.args`, of an exception that is made with a message or with nothing.
inline Tuple args(const segue::BaseException& error) {
  Tuple args;
  if (const auto message = error.message()) args.items.emplace_back(*message);
  return args;
}

/// What `f()` gives; None where that is void.
template <class F>
auto value_of(F&& f) {
  if constexpr (std::is_void_v<decltype(f())>) {
    f();
    return segue::None();
  } else {
    return f();
  }
}

/// Python's `list(iterable)`; of a C++ tuple, too.
template <class Iterable>
List list(Iterable&& iterable) {
  const Value items(std::forward<Iterable>(iterable));
  const Tuple* const tuple = std::get_if<Tuple>(&items.kind());
  return tuple != nullptr ? tuple->items : items.as<List>();
}

}  // namespace trace
