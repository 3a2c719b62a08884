// C callbacks: a function pointer and a `void*` that comes back as one of its arguments.
//
//   int rows = co_await from_callback<void(void*, int)>([&](auto* call, void* data) { db_count(db, call, data); });
//
// What has a `void*` as its last parameter, or else as its first, is given it there; where it comes in a struct, or
// elsewhere, user_data says where:
//
//   co_await from_callback<void(uv_fs_t*)>(once | user_data<&uv_fs_t::data>, [&](auto* call, void* data) {
//     request.data = data;
//     uv_fs_open(loop, &request, path, O_RDONLY, 0, call);
//   });
//   co_await from_callback<void(uv_write_t*, int)>(negative_errno | user_data<&uv_write_t::data>, …);
//
// Two functions that share a `void*`, one of which is called:
//
//   co_await from_callback<void(void*, int), void(void*, const char*)>(
//       success_failure, [&](auto* succeeded, auto* failed, void* data) { load(url, data, succeeded, failed); });
//
// The values are the other parameters; or, where they are named after the function's type, what is made of them within
// the call: `from_callback<void(const char*, void*), std::string>(…)` copies a text that does not outlive the call.
//
// The contract is that of <segue/bridge/callback.hpp>. The `void*` is no address but a ticket: a second call is
// reported, and one that comes when the wait is over is ignored, without touching what is gone. Nothing is allocated by
// the user, and nothing is to be freed. Where the C function has to return something, it returns zero, or what `how |
// returns<value>` says.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segue/bridge/c_calls.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/sender.hpp>

