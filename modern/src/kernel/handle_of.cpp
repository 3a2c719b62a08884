#include <segue/modern/kernel/handle_of.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/type_name.hpp>

namespace segue::modern {

void detail::refuse_empty_handle(const std::type_info& type) {
  throw RuntimeError(type_name(type) + " handle is empty: it was moved from or default-made");
}

std::string name_of_object(std::string type, const void* id) {
  std::array<char, 2 * sizeof(id)> address;
  const auto end =
      std::to_chars(address.data(), address.data() + address.size(), reinterpret_cast<std::uintptr_t>(id), 16).ptr;
  return std::move(type.append(" at 0x").append(address.data(), end));
}

}  // namespace segue::modern
