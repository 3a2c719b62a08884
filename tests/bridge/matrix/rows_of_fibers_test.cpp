#include "matrix_test.hpp"

namespace segue::bridge::matrix {
namespace {

[[maybe_unused]] const bool callback_row = register_row<ByCallback>(__FILE__, __LINE__);
[[maybe_unused]] const bool generatorcoroutine_row = register_row<ByGeneratorCoroutine>(__FILE__, __LINE__);
[[maybe_unused]] const bool fiberasyncgenerator_row = register_row<ByFiberAsyncGenerator>(__FILE__, __LINE__);
[[maybe_unused]] const bool portal_row = register_row<ByPortal>(__FILE__, __LINE__);
[[maybe_unused]] const bool coroutine2_row = register_row<ByCoroutine2>(__FILE__, __LINE__);
[[maybe_unused]] const bool generator_row = register_row<ByGenerator>(__FILE__, __LINE__);

}  // namespace
}  // namespace segue::bridge::matrix
