#include "session.hpp"

#include <cctype>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <segue/asyncio.hpp>
#include <segue/bridge/asio.hpp>

#include "tokens.hpp"

namespace asio = boost::asio;
using segue::asyncio::Coroutine;
using segue::bridge::use_segue;

namespace {

Coroutine<long> sum(std::string line, Store& store) {
  long total = 0;
  for (const std::string& word : tokens(std::move(line))) {
    total += std::isdigit(static_cast<unsigned char>(word[0])) ? std::stol(word) : co_await store.load(word);
  }
  co_return total;
}

Coroutine<std::string> answer(std::string line, Store& store) {
  try {
    co_return std::to_string(co_await sum(std::move(line), store)) + "\n";
  } catch (const std::exception& error) {
    co_return std::string("error: ") + error.what() + "\n";
  }
}

}  // namespace

Coroutine<> session(asio::ip::tcp::socket socket, Store& store, long& served) {
  std::string buffer;
  boost::system::error_code error;
  const auto token = asio::redirect_error(use_segue, error);
  while (true) {
    const std::size_t size = co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer), '\n', token);
    if (error) co_return;
    std::string line = buffer.substr(0, size - 1);
    buffer.erase(0, size);
    if (line == "quit") co_return;
    const std::string text = co_await answer(std::move(line), store);
    ++served;
    co_await asio::async_write(socket, asio::buffer(text), token);
    if (error) co_return;
  }
}
