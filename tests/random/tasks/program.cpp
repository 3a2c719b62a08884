#include "program.hpp"

#include <array>
#include <cstddef>

namespace segue::random::tasks {
namespace {

// In the order of Kind. What is shared is numbered, with the letter that it has in the script.
constexpr std::array names = {
    "start T",
    "cancel T",
    "uncancel T",
    "cancelling T",
    "state of T",
    "set_result F",
    "set_exception F",
    "cancel F",
    "new F",
    "state of F",
    "set E",
    "clear E",
    "release L",
    "release S",
    "locked",
    "notify",
    "notify_all",
    "count_up",
    "barrier",
    "put_nowait Q",
    "get_nowait Q",
    "task_done Q",
    "shutdown Q",
    "qsize Q",
    "call_soon H",
    "call_later H",
    "cancel H",
    "add_done_callback T",
    "add_done_callback F",
    "remove_done_callback T",
    "set V",
    "reset V",
    "get V",
    "copy context X",
    "call in context H",
    "run in context V",
    "gather G",
    "cancel G",
    "reschedule O",
    "state of O",
    "state of G",
    "new A",
    "state of A",
    "start in context T",
    "start in group T",
    "group start T",
    "reschedule",
    "expired",
    "cancel self",
    "uncancel self",
    "cancelling self",
    "sleep",
    "await T",
    "await F",
    "await G",
    "await b",
    "acquire L",
    "acquire S",
    "wait E",
    "wait C",
    "wait_for C",
    "wait B",
    "reset B",
    "abort B",
    "put Q",
    "get Q",
    "join Q",
    "gather bodies",
    "gather",
    "gather both T",
    "wait",
    "wait futures",
    "shield T",
    "shield F",
    "shield b",
    "wait_for T",
    "wait_for F",
    "wait_for b",
    "as_completed",
    "async as_completed",
    "anext A",
    "asend A",
    "athrow A",
    "aclose A",
    "with L",
    "with S",
    "with C",
    "with B",
    "timeout",
    "group",
    "except",
    "finally",
    "repeat",
    "for a",
    "for A",
    "raise",
    "return",
    "yield",
};
static_assert(names.size() == static_cast<std::size_t>(Kind::yield) + 1);

}  // namespace

std::string title(const Statement& statement) {
  std::string name = names[static_cast<std::size_t>(statement.kind)];
  if (name.back() >= 'A' && name.back() <= 'Z' && name.back() != 'B' && name.back() != 'C') {
    name += std::to_string(statement.which);
  } else if (name.ends_with(" b") || name.ends_with(" a")) {
    name += std::to_string(statement.body);
  }
  return name;
}

}  // namespace segue::random::tasks
