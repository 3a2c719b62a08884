#include "store.hpp"

#include <chrono>
#include <stdexcept>

#include <boost/asio/steady_timer.hpp>

long Store::load(const std::string& name, boost::asio::yield_context yield) {
  boost::asio::steady_timer far_away(yield.get_executor(), std::chrono::milliseconds(1));
  far_away.async_wait(yield);
  if (name.starts_with("no")) throw std::out_of_range(name + " is not there");
  return static_cast<long>(name.size()) * 100;
}
