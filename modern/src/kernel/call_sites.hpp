// What addresses of code are in the source: which function, which file, which line.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace segue::modern {

struct CallSite {
  std::string module;  // the program or a shared library
  std::string offset;  // in the module, in hexadecimal
  std::string signature;
  std::string function;  // `fetch` for `app::fetch(int)`; empty where nobody knows
  std::string file;      // empty where there is no debug information
  std::string line;
};

/// The calls that return to `addresses`, the innermost first: of inlined functions several for an address.
std::vector<CallSite> call_sites(std::span<void* const> addresses);

}  // namespace segue::modern
