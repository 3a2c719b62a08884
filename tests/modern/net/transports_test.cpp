#include <segue/modern/net/transports.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/pool.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/connect.hpp>
#include <segue/modern/net/protocols.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "counted_allocations.hpp"
#include "modern/attempt.hpp"
#include "modern/sockets.hpp"

namespace segue::modern {
namespace {

using testing::attempt;
using testing::iterate;
using testing::SocketPair;
using testing::Trace;

/// Writes down what it is told.
class Recorder : public Protocol {
 public:
  explicit Recorder(Trace& trace, bool keep_open = false) : trace_(trace), keep_open_(keep_open) {}
  void connection_made(std::shared_ptr<Transport>) override { trace_.emplace_back("made"); }
  void data_received(std::string_view data) override { trace_.push_back("data " + std::string(data)); }
  bool eof_received() override {
    trace_.emplace_back("eof");
    return keep_open_;
  }
  void connection_lost(std::exception_ptr error) override {
    trace_.push_back("lost " + (error ? testing::text(error) : "None"));
  }
  void pause_writing() override { trace_.emplace_back("pause"); }
  void resume_writing() override { trace_.emplace_back("resume"); }

 private:
  Trace& trace_;
  bool keep_open_;
};

/// A callback that throws, one of them at a time.
class Thrower : public Protocol {
 public:
  void data_received(std::string_view) override { throw ValueError("in data_received"); }
  bool eof_received() override { throw ValueError("in eof_received"); }
  void pause_writing() override { throw ValueError("in pause_writing"); }
};

/// Sends back what it receives.
class Mirror : public Protocol {
 public:
  void connection_made(std::shared_ptr<Transport> transport) override { transport_ = std::move(transport); }
  void data_received(std::string_view data) override { transport_->write(data); }
  void connection_lost(std::exception_ptr) override { transport_ = nullptr; }

 private:
  std::shared_ptr<Transport> transport_;
};

class Transports : public ::testing::Test {
 protected:
  std::shared_ptr<Transport> connect(SocketPair& over, std::shared_ptr<Protocol> protocol) {
    const ConnectionOptions options{.sock = over.release_ours()};
    return loop->run_until_complete(loop->create_connection([protocol] { return protocol; }, options)).transport;
  }
  std::shared_ptr<Transport> record(bool keep_open = false) {
    return connect(pair, std::make_shared<Recorder>(trace, keep_open));
  }
  /// Lets what is on its way arrive.
  void settle() {
    for (int i = 0; i < 15; ++i) iterate(*loop);
  }

