// What names stand for: far away, so that asking takes a moment.
#pragma once

#include <string>

#include <boost/asio/spawn.hpp>

class Store {
 public:
  /// std::out_of_range where nothing has that name.
  long load(const std::string& name, boost::asio::yield_context yield);
};
