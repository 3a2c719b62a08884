// Asio as a peer: its awaitable coroutines on an io_context of one thread.
//
// `Usual` is what Asio's documentation shows. `Tuned` is the fastest that can be written: the executor's type is known
// statically, and the context does without locks, so that no other thread may post to it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bench {

namespace asio = boost::asio;

struct Usual {
  using Executor = asio::any_io_executor;
  static constexpr int concurrency_hint = 1;
};

struct Tuned {
  using Executor = asio::io_context::executor_type;
  static constexpr int concurrency_hint = BOOST_ASIO_CONCURRENCY_HINT_UNSAFE;
};

template <class How, class T = void>
using awaitable = asio::awaitable<T, typename How::Executor>;

template <class How>
inline constexpr asio::use_awaitable_t<typename How::Executor> use_awaitable{};

/// Runs `coroutine`, and whatever it spawns, to the end.
template <class How, class T>
void run(awaitable<How, T> coroutine, asio::io_context& context) {
  asio::co_spawn(typename How::Executor(context.get_executor()), std::move(coroutine), asio::detached);
  context.run();
}

}  // namespace bench
