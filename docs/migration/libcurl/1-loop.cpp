// Half-way: the program's callbacks are what they were, and the loop has taken the place of epoll, so that whatever
// else awaits can run beside them. What curl asks to be watched is CurlLoop's business.
//
// usage: 1-loop URL COUNT SECONDS        fetches URL0, URL1, … each followed by a request for what
// the answer names; each request may take so long
#include <curl/curl.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <segue/asyncio.hpp>

#include "curl_loop.hpp"

namespace {

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
  CurlLoop curl;
  int started = 0;
  int under_way = 0;
  int fine = 0;
  long bytes = 0;

  void start_more();
  void request(Transfer& transfer, const std::string& url);
  void done(Transfer& ended, CURL* easy, CURLcode code);
};

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* context) {
  static_cast<Transfer*>(context)->body.append(data, size * count);
  return size * count;
}

void Program::request(Transfer& transfer, const std::string& wanted) {
  CURL* const easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, wanted.c_str());
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl.perform(easy, [this, &transfer, easy](CURLcode code) { done(transfer, easy, code); });
}

void Program::start_more() {
  while (under_way < at_once && started < count) {
    ++under_way;
    request(*new Transfer{*this}, url + std::to_string(started++));
  }
}

void Program::done(Transfer& ended, CURL* easy, CURLcode code) {
  std::unique_ptr<Transfer> transfer(&ended);
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
  if (under_way == 0) segue::asyncio::get_running_loop().stop();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: 1-loop URL COUNT SECONDS\n"), 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const auto loop = segue::asyncio::new_event_loop();
  Program program{.url = argv[1], .count = std::atoi(argv[2]), .seconds = std::atol(argv[3]), .curl = CurlLoop(*loop)};
  program.start_more();
  loop->run_forever();
  std::printf("%d of %d are fine, %ld bytes\n", program.fine, program.count, program.bytes);
  curl_global_cleanup();
}
