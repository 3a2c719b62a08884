// Several errors at once: a tree of them, of which each handler takes what it is for.

#include <cerrno>
#include <exception>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <segue/asyncio.hpp>

using namespace segue;
using Texts = std::vector<std::string>;

std::exception_ptr value_error(const char* text) { return std::make_exception_ptr(ValueError(text)); }

ExceptionGroup tree() {
  return ExceptionGroup(
      "upload", {value_error("bad name"),
                 make_exception_group("disk", {make_os_error(ENOSPC), value_error("bad size")}), make_os_error(EIO)});
}

const BaseExceptionGroup& group_in(const std::exception_ptr& error) { return *modern::as_group(error); }

Texts leaves(const std::exception_ptr& error) {
  const auto* const group = modern::as_group(error);
  if (group == nullptr) return {describe(error).message};
  Texts all;
  for (const auto& each : group->exceptions())
    for (const std::string& text : leaves(each)) all.push_back(text);
  return all;
}

void show(const char* what, const std::exception_ptr& group) {
  fmt::print("  {}: {}\n", what, group ? fmt::format("{}", fmt::join(leaves(group), ", ")) : "nothing");
}

void show(const char* what, const BaseExceptionGroup& group) { show(what, group.pointer()); }

int main() {
  fmt::print("- the tree\n");
  fmt::print("  {}\n", tree().what());
  show("leaves", tree());

  fmt::print("- split in two, each with the shape that it had\n");
  const auto [match, rest] = tree().split<OSError>();
  show("match", match);
  const auto& top = group_in(match).exceptions();
  fmt::print("  of these at the top: {} and below: {}\n", top.size(), group_in(top[0]).exceptions().size());
  show("rest", rest);
  show("none of these", tree().subgroup<KeyError>());

  fmt::print("- each clause takes its own, and what is left goes on\n");
  try {
    try {
      throw tree();
    } catch (const BaseExceptionGroup& group) {
      except_star(group, except_<OSError>([](const BaseExceptionGroup& errors) { show("os errors", errors); }));
    }
  } catch (const BaseExceptionGroup& group) {
    except_star(group,
                except_<ValueError>([](const BaseExceptionGroup& errors) { show("left for the outer one", errors); }));
  }

  fmt::print("- an error that is no group is treated as one\n");
  try {
    throw ValueError("alone");
  } catch (...) {
    except_star(std::current_exception(), except_<ValueError, TypeError>([](const BaseExceptionGroup& errors) {
                  fmt::print("  {} in the group: {}\n", errors.exceptions().size(), leaves(errors.pointer())[0]);
                }));
  }

  fmt::print("- what a handler raises joins what is left\n");
  try {
    try {
      throw tree();
    } catch (const BaseExceptionGroup& group) {
      except_star(group, except_<OSError>([](const BaseExceptionGroup&) { throw LookupError("handler"); }));
    }
  } catch (const ExceptionGroup& group) {
    fmt::print("  now: {} at the top\n", group.exceptions().size());
    show("leaves", group);
  }
}
