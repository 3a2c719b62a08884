// What the handles of a server share.
#pragma once

#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include <segue/modern/kernel/loop_observer.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/net/address.hpp>
#include <segue/modern/net/protocols.hpp>
#include <segue/modern/tasks/future.hpp>

#include "net/socket.hpp"

namespace segue::modern {

class SocketTransport;

namespace detail {

class ServerState final : public std::enable_shared_from_this<ServerState>, private LoopObserver {
 public:
  ServerState(EventLoop& loop, std::vector<UniqueFd> sockets, ProtocolFactory factory, int backlog);
  ServerState(const ServerState&) = delete;
  ServerState& operator=(const ServerState&) = delete;
  ~ServerState() = default;

  EventLoop& loop() const noexcept { return *loop_; }
  std::vector<Address> addresses() const;
  bool closed() const noexcept { return sockets_.empty(); }
  bool serving() const noexcept { return serving_; }

  void start_serving();
  void close();
  template <class Act>
  void for_each_client(Act act) const {
    for (const std::shared_ptr<SocketTransport>& client : clients()) act(*client);
  }

  void attach(SocketTransport& client) { clients_.insert(&client); }
  void detach(SocketTransport& client) noexcept;

  /// A future that is done when the server is closed and its clients are gone; nothing where that is so by now.
  std::optional<Future<void>> wait_until_gone();

  std::optional<Future<void>> serving_forever;

 private:
  void loop_ended() noexcept override;
  std::vector<std::shared_ptr<SocketTransport>> clients() const;
  void listen(int fd);
  void accept(int fd);
  void accept_later(int fd);
  void wake_waiters_if_gone();

  Ref<EventLoop> loop_;
  std::vector<UniqueFd> sockets_;  // none once it is closed
  ProtocolFactory factory_;
  int backlog_;
  bool serving_ = false;
  std::unordered_set<SocketTransport*> clients_;  // each leaves by itself
  std::vector<Future<void>> waiters_;
};

}  // namespace detail
}  // namespace segue::modern
