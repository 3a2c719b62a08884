#include <segue/modern/net/address.hpp>

#include <string>

namespace segue::modern {

std::string Address::repr() const {
  if (kind == Kind::local) return "'" + host + "'";
  const std::string common = "('" + host + "', " + std::to_string(port);
  if (kind == Kind::ipv4) return common + ")";
  return common + ", " + std::to_string(flowinfo) + ", " + std::to_string(scope_id) + ")";
}

}  // namespace segue::modern
