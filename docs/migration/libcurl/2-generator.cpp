// The same with a transfer as a function: fetch() waits for what CurlLoop calls back, plain functions call it, and the
// program is a loop.
//
// usage: 2-generator URL COUNT SECONDS        fetches URL0, URL1, … each followed by a request for what
// the answer names; each request may take so long
#include <curl/curl.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>
#include <segue/bridge/callback.hpp>
#include <segue/bridge/coroutine.hpp>

#include "curl_loop.hpp"

template <>
struct segue::bridge::error_traits<CURLcode> {
  static std::exception_ptr to_exception(CURLcode code) {
    return code == CURLE_OK ? nullptr : std::make_exception_ptr(std::runtime_error(curl_easy_strerror(code)));
  }
};

namespace {

using segue::bridge::coroutine;
using segue::bridge::error_first;
using segue::bridge::from_callback;
using segue::bridge::yield_from;
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
const auto fetch = coroutine<std::string>([](CurlLoop& curl, std::string url) {
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
  yield_from(from_callback<>(error_first, start, stop));
  return body;
});

// A plain function, which waits as any function below a generator-based coroutine may.
std::string page(Program& program, const std::string& name) {
  std::string body = yield_from(asyncio::wait_for(fetch(std::ref(program.curl), program.url + name), program.limit));
  program.bytes += static_cast<long>(body.size());
  return body;
}

void fetch_two(Program& program, int number) {
  try {
    const std::string name = page(program, std::to_string(number));
    page(program, name);
    ++program.fine;
  } catch (const std::exception&) {  // counted by what is missing
  }
}

const auto fetch_all = coroutine<>([](std::string url, int count, std::chrono::seconds limit) {
  CurlLoop curl(asyncio::get_running_loop());
  Program program{.curl = curl, .url = std::move(url), .limit = limit};
  int next = 0;
  const auto worker = coroutine<>([&] {
    while (next < count) fetch_two(program, next++);
  });
  std::vector<asyncio::Task<>> workers;
  for (int i = 0; i < at_once; ++i) workers.push_back(asyncio::create_task(worker()));
  yield_from(asyncio::gather(workers));
  std::printf("%d of %d are fine, %ld bytes\n", program.fine, count, program.bytes);
});

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fprintf(stderr, "usage: 2-generator URL COUNT SECONDS\n"), 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  asyncio::run(fetch_all(argv[1], std::atoi(argv[2]), std::chrono::seconds(std::atoi(argv[3]))));
  curl_global_cleanup();
}