namespace segue::bridge {

/// Where a C callback gets its `void*`: the number of the parameter, from 0, or a pointer to the member of a struct
/// that one of the parameters is, or points to. It may be a pointer to whatever, or an integer as wide (io_uring's
/// user_data). Such a struct is a value of the callback, but where it comes before an error, or is a union (POSIX's
/// sigval).
template <auto where>
struct user_data_t {};
template <auto where>
inline constexpr user_data_t<where> user_data{};

/// What a C function returns to a call that found who waits, or the stream; zero to one that comes when that is over.
/// Without it, always zero. `returns<G_SOURCE_CONTINUE>`.
template <auto value>
struct returns_t {};
template <auto value>
inline constexpr returns_t<value> returns{};

/// How a C callback is called, where it gets its `void*`, and what it returns: `error_first | user_data<0> |
/// returns<1>`.
template <class How, auto where>
struct with_user_data_t : How {
  static constexpr auto data_is_at = where;
};
template <class How, auto where>
  requires bridge_detail::is_how<How>
constexpr with_user_data_t<How, where> operator|(How, user_data_t<where>) noexcept {
  return {};
}
template <class How, auto value>
struct with_return_t : How {
  static constexpr auto returned = value;
};
template <class How, auto value>
  requires bridge_detail::is_how<How>
constexpr with_return_t<How, value> operator|(How, returns_t<value>) noexcept {
  return {};
}

namespace bridge_detail {

inline constexpr std::size_t no_parameter = static_cast<std::size_t>(-1);

/// The ticket in what a C function was given as, or in, one of its arguments.
template <class T>
  requires std::is_pointer_v<T> || std::integral<T>
void* ticket_in(T data) noexcept {
  if constexpr (std::is_pointer_v<T>) {
    return const_cast<void*>(static_cast<const void*>(data));
  } else {
    static_assert(sizeof(T) >= sizeof(void*), "the integer that user_data names is too small for a pointer");
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(data));  // NOLINT(performance-no-int-to-ptr)
  }
}

/// The `void*` among the arguments of a C function: that at `index`, which is not a value.
template <std::size_t index>
struct DataParameter {
  static constexpr std::size_t left_out = index;
  template <class... Args>
  static void* find(const std::tuple<Args&...>& args) noexcept {
    return ticket_in(std::get<index>(args));
  }
};
/// The one in a struct that the argument at `index` is, or points to; which is a value, too, unless it is `out`.
template <auto member, std::size_t index, std::size_t out>
struct DataMember {
  static constexpr std::size_t left_out = out;
  template <class... Args>
  static void* find(const std::tuple<Args&...>& args) noexcept {
    auto& holder = std::get<index>(args);
    if constexpr (std::is_pointer_v<std::remove_reference_t<decltype(holder)>>) {
      return holder == nullptr ? nullptr : ticket_in(holder->*member);
    } else {
      return ticket_in(holder.*member);
    }
  }
};

/// Whether an argument is a `Struct`, or points to one, or to what is derived from it.
template <class Struct, class Arg>
concept Holds = std::is_convertible_v<std::remove_pointer_t<std::remove_cvref_t<Arg>>*, const volatile Struct*>;

/// The place of the first argument that holds a `Struct`; no_parameter where none does.
template <class Struct, class... Args>
consteval std::size_t place_of() {
  constexpr bool holds[] = {Holds<Struct, Args>..., true};
  std::size_t place = 0;
  while (!holds[place]) ++place;
  return place < sizeof...(Args) ? place : no_parameter;
}

/// What tells by its first argument whether it has failed.
template <class How>
concept ErrorLeads = std::derived_from<How, error_first_t> || std::derived_from<How, negative_errno_t>;

template <class How, auto where, class... Args>
struct DataAt {
  using type = DataParameter<static_cast<std::size_t>(where)>;
};
template <class How, class Struct, class Pointer, Pointer Struct::* member, class... Args>
struct DataAt<How, member, Args...> {
  static constexpr std::size_t place = place_of<Struct, Args...>();
  static_assert(place != no_parameter, "none of this C callback's parameters is, or points to, what user_data names");
  // As in libuv's `(request, status)`, the error leads when the struct has been left out; and a union has no other
  // value than the pointer.
  static constexpr bool is_no_value =
      std::is_union_v<Struct> ||
      (ErrorLeads<How> && place == 0 && std::is_pointer_v<std::tuple_element_t<0, std::tuple<Args...>>>);
  using type = DataMember<member, place, is_no_value ? place : no_parameter>;
};

template <class... Args>
consteval std::size_t last_or_first_pointer() {
  using All = std::tuple<Args..., void>;
  constexpr std::size_t count = sizeof...(Args);
  constexpr bool last = std::same_as<std::tuple_element_t<count == 0 ? 0 : count - 1, All>, void*>;
  static_assert(last || std::same_as<std::tuple_element_t<0, All>, void*>,
                "neither the last nor the first parameter of this C callback is a void*: say where it is by user_data");
  return last ? count - 1 : 0;
}

/// Where the `void*` of a C function is that is called as a `How` would be.
template <class How, class... Args>
consteval auto data_of() {
  if constexpr (requires { How::data_is_at; }) {
    return typename DataAt<How, How::data_is_at, Args...>::type();
  } else {
    return DataParameter<last_or_first_pointer<Args...>()>();
  }
}
template <class How, class... Args>
using data_of_t = decltype(data_of<How, Args...>());

/// What the C function returns to a call that found somebody.
template <class R, class How>
R returned_by() noexcept {
  if constexpr (requires { How::returned; }) {
    return static_cast<R>(How::returned);
  } else {
    return R();
  }
}

/// The numbers from 0 to `count`, without `left_out`.
template <std::size_t count, std::size_t left_out>
constexpr auto all_but() {
  if constexpr (left_out >= count) {
    return std::make_index_sequence<count>();
  } else {
    return []<std::size_t... i>(std::index_sequence<i...>) {
      return std::index_sequence<(i < left_out ? i : i + 1)...>();
    }(std::make_index_sequence<count - 1>());
  }
}

/// Calls `use` with the arguments of a C function, as they came, but the one at `left_out`.
template <std::size_t left_out, class Use, class... Args>
void pass_on(const Use& use, const std::tuple<Args&...>& args) {
  [&]<std::size_t... kept>(std::index_sequence<kept...>) {
    use(static_cast<std::tuple_element_t<kept, std::tuple<Args...>>>(std::get<kept>(args))...);
  }(all_but<sizeof...(Args), left_out>());
}

template <class T>
Sender<T> adopt_sender(void* delivery) noexcept {
  return delivery == nullptr ? Sender<T>() : Sender<T>::adopt(*static_cast<Delivery<T>*>(delivery));
}

/// The C function that calls the callback at `which` of those that a `How` has.
template <class How, std::size_t which, class Signature, class... Values>
class CFunction;
template <class How, std::size_t which, class R, class... Args, class... Values>
class CFunction<How, which, R(Args...), Values...> {
  using Result = typename CallbackResult<Values...>::type;
  using Data = data_of_t<How, Args...>;

