#include "matrix_test.hpp"

namespace segue::bridge::matrix {
namespace {

[[maybe_unused]] const bool coroutine_row = register_row<ByCoroutine>(__FILE__, __LINE__);
[[maybe_unused]] const bool asyncgenerator_row = register_row<ByAsyncGenerator>(__FILE__, __LINE__);
[[maybe_unused]] const bool future_row = register_row<ByFuture>(__FILE__, __LINE__);
[[maybe_unused]] const bool asio_operation_row = register_row<ByAsioOperation>(__FILE__, __LINE__);
[[maybe_unused]] const bool asio_awaitable_row = register_row<ByAsioAwaitable>(__FILE__, __LINE__);
[[maybe_unused]] const bool std_future_row = register_row<ByStdFuture>(__FILE__, __LINE__);
[[maybe_unused]] const bool thread_row = register_row<ByThread>(__FILE__, __LINE__);
[[maybe_unused]] const bool from_thread_row = register_row<ByFromThread>(__FILE__, __LINE__);

}  // namespace
}  // namespace segue::bridge::matrix
