// The same in co_await: each function that waits says so by its type, and has a frame in place of a stack.
//
// usage: 3-await URL COUNT SECONDS        fetches URL0, URL1, … each followed by a request for what
// the answer names; each request may take so long
#include <curl/curl.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>
#include <segue/bridge/callback.hpp>

#include "curl_loop.hpp"

template <>
struct segue::bridge::error_traits<CURLcode> {
  static std::exception_ptr to_exception(CURLcode code) {
    return code == CURLE_OK ? nullptr : std::make_exception_ptr(std::runtime_error(curl_easy_strerror(code)));
  }
};

namespace {

using segue::asyncio::Coroutine;
using segue::bridge::error_first;
using segue::bridge::from_callback;
namespace asyncio = segue::asyncio;

constexpr int at_once = 20;

struct Program {
  CurlLoop& curl;
  std::string url;
  std::chrono::seconds limit;
  int fine = 0;
  long bytes = 0;
};

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* context) {
  static_cast<std::string*>(context)->append(data, size * count);
  return size * count;
}

// Cancelled, as by a timeout, it ends the transfer at once.
Coroutine<std::string> fetch(CurlLoop& curl, std::string url) {
  std::string body;
  const std::unique_ptr<CURL, decltype([](CURL* easy) { curl_easy_cleanup(easy); })> easy(curl_easy_init());
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  const auto start = [&](auto done) { curl.perform(easy.get(), done); };
  const auto stop = [&] {
    curl.cancel(easy.get());
    return true;  // it will not call
  };
  co_await from_callback<>(error_first, start, stop);
  co_return body;
}

Coroutine<std::string> page(Program& program, std::string name) {
  std::string body = co_await asyncio::wait_for(fetch(program.curl, program.url + name), program.limit);
  program.bytes += static_cast<long>(body.size());
  co_return body;
}

Coroutine<> fetch_two(Program& program, int number) {
  try {
    const std::string name = co_await page(program, std::to_string(number));
    co_await page(program, name);
    ++program.fine;
  } catch (const std::exception&) {  // counted by what is missing
  }
}

Coroutine<> fetch_all(std::string url, int count, std::chrono::seconds limit) {
  CurlLoop curl(asyncio::get_running_loop());
  Program program{.curl = curl, .url = std::move(url), .limit = limit};
  int next = 0;
  const auto worker = [&]() -> Coroutine<> {
    while (next < count) {
      const int mine = next++;
      co_await fetch_two(program, mine);
    }
  };
  std::vector<Coroutine<>> workers;
  for (int i = 0; i < at_once; ++i) workers.push_back(worker());
  co_await asyncio::gather(std::move(workers));
  std::printf("%d of %d are fine, %ld bytes\n", program.fine, count, program.bytes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: 3-await URL COUNT SECONDS\n"), 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  asyncio::run(fetch_all(argv[1], std::atoi(argv[2]), std::chrono::seconds(std::atoi(argv[3]))));
  curl_global_cleanup();
}
