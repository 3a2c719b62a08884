// Stacks whose memory comes from a std::pmr::memory_resource: not pooled, each allocated and deallocated by itself.
#pragma once

#include <cstdint>
#include <memory_resource>

#include <segue/legacy/stack.hpp>

namespace segue::legacy::legacy_detail {

Stack allocate_resource_stack(std::pmr::memory_resource& resource, std::uint32_t size_class);
void free_resource_stack(Stack stack) noexcept;

/// find_stack() among these.
StackHeader* find_resource_stack(const void* address, Stack* stack, std::size_t attempts) noexcept;

}  // namespace segue::legacy::legacy_detail
