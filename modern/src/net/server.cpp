#include <segue/modern/net/server.hpp>

#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/kernel/scope_exit.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/os_error.hpp>

#include "net/endpoint.hpp"
#include "net/server_state.hpp"
#include "net/socket_transport.hpp"

namespace segue::modern {

namespace detail {

namespace {

constexpr std::chrono::seconds accept_retry_delay{1};

bool out_of_resources(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

ServerState::ServerState(EventLoop& loop, std::vector<UniqueFd> sockets, ProtocolFactory factory, int backlog)
    : loop_(&loop), sockets_(std::move(sockets)), factory_(std::move(factory)), backlog_(backlog) {
  loop.core().observe(*this);
}

std::vector<Address> ServerState::addresses() const {
  std::vector<Address> addresses;
  for (const UniqueFd& socket : sockets_) addresses.push_back(name_of_socket(socket.get()).value_or(Address()));
  return addresses;
}

void ServerState::start_serving() {
  if (serving_) return;
  serving_ = true;
  for (const UniqueFd& socket : sockets_) {
    if (::listen(socket.get(), backlog_) < 0) throw_os_error(errno);
    listen(socket.get());
  }
}

void ServerState::listen(int fd) {
  loop_->add_reader(fd, [self = shared_from_this(), fd] { self->accept(fd); });
}

// Takes all that wait, so that one round trip of the loop serves them. What comes of each begins an iteration later, as
// the task that CPython makes of it does.
void ServerState::accept(int fd) {
  for (int i = 0; i < backlog_; ++i) {
    UniqueFd client(::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) {
      const int error = errno;
      if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ECONNABORTED) return;
      if (out_of_resources(error)) return accept_later(fd);
      throw_os_error(error);
    }
    loop_->call_soon([self = shared_from_this(), socket = std::move(client)]() mutable {
      if (self->closed()) return;
      SocketTransport::start(*self->loop_, std::move(socket), self->factory_(), self, std::nullopt);
    });
  }
}

// The socket stays readable: without a pause the loop would spin.
void ServerState::accept_later(int fd) {
  ExceptionContext context;
  context.message = "socket.accept() out of system resource";
  context.exception = make_os_error(errno);
  loop_->remove_reader(fd);
  loop_->call_later(accept_retry_delay, [self = shared_from_this(), fd] {
    if (!self->closed()) self->listen(fd);
  });
  loop_->call_exception_handler(context);
}

void ServerState::close() {
  if (closed()) return;
  for (const UniqueFd& socket : sockets_) loop_->remove_reader(socket.get());
  sockets_.clear();
  serving_ = false;
  unlink();
  if (serving_forever && !serving_forever->done()) std::exchange(serving_forever, std::nullopt)->cancel();
  wake_waiters_if_gone();
}

void ServerState::loop_ended() noexcept {
  const std::shared_ptr<ServerState> keep = shared_from_this();
  for (const UniqueFd& socket : sockets_) loop_->remove_reader(socket.get());
  sockets_.clear();
  serving_ = false;
  const ProtocolFactory factory = std::exchange(factory_, nullptr);
  const std::vector<Future<void>> waiters = std::exchange(waiters_, {});
}

std::vector<std::shared_ptr<SocketTransport>> ServerState::clients() const {
  std::vector<std::shared_ptr<SocketTransport>> clients;
  for (SocketTransport* client : clients_) {
    if (auto alive = client->weak_from_this().lock()) clients.push_back(std::move(alive));
  }
  return clients;
}

void ServerState::detach(SocketTransport& client) noexcept {
  clients_.erase(&client);
  wake_waiters_if_gone();
}

void ServerState::wake_waiters_if_gone() {
  if (!closed() || !clients_.empty() || loop_->is_closed()) return;
  for (const Future<void>& waiter : std::exchange(waiters_, {})) {
    if (!waiter.done()) waiter.set_result();
  }
}

std::optional<Future<void>> ServerState::wait_until_gone() {
  if (closed() && clients_.empty()) return std::nullopt;
  waiters_.push_back(loop_->create_future<void>());
  return waiters_.back();
}

namespace {

Coroutine<void> start_serving(std::shared_ptr<ServerState> server) {
  if (server->closed()) throw RuntimeError("server is closed");
  server->start_serving();
  co_await sleep(std::chrono::seconds(0));
}

Coroutine<void> wait_closed(std::shared_ptr<ServerState> server) {
  const std::optional<Future<void>> gone = server->wait_until_gone();
  if (gone) co_await *gone;
}

Coroutine<void> serve_forever(std::shared_ptr<ServerState> server) {
  if (server->serving_forever) throw RuntimeError("server is already being awaited on serve_forever()");
  if (server->closed()) throw RuntimeError("server is closed");
  server->start_serving();
  const Future<void> forever = server->loop().create_future<void>();
  server->serving_forever = forever;
  const ScopeExit forget([&server]() noexcept { server->serving_forever.reset(); });
  std::exception_ptr cancelled;
  try {
    co_await forever;
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  if (!cancelled) co_return;
  server->close();
  try {
    const std::optional<Future<void>> gone = server->wait_until_gone();
    if (gone) co_await *gone;
  } catch (...) {  // as CPython's `finally: raise` does: the first one wins
  }
  std::rethrow_exception(cancelled);
}

}  // namespace
}  // namespace detail

Server::Server(std::shared_ptr<detail::ServerState> state) noexcept : HandleOf(std::move(state)) {}

std::vector<Address> Server::sockets() const { return state()->addresses(); }
bool Server::is_serving() const { return state()->serving(); }
EventLoop& Server::get_loop() const { return state()->loop(); }
std::string Server::repr() const {
  std::string text;
  for (const Address& address : sockets()) text += (text.empty() ? "" : ", ") + address.repr();
  if (sockets().size() == 1) text += ",";
  return "<Server sockets=(" + text + ")>";
}
void Server::close() const { state()->close(); }
void Server::close_clients() const {
  state()->for_each_client([](SocketTransport& client) { client.close(); });
}
void Server::abort_clients() const {
  state()->for_each_client([](SocketTransport& client) { client.abort(); });
}
Coroutine<void> Server::start_serving() const { return detail::start_serving(state()); }
Coroutine<void> Server::wait_closed() const { return detail::wait_closed(state()); }
Coroutine<void> Server::serve_forever() const { return detail::serve_forever(state()); }

}  // namespace segue::modern
