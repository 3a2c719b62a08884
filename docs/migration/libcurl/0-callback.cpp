// Many transfers at once by libcurl's multi-socket interface, driven by epoll: curl says which descriptors to watch and
// when to call again, and the program's state is in its callbacks.
//
// usage: 0-callback URL COUNT SECONDS        fetches URL0, URL1, … each followed by a request for what
// the answer names; each request may take so long
#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int at_once = 20;

struct Program;

// Two requests: for a page, and for the page that it names.
struct Transfer {
  Program& program;
  std::string body = {};
  bool second = false;
};

struct Program {
  std::string url;
  int count;
  long seconds;
  CURLM* multi = curl_multi_init();
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  long timeout = -1;  // curl's, in milliseconds
  Clock::time_point timeout_set = {};
  int started = 0;
  int under_way = 0;
  int fine = 0;
  long bytes = 0;

  void start_more();
  void request(Transfer& transfer, const std::string& url);
  void done(CURL* easy, CURLcode code);
  void look_for_done();
  void run();
};

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* context) {
  static_cast<Transfer*>(context)->body.append(data, size * count);
  return size * count;
}

int on_socket(CURL*, curl_socket_t socket, int what, void* context, void* known) {
  auto& program = *static_cast<Program*>(context);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(program.epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event = {};
  event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  event.data.fd = socket;
  epoll_ctl(program.epoll, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
  curl_multi_assign(program.multi, socket, &program);
  return 0;
}

int on_timer(CURLM*, long timeout, void* context) {
  auto& program = *static_cast<Program*>(context);
  program.timeout = timeout;
  program.timeout_set = Clock::now();
  return 0;
}

void Program::request(Transfer& transfer, const std::string& wanted) {
  CURL* const easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, wanted.c_str());
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_multi_add_handle(multi, easy);
}

void Program::start_more() {
  while (under_way < at_once && started < count) {
    ++under_way;
    request(*new Transfer{*this}, url + std::to_string(started++));
  }
}

void Program::done(CURL* easy, CURLcode code) {
  void* given = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &given);
  std::unique_ptr<Transfer> transfer(static_cast<Transfer*>(given));
  curl_multi_remove_handle(multi, easy);
  curl_easy_cleanup(easy);
  bytes += static_cast<long>(transfer->body.size());
  if (code == CURLE_OK && !transfer->second) {
    transfer->second = true;
    const std::string next = url + transfer->body;
    transfer->body.clear();
    return request(*transfer.release(), next);
  }
  if (code == CURLE_OK) ++fine;
  --under_way;
  start_more();
}

void Program::look_for_done() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) done(message->easy_handle, message->data.result);
  }
}

void Program::run() {
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  start_more();
  epoll_event found[64];
  while (under_way > 0) {
    int wait = -1;
    if (timeout >= 0) {
      const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - timeout_set).count();
      wait = passed >= timeout ? 0 : static_cast<int>(timeout - passed);
    }
    const int number = epoll_wait(epoll, found, 64, wait);
    int running = 0;
    for (int i = 0; i < number; ++i) {
      const int what = ((found[i].events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                       ((found[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                       ((found[i].events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi, found[i].data.fd, what, &running);
    }
    if (number == 0) {
      timeout = -1;
      curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    look_for_done();
  }
  curl_multi_cleanup(multi);
  close(epoll);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: 0-callback URL COUNT SECONDS\n"), 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  Program program{.url = argv[1], .count = std::atoi(argv[2]), .seconds = std::atol(argv[3])};
  program.run();
  std::printf("%d of %d are fine, %ld bytes\n", program.fine, program.count, program.bytes);
  curl_global_cleanup();
}
