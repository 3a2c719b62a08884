// ByteBuffer: what a stream has received and not given out, what a transport has been given and not sent. Bytes come at
// its end and leave at its front.
//
// They lie in one block, in a power of two of bytes. A buffer that is empty has none: an idle connection costs nothing,
// and its block serves the next one. For that a thread keeps large blocks (small ones come from the pool), up to a
// limit: a heap would give such memory back to the system when an iteration's connections have let go of it, and the
// next iteration would pay for each of its pages again. A block larger than those that are kept is given up for a
// smaller one when an eighth of it is left.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace segue::modern::detail {

class ByteBuffer {
 public:
  ByteBuffer() noexcept = default;
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;
  ~ByteBuffer() { release(); }

  std::size_t size() const noexcept { return end_ - begin_; }
  std::string_view data() const noexcept { return {block_ + begin_, size()}; }
  /// std::bad_alloc: it was not added.
  void append(std::string_view data);
  /// Makes room for `count` more bytes, or more. std::bad_alloc: nothing has changed.
  void reserve(std::size_t count);
  /// The room behind what is held, to be written to.
  std::span<char> room() const noexcept { return {block_ + end_, capacity_ - end_}; }
  /// Adds the first `count` bytes of the room, which were written to it. A buffer that is still empty loses its room.
  void commit(std::size_t count) noexcept;
  /// Removes the first `count` bytes, which there are.
  void drop(std::size_t count) noexcept;
  void clear() noexcept { release(); }

 private:
  void make_room(std::size_t count);
  void move_to(char* block, std::size_t capacity) noexcept;
  void release() noexcept;

  char* block_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace segue::modern::detail
