// All that EventLoop's create_connection() and create_server() give and take.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/network_options.hpp>
#include <segue/modern/net/protocols.hpp>
#include <segue/modern/net/server.hpp>
#include <segue/modern/net/transports.hpp>

namespace segue::modern {

namespace detail::body {  // out of reach of argument-dependent lookup

/// A coroutine that is dropped without a report.
struct Connecting {
  Coroutine<Connection> coroutine;
  explicit Connecting(Coroutine<Connection>&& connecting) noexcept : coroutine(std::move(connecting)) {}
  Connecting(Connecting&&) noexcept = default;
  Connecting& operator=(Connecting&&) = delete;
  ~Connecting() { coroutine.close(); }
};

/// Named after what its user called, for reports.
template <class P>
Coroutine<ConnectionWith<P>> create_connection(Connecting connecting) {
  Connection made = co_await std::move(connecting.coroutine);
  co_return ConnectionWith<P>(std::move(made.transport), std::static_pointer_cast<P>(std::move(made.protocol)));
}

}  // namespace detail::body

template <FactoryOfOwn Factory, class... To>
auto EventLoop::create_connection(Factory factory, To&&... to)
    -> Coroutine<ConnectionWith<typename std::invoke_result_t<Factory&>::element_type>> {
  using P = typename std::invoke_result_t<Factory&>::element_type;
  return detail::body::create_connection<P>(
      detail::body::Connecting(create_connection(ProtocolFactory(std::move(factory)), std::forward<To>(to)...)));
}

}  // namespace segue::modern
