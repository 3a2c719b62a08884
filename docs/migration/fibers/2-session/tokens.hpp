// A line as its words, one at a time.
#pragma once

#include <string>

#include <boost/coroutine2/coroutine.hpp>

using Tokens = boost::coroutines2::coroutine<std::string>;

Tokens::pull_type tokens(std::string line);
