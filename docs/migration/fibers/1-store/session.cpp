#include "session.hpp"

#include <cctype>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <segue/asyncio.hpp>
#include <segue/bridge/asio.hpp>

#include "tokens.hpp"

namespace asio = boost::asio;

namespace {

// The seam: a coroutine, awaited by a fiber of Asio's. (As a tuple, since Boost 1.81's yield_context does not compile
// for an operation with an exception_ptr and a value.)
long load(Store& store, std::string name, asio::yield_context yield) {
  auto& loop = segue::asyncio::get_running_loop();
  const auto [error, value] = segue::bridge::co_spawn(loop, store.load(std::move(name)), asio::as_tuple(yield));
  if (error) std::rethrow_exception(error);
  return value;
}

long sum(std::string line, Store& store, asio::yield_context yield) {
  long total = 0;
  for (const std::string& word : tokens(std::move(line))) {
    total += std::isdigit(static_cast<unsigned char>(word[0])) ? std::stol(word) : load(store, word, yield);
  }
  return total;
}

std::string answer(std::string line, Store& store, asio::yield_context yield) {
  try {
    return std::to_string(sum(std::move(line), store, yield)) + "\n";
  } catch (const std::exception& error) {
    return std::string("error: ") + error.what() + "\n";
  }
}

}  // namespace

void session(asio::ip::tcp::socket socket, Store& store, long& served, asio::yield_context yield) {
  std::string buffer;
  boost::system::error_code error;
  while (true) {
    const std::size_t size = asio::async_read_until(socket, asio::dynamic_buffer(buffer), '\n', yield[error]);
    if (error) return;
    std::string line = buffer.substr(0, size - 1);
    buffer.erase(0, size);
    if (line == "quit") return;
    const std::string text = answer(std::move(line), store, yield);
    ++served;
    asio::async_write(socket, asio::buffer(text), yield[error]);
    if (error) return;
  }
}
