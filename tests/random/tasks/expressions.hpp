// The parts of a statement as Python.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "program.hpp"

namespace segue::random::tasks {

inline std::string n(int number) { return std::to_string(number); }
inline std::string n(std::size_t index) { return std::to_string(index); }
inline std::string n(const std::optional<int>& number) { return number ? n(*number) : "None"; }
inline std::string flag(bool value) { return value ? "True" : "False"; }
std::string list(const std::vector<std::size_t>& numbers, const char* prefix = "");

/// What it raises.
std::string error(const Statement& statement);
const char* caught(Caught caught);
/// Things that are shared, as `L[0]`.
std::string item(const char* name, const Statement& statement);
/// The call of what needs no waiting, in the block of a timeout and of a group of these names.
std::string action(const Statement& statement, const std::string& timeout, const std::string& group);
/// What is awaited.
std::string waiting(const Statement& statement);

}  // namespace segue::random::tasks