 public:
  static R call(Args... args) noexcept {
    const std::tuple<Args&...> all(args...);
    void* const delivery = CCalls::take_for_call(Data::find(all));
    if (delivery == nullptr) return R();
    receive(*static_cast<Delivery<Result>*>(delivery), all);
    return returned_by<R, How>();
  }

 private:
  static void receive(Delivery<Result>& delivery, const std::tuple<Args&...>& args) noexcept {
    const auto callbacks = How::callbacks(Callback<Values...>(Sender<Result>::adopt(delivery)));
    try {
      pass_on<Data::left_out>(std::get<which>(callbacks), args);
    } catch (...) {
      delivery.send([](Outcome<Result>& outcome) { outcome.set_exception(std::current_exception()); });
    }
  }
};

template <class R, class... Args>
auto noexcept_pointer(R (*)(Args...)) -> R (*)(Args...) noexcept;

template <class How, class Signatures, class... Values>
class CShape;

/// The shape of C functions, which are called as a `How` would be, and share a `void*`.
template <class How, class... Signatures, class... Values>
class CShape<How, TypeList<Signatures...>, Values...> {
 public:
  using Result = typename CallbackResult<Values...>::type;
  using Callbacks = decltype(std::tuple(noexcept_pointer(static_cast<Signatures*>(nullptr))..., std::declval<void*>()));

  Callbacks make(Sender<Result> sender, const std::source_location& made) {
    ticket_ = CCalls::enter(&sender.delivery(), made);
    sender.release();
    return with_ticket(std::index_sequence_for<Signatures...>());
  }
  void end(bool) noexcept {
    if (ticket_ != nullptr) adopt_sender<Result>(CCalls::take_back(std::exchange(ticket_, nullptr)));
  }

 private:
  template <std::size_t... which>
  Callbacks with_ticket(std::index_sequence<which...>) const noexcept {
    return {&CFunction<How, which, Signatures, Values...>::call..., ticket_};
  }

  void* ticket_ = nullptr;
};

/// The values where none are named, as a TypeList: the arguments, bar the error and the `void*`.
template <class How, class... Args>
struct DeducedCValues {
  static constexpr std::size_t errors = std::derived_from<How, error_first_t> ? 1 : 0;

  template <std::size_t error, std::size_t... kept>
    requires(errors == 1)
  static TypeList<std::decay_t<std::tuple_element_t<kept, std::tuple<Args...>>>...> values(
      std::index_sequence<error, kept...>);
  template <std::size_t... kept>
    requires(errors == 0)
  static TypeList<std::decay_t<std::tuple_element_t<kept, std::tuple<Args...>>>...> values(
      std::index_sequence<kept...>);

  using type = decltype(values(all_but<sizeof...(Args), data_of_t<How, Args...>::left_out>()));
};

template <class How, class Signatures, class List>
struct ShapeOfValues;
template <class How, class Signatures, class... Values>
struct ShapeOfValues<How, Signatures, TypeList<Values...>> {
  using type = CShape<How, Signatures, Values...>;
};

template <class How, class R, class... Args, bool is_noexcept>
struct ShapeFor<How, R(Args...) noexcept(is_noexcept)>
    : ShapeOfValues<How, TypeList<R(Args...)>, typename DeducedCValues<How, Args...>::type> {};
template <class How, class R, class... Args, bool is_noexcept, class Value, class... Values>
struct ShapeFor<How, R(Args...) noexcept(is_noexcept), Value, Values...> {
  using type = CShape<How, TypeList<R(Args...)>, Value, Values...>;
};
/// Two functions: the values are those of the first.
template <class How, class R, class... Args, bool is_noexcept, class F, class... Error, bool fails_noexcept>
struct ShapeFor<How, R(Args...) noexcept(is_noexcept), F(Error...) noexcept(fails_noexcept)>
    : ShapeOfValues<How, TypeList<R(Args...), F(Error...)>, typename DeducedCValues<How, Args...>::type> {};
template <class How, class R, class... Args, bool is_noexcept, class F, class... Error, bool fails_noexcept,
          class Value, class... Values>
struct ShapeFor<How, R(Args...) noexcept(is_noexcept), F(Error...) noexcept(fails_noexcept), Value, Values...> {
  using type = CShape<How, TypeList<R(Args...), F(Error...)>, Value, Values...>;
};

}  // namespace bridge_detail
}  // namespace segue::bridge
