#include "store.hpp"

#include <chrono>
#include <stdexcept>

#include <segue/asyncio.hpp>

segue::modern::Coroutine<long> Store::load(std::string name) {
  co_await segue::asyncio::sleep(std::chrono::milliseconds(1));
  if (name.starts_with("no")) throw std::out_of_range(name + " is not there");
  co_return static_cast<long>(name.size()) * 100;
}
