// epoll's reactor and the manual one, put through the suite. Asio's: tests/bridge/asio/reactor_suite_test.cpp.
#include <segue/testing/reactor_suite.hpp>

#include <memory>

#include <segue/modern/testing/manual_reactor.hpp>

namespace segue::testing {
namespace {

struct EpollUnderTest {
  static std::unique_ptr<modern::Reactor> make() { return modern::make_reactor(); }
};
struct ManualUnderTest {
  static std::unique_ptr<modern::Reactor> make() { return std::make_unique<modern::ManualReactor>(); }
};

using UnderTest = ::testing::Types<EpollUnderTest, ManualUnderTest>;

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Of, ReactorSuite, UnderTest);

}  // namespace segue::testing
