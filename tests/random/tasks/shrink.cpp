#include "shrink.hpp"

#include <cstddef>
#include <functional>
#include <iterator>
#include <utility>

namespace segue::random::tasks {
namespace {

void collect(Block& block, std::vector<Block*>& blocks) {
  blocks.push_back(&block);
  for (Statement& each : block) {
    collect(each.block, blocks);
    collect(each.handler, blocks);
  }
}

// All blocks, always in the same order.
std::vector<Block*> blocks_of(Program& program) {
  std::vector<Block*> blocks;
  for (auto* const several : {&program.bodies, &program.generators, &program.callbacks}) {
    for (Block& each : *several) collect(each, blocks);
  }
  return blocks;
}

// Leaves out what has lost the block that it needs.
void validate(Block& block, bool in_group, bool in_timeout) {
  std::erase_if(block, [&](const Statement& each) {
    return (each.kind == Kind::group_start && !in_group) ||
           ((each.kind == Kind::reschedule || each.kind == Kind::expired) && !in_timeout);
  });
  for (Statement& each : block) {
    const bool group = in_group || each.kind == Kind::with_group;
    const bool timeout = in_timeout || each.kind == Kind::with_timeout;
    validate(each.block, group, timeout);
    validate(each.handler, group, timeout);
  }
}

void put_in_place(Block& block, std::size_t index) {
  Block inner = std::move(block[index].block);
  const auto place = block.erase(block.begin() + static_cast<std::ptrdiff_t>(index));
  block.insert(place, std::make_move_iterator(inner.begin()), std::make_move_iterator(inner.end()));
}

}  // namespace

std::vector<Program> smaller(const Program& program) {
  std::vector<Program> result;
  const auto without = [&](const std::function<void(Program&)>& change) {
    Program copy = program;
    change(copy);
    for (auto* const several : {&copy.bodies, &copy.generators, &copy.callbacks}) {
      for (Block& each : *several) validate(each, false, false);
    }
    result.push_back(std::move(copy));
  };
  for (std::size_t i = 0; i < program.started.size(); ++i) {
    without([i](Program& copy) { copy.started.erase(copy.started.begin() + static_cast<std::ptrdiff_t>(i)); });
  }
  Program counted = program;
  const std::vector<Block*> blocks = blocks_of(counted);
  for (std::size_t size = 8; size > 0; size /= 2) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      for (std::size_t from = 0; from + size <= blocks[i]->size(); from += size) {
        without([=](Program& copy) {
          Block& block = *blocks_of(copy)[i];
          const auto first = block.begin() + static_cast<std::ptrdiff_t>(from);
          block.erase(first, first + static_cast<std::ptrdiff_t>(size));
        });
      }
    }
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for (std::size_t j = 0; j < blocks[i]->size(); ++j) {
      if (is_compound((*blocks[i])[j].kind)) without([=](Program& copy) { put_in_place(*blocks_of(copy)[i], j); });
    }
  }
  return result;
}

}  // namespace segue::random::tasks