  Trace trace;
  // The kernel buffers some 200 KiB of it, far from the megabytes that it lets TCP's grow to.
  SocketPair pair;
  EventLoopPtr loop = testing::make_loop();
  testing::Reports reports{*loop};
};

// Rule 171.
TEST_F(Transports, CallTheirProtocolInOrder) {
  const auto transport = record();
  pair.send("x");
  settle();
  ::shutdown(pair.peer(), SHUT_WR);
  settle();
  EXPECT_TRUE(transport->is_closing());
  transport->close();
  transport->write("late");
  settle();
  EXPECT_EQ(trace, Trace({"made", "data x", "eof", "lost None"}));
  EXPECT_EQ(pair.receive(), "");
}

TEST_F(Transports, AllocateNothingForARoundTrip) {
  if (!segue::testing::allocations_counted || !detail::pooled()) GTEST_SKIP() << "not counted under a sanitizer";
  loop = new_event_loop();  // the manual reactor allocates itself
  const auto transport = connect(pair, std::make_shared<Mirror>());
  std::size_t taken = 0;
  const auto talk = [&]() -> Coroutine<void> {
    for (int round = -20; round < 20; ++round) {  // the first half fills the pools
      pair.send("ping");
      const std::size_t before = segue::testing::allocations_made();
      for (int i = 0; i < 5; ++i) co_await sleep(std::chrono::seconds(0));
      if (round >= 0) taken += segue::testing::allocations_made() - before;
      EXPECT_EQ(pair.receive(), "ping");
    }
  };
  loop->run_until_complete(talk());
  EXPECT_EQ(taken, 0U);
}

TEST_F(Transports, StayOpenForWritingWhereTheProtocolSaysSo) {
  const auto transport = record(true);
  pair.send("x");
  settle();
  ::shutdown(pair.peer(), SHUT_WR);
  settle();
  EXPECT_FALSE(transport->is_closing());
  transport->write("answer");
  EXPECT_EQ(pair.receive(), "answer");
  transport->close();
  transport->write("late");
  transport->close();
  settle();
  EXPECT_EQ(trace, Trace({"made", "data x", "eof", "lost None"}));
  EXPECT_EQ(pair.receive(), "");
}

// Rule 172.
TEST_F(Transports, PauseAndResumeTheirProtocolOnceEach) {
  const auto transport = record();
  EXPECT_EQ(transport->get_write_buffer_limits(), (WriteBufferLimits{16 * 1024, 64 * 1024}));
  std::string sent(3'000'000, 'x');
  transport->write(sent);
  sent += std::string(1000, 'y');
  transport->write(std::string(1000, 'y'));
  EXPECT_GT(transport->get_write_buffer_size(), 64U * 1024);
  std::string received;
  while (received.size() < sent.size()) {
    received += pair.receive();
    iterate(*loop);
  }
  EXPECT_EQ(received, sent);
  EXPECT_EQ(transport->get_write_buffer_size(), 0U);
  transport->close();
  settle();
  EXPECT_EQ(trace, Trace({"made", "pause", "resume", "lost None"}));
}

// A connection that once had much to send, or to keep for a reader, holds none of it afterwards.
TEST_F(Transports, GiveTheirBufferBackWhenItIsSent) {
  if (!segue::testing::allocations_counted) GTEST_SKIP() << "not counted under ThreadSanitizer";
  const auto transport = record();
  std::string received;
  received.reserve(8'000'000);
  const std::ptrdiff_t before = segue::testing::bytes_alive();
  transport->write(std::string(8'000'000, 'x'));
  EXPECT_GT(segue::testing::bytes_alive() - before, 7'000'000);
  while (transport->get_write_buffer_size() > 0) {
    received += pair.receive();
    iterate(*loop);
  }
  EXPECT_LT(segue::testing::bytes_alive() - before, 10'000);
  while (received.size() < 8'000'000) received += pair.receive();
  transport->write(std::string(8'000'000, 'x'));
  transport->abort();
  EXPECT_LT(segue::testing::bytes_alive() - before, 10'000);
}

TEST_F(Transports, GiveALargeBufferBackWhileThereIsLittleToSend) {
  if (!segue::testing::allocations_counted) GTEST_SKIP() << "not counted under ThreadSanitizer";
  const auto transport = record();
  std::string received;
  received.reserve(30'000'000);
  const std::ptrdiff_t before = segue::testing::bytes_alive();
  transport->write(std::string(8'000'000, 'x'));
  // There is never nothing to send, as with a peer that is a little slower than what it is sent.
  for (int i = 0; i < 200; ++i) {
    while (transport->get_write_buffer_size() > 100'000) {
      received += pair.receive();
      iterate(*loop);
    }
    transport->write(std::string(100'000, 'y'));
  }
  EXPECT_GT(transport->get_write_buffer_size(), 0U);
  EXPECT_LT(segue::testing::bytes_alive() - before, 1'000'000);
}

// Puts another protocol in its place, in the call that is named.
class Replaced : public Protocol {
 public:
  Replaced(std::string call, std::shared_ptr<Protocol> next, Trace& trace)
      : call_(std::move(call)), next_(std::move(next)), trace_(trace) {}
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;
  ~Replaced() override { trace_.emplace_back("destroyed"); }

  void connection_made(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
    replace_in("connection_made");
  }
  void data_received(std::string_view) override { replace_in("data_received"); }
  bool eof_received() override {
    replace_in("eof_received");
    return true;
  }
  void pause_writing() override { replace_in("pause_writing"); }
  void resume_writing() override { replace_in("resume_writing"); }

 private:
  void replace_in(const char* call) {
    if (call_ != call) return;
    const std::shared_ptr<Transport> transport = std::move(transport_);
    transport->set_protocol(std::move(next_));
    trace_.push_back("after " + call_);
  }

  std::string call_;
  std::shared_ptr<Protocol> next_;
  Trace& trace_;
  std::shared_ptr<Transport> transport_;
};

TEST_F(Transports, LetTheirProtocolReplaceItselfInEachOfItsCalls) {
  for (const char* const call :
       {"connection_made", "data_received", "eof_received", "pause_writing", "resume_writing"}) {
    trace.clear();
    SocketPair each;
    std::shared_ptr<Transport> transport;
    {
      const ConnectionOptions options{.sock = each.release_ours()};
      const auto factory = [&] { return std::make_shared<Replaced>(call, std::make_shared<Protocol>(), trace); };
      transport = loop->run_until_complete(loop->create_connection(factory, options)).transport;
    }
    transport->write(std::string(3'000'000, 'x'));
    for (std::size_t received = 0; received < 3'000'000; iterate(*loop)) received += each.receive().size();
    each.send("x");
    settle();
    ::shutdown(each.peer(), SHUT_WR);
    settle();
    EXPECT_EQ(trace, Trace({std::string("after ") + call, "destroyed"}));
    transport->abort();
    settle();
  }
}

TEST_F(Transports, RefuseAFactoryThatMakesNothing) {
  const auto nothing = []() -> std::shared_ptr<Protocol> { return nullptr; };
  const ConnectionOptions options{.sock = pair.release_ours()};
  EXPECT_EQ(attempt([&] { loop->run_until_complete(loop->create_connection(nothing, options)); }),
            "TypeError(the protocol factory returned a null pointer)");
  EXPECT_TRUE(pair.peer_sees_end());

  SocketPair other;
  const auto transport = connect(other, std::make_shared<Protocol>());
  EXPECT_EQ(attempt([&] { transport->set_protocol(nullptr); }),
            "TypeError(set_protocol() takes a protocol, not a null pointer)");
}

TEST_F(Transports, SendWhatIsBufferedBeforeTheyClose) {
  const auto transport = record();
  const std::string sent(3'000'000, 'x');
  transport->write(sent);
  transport->close();
  transport->close();
  EXPECT_TRUE(transport->is_closing());
  settle();
  EXPECT_EQ(trace, Trace({"made", "pause"}));
  std::string received;
  while (!pair.peer_sees_end()) {
    received += pair.receive();
    iterate(*loop);
  }
  EXPECT_EQ(received, sent);
  EXPECT_EQ(trace, Trace({"made", "pause", "resume", "lost None"}));
  EXPECT_EQ(transport->fileno(), -1);
}

TEST_F(Transports, DropWhatIsBufferedWhereTheyAbort) {
  const auto transport = record();
  transport->write(std::string(3'000'000, 'x'));
  transport->abort();
  settle();
  EXPECT_EQ(trace, Trace({"made", "pause", "lost None"}));
  EXPECT_LT(pair.receive().size(), 3'000'000U);
}

TEST_F(Transports, CloseTheSendingHalfAfterWhatIsBuffered) {
  const auto transport = record(true);
  const std::string sent(3'000'000, 'x');
  transport->write(sent);
  transport->write_eof();
  transport->write_eof();
  EXPECT_THROW(transport->write("more"), RuntimeError);
  EXPECT_THROW(transport->writelines({"more"}), RuntimeError);
  std::string received;
  while (received.size() < sent.size()) {
    received += pair.receive();
    iterate(*loop);
  }
  settle();
  EXPECT_TRUE(pair.peer_sees_end());
  pair.send("still open this way");
  settle();
  EXPECT_EQ(trace.back(), "data still open this way");
}

TEST_F(Transports, ReceiveNothingWhilePaused) {
  const auto transport = record();
  transport->pause_reading();
  transport->pause_reading();
  EXPECT_FALSE(transport->is_reading());
  pair.send("x");
  settle();
  EXPECT_EQ(trace, Trace({"made"}));
  transport->resume_reading();
  transport->resume_reading();
  EXPECT_TRUE(transport->is_reading());
  settle();
  EXPECT_EQ(trace, Trace({"made", "data x"}));
}

TEST_F(Transports, TellTheirProtocolOfAReset) {
  SocketPair tcp = SocketPair::tcp();
  const auto transport = connect(tcp, std::make_shared<Recorder>(trace));
  tcp.reset_by_peer();
  settle();
  EXPECT_EQ(trace, Trace({"made", "lost ConnectionResetError([Errno 104] Connection reset by peer)"}));
  EXPECT_TRUE(reports.messages().empty());
  for (int i = 0; i < 3; ++i) transport->write("into the void");
}

TEST_F(Transports, TellTheirProtocolOfABrokenPipe) {
  SocketPair tcp = SocketPair::tcp();
  const auto transport = connect(tcp, std::make_shared<Recorder>(trace, true));
  tcp.close_peer();
  settle();
  transport->write("x");  // is answered with a reset
  transport->pause_reading();
  settle();
  transport->write("y");
  settle();
  ASSERT_EQ(trace.size(), 3U);
  EXPECT_EQ(trace.back(), "lost BrokenPipeError([Errno 32] Broken pipe)");
}

TEST_F(Transports, AbortWhereTheProtocolThrows) {
  const auto transport = connect(pair, std::make_shared<Thrower>());
  pair.send("x");
  settle();
  EXPECT_TRUE(transport->is_closing());
  EXPECT_EQ(reports.messages(), Trace({"Fatal error: protocol.data_received() call failed."}));
  EXPECT_TRUE(holds<ValueError>(reports.contexts()[0].exception));
}

TEST_F(Transports, AbortWhereTheProtocolThrowsAtTheEnd) {
  const auto transport = connect(pair, std::make_shared<Thrower>());
  ::shutdown(pair.peer(), SHUT_WR);
  settle();
  EXPECT_TRUE(transport->is_closing());
  EXPECT_EQ(reports.messages(), Trace({"Fatal error: protocol.eof_received() call failed."}));
}

TEST_F(Transports, GoOnWhereTheProtocolThrowsWhilePaused) {
  const auto transport = connect(pair, std::make_shared<Thrower>());
  transport->write(std::string(3'000'000, 'x'));
  EXPECT_FALSE(transport->is_closing());
  EXPECT_EQ(reports.messages(), Trace({"protocol.pause_writing() failed"}));
}

TEST_F(Transports, HaveWaterMarksThatFollowFromEachOther) {
  const auto transport = record();
  transport->set_write_buffer_limits(1000);
  EXPECT_EQ(transport->get_write_buffer_limits(), (WriteBufferLimits{250, 1000}));
  transport->set_write_buffer_limits(std::nullopt, 100);
  EXPECT_EQ(transport->get_write_buffer_limits(), (WriteBufferLimits{100, 400}));
  try {
    transport->set_write_buffer_limits(1, 2);
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "high (1) must be >= low (2) must be >= 0");
  }
}

TEST_F(Transports, SendLinesAndKnowTheirProtocol) {
  const auto protocol = std::make_shared<Recorder>(trace);
  const auto transport = connect(pair, protocol);
  EXPECT_EQ(transport->get_protocol(), protocol);
  EXPECT_TRUE(transport->can_write_eof());
  transport->writelines({"one\n", "", "two\n"});
  settle();
  EXPECT_EQ(pair.receive(), "one\ntwo\n");
  const auto other = std::make_shared<Recorder>(trace);
  transport->set_protocol(other);
  EXPECT_EQ(transport->get_protocol(), other);
}

TEST_F(Transports, KnowTheAddressesOfBothEnds) {
  SocketPair tcp = SocketPair::tcp();
  const auto transport = connect(tcp, std::make_shared<Recorder>(trace));
  ASSERT_TRUE(transport->sockname() && transport->peername());
  EXPECT_EQ(transport->sockname()->host, "127.0.0.1");
  EXPECT_EQ(transport->peername()->host, "127.0.0.1");
  EXPECT_NE(transport->peername()->port, transport->sockname()->port);
  EXPECT_EQ(transport->peername()->repr(), "('127.0.0.1', " + std::to_string(transport->peername()->port) + ")");
}

TEST_F(Transports, AreClosedWithTheLoop) {
  const int before = testing::open_descriptors();
  auto transport = record();
  transport->write(std::string(3'000'000, 'x'));
  loop.reset();
  EXPECT_EQ(transport->fileno(), -1);
  EXPECT_TRUE(transport->is_closing());
  transport->close();
  transport->abort();
  transport->write("x");
  transport = nullptr;
  EXPECT_LT(testing::open_descriptors(), before);
  EXPECT_EQ(trace, Trace({"made", "pause"}));
}

TEST_F(Transports, AreClosedWithTheLoopWhereNobodyElseHasThem) {
  record();
  const int with_loop = testing::open_descriptors();
  loop.reset();
  EXPECT_LT(testing::open_descriptors(), with_loop);
}

TEST_F(Transports, AreMadeOfStreamSocketsOnly) {
  const int datagram = ::socket(AF_INET, SOCK_DGRAM, 0);
  const ConnectionOptions options{.sock = datagram};
  const ProtocolFactory factory = [this] { return std::make_shared<Recorder>(trace); };
  EXPECT_THROW(loop->run_until_complete(loop->create_connection(factory, options)), ValueError);
  EXPECT_THROW(loop->run_until_complete(loop->create_connection(factory, ConnectionOptions{})), ValueError);
  ::close(datagram);
}

}  // namespace
}  // namespace segue::modern
