// ReadBuffer: what a stream's reader has received and not given out. Bytes come at its end and leave at its front.
//
// They lie in one block, in a power of two of bytes. A buffer that is empty has none: an idle stream costs nothing, and
// its block serves the next stream that receives. For that a thread keeps large blocks (small ones come from the pool),
// up to a limit: a heap would give such memory back to the system when an iteration's connections have let go of it,
// and the next iteration would pay for each of its pages again.
#pragma once

#include <cstddef>
#include <string_view>

namespace segue::modern::detail {

class ReadBuffer {
 public:
  ReadBuffer() noexcept = default;
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;
  ~ReadBuffer() { release(); }

  std::size_t size() const noexcept { return end_ - begin_; }
  std::string_view data() const noexcept { return {block_ + begin_, size()}; }
  /// std::bad_alloc: it was not added.
  void append(std::string_view data);
  /// Removes the first `count` bytes, which there are.
  void drop(std::size_t count) noexcept;

 private:
  void make_room(std::size_t count);
  void release() noexcept;

  char* block_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace segue::modern::detail
