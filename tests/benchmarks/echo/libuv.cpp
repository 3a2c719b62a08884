// An echo server on libuv. What is received is sent at once where the system takes it; only the rest becomes a request.
#include <netinet/in.h>
#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

// On a cache line's boundary: what the system copies to a few bytes past a page's start takes twice as long on some
// processors.
alignas(64) std::array<char, 65536> buffer;

void checked(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  std::exit(1);
}

template <class Handle>
void close_and_delete(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
}

struct Rest {
  uv_write_t request;
  std::string data;
};

void send(uv_stream_t* client, std::size_t size) {
  uv_buf_t data = uv_buf_init(buffer.data(), static_cast<unsigned>(size));
  const int result = uv_try_write(client, &data, 1);
  const std::size_t sent = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (sent == size) return;
  auto* const rest = new Rest{{}, std::string(buffer.data() + sent, size - sent)};
  rest->request.data = rest;
  data = uv_buf_init(rest->data.data(), static_cast<unsigned>(rest->data.size()));
  const auto written = [](uv_write_t* request, int) { delete static_cast<Rest*>(request->data); };
  checked(uv_write(&rest->request, client, &data, 1, written), "uv_write");
}

void received(uv_stream_t* client, ssize_t size, const uv_buf_t*) {
  if (size > 0) return send(client, static_cast<std::size_t>(size));
  if (size < 0) close_and_delete(reinterpret_cast<uv_tcp_t*>(client));
}

void connected(uv_stream_t* listener, int status) {
  checked(status, "connection");
  auto* const client = new uv_tcp_t;
  checked(uv_tcp_init(listener->loop, client), "uv_tcp_init");
  auto* const stream = reinterpret_cast<uv_stream_t*>(client);
  checked(uv_accept(listener, stream), "uv_accept");
  checked(uv_tcp_nodelay(client, 1), "uv_tcp_nodelay");
  const auto lend = [](uv_handle_t*, std::size_t, uv_buf_t* lent) {
    *lent = uv_buf_init(buffer.data(), buffer.size());
  };
  checked(uv_read_start(stream, lend, received), "uv_read_start");
}

}  // namespace

int main() {
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener;
  checked(uv_tcp_init(loop, &listener), "uv_tcp_init");
  sockaddr_in address{};
  checked(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
  checked(uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0), "uv_tcp_bind");
  checked(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 1024, connected), "uv_listen");
  int length = sizeof address;
  checked(uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &length), "uv_tcp_getsockname");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
