// Asio's reactor, put through the suite of all reactors.
#include <segue/testing/reactor_suite.hpp>

#include <memory>

#include <boost/asio/io_context.hpp>

#include <segue/bridge/asio/reactor.hpp>

namespace segue::testing {
namespace {

struct AsioUnderTest {
  std::unique_ptr<modern::Reactor> make() { return bridge::make_reactor(program); }
  boost::asio::io_context program;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(OfAsio, ReactorSuite, AsioUnderTest);

}  // namespace segue::testing
