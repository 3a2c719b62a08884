// Orders out of an XML document that comes from the net: the parser is given what has come, the orders that are
// complete are an async generator, and a connection that is slow holds up nobody else.
//
// usage: 2-await HOST:PORT        the totals of all orders
//        2-await HOST:PORT N      the first N orders over 1000.00
#include <expat.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segue/asyncio.hpp>

namespace {

using segue::asyncio::AsyncGenerator;
using segue::asyncio::Coroutine;
using segue::asyncio::LoopControl;
namespace asyncio = segue::asyncio;

constexpr long large = 100'000;

struct Order {
  long id = 0;
  std::string customer;
  long cents = 0;
};

// What the document means, a piece at a time.
class OrderParser {
 public:
  OrderParser() {
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), on_start, on_end);
    XML_SetCharacterDataHandler(parser_.get(), on_text);
  }
  OrderParser(const OrderParser&) = delete;
  OrderParser& operator=(const OrderParser&) = delete;

  /// The orders that are complete with this piece; an empty one is the end. What is wrong with it is thrown by check().
  std::vector<Order> feed(std::string_view piece) {
    fine_ = XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()), piece.empty()) == XML_STATUS_OK;
    return std::exchange(complete_, {});
  }
  void check() const {
    if (error_) std::rethrow_exception(error_);
    if (!fine_) throw std::runtime_error(XML_ErrorString(XML_GetErrorCode(parser_.get())));
  }

 private:
  void start(std::string_view element, const XML_Char** attributes) {
    text_.clear();
    if (element == "order") order_ = Order();
    long quantity = 0;
    long price = 0;
    for (; *attributes != nullptr; attributes += 2) {
      const long value = std::atol(attributes[1]);
      if (std::strcmp(attributes[0], "id") == 0) order_.id = value;
      if (std::strcmp(attributes[0], "quantity") == 0) quantity = value;
      if (std::strcmp(attributes[0], "price") == 0) price = value;
    }
    order_.cents += quantity * price;
  }

  void end(std::string_view element) {
    if (element == "customer") order_.customer = text_;
    if (element == "order") complete_.push_back(std::move(order_));
  }

  // Every handler, since no exception may pass through expat.
  template <class Call>
  void guard(Call call) noexcept {
    if (error_) return;
    try {
      call();
    } catch (...) {
      error_ = std::current_exception();
      XML_StopParser(parser_.get(), XML_FALSE);
    }
  }

  static void XMLCALL on_start(void* context, const XML_Char* element, const XML_Char** attributes) {
    auto& self = *static_cast<OrderParser*>(context);
    self.guard([&] { self.start(element, attributes); });
  }
  static void XMLCALL on_end(void* context, const XML_Char* element) {
    auto& self = *static_cast<OrderParser*>(context);
    self.guard([&] { self.end(element); });
  }
  static void XMLCALL on_text(void* context, const XML_Char* text, int length) {
    auto& self = *static_cast<OrderParser*>(context);
    self.guard([&] { self.text_.append(text, static_cast<std::size_t>(length)); });
  }

  const std::unique_ptr<XML_ParserStruct, decltype([](XML_Parser parser) { XML_ParserFree(parser); })> parser_{
      XML_ParserCreate(nullptr)};
  Order order_;
  std::string text_;
  std::vector<Order> complete_;
  std::exception_ptr error_;
  bool fine_ = true;
};

// The orders that come through a connection; `bytes` is how many were read so far.
AsyncGenerator<Order> orders(std::string host, int port, long& bytes) {
  const auto [reader, writer] = co_await asyncio::open_connection(host, port);
  OrderParser parser;
  for (bool last = false; !last;) {
    const std::string piece = co_await reader.read(16 * 1024);
    bytes += static_cast<long>(piece.size());
    last = piece.empty();
    std::vector<Order> complete = parser.feed(piece);
    for (Order& order : complete) co_yield std::move(order);
    parser.check();
  }
}

AsyncGenerator<Order> large_ones(AsyncGenerator<Order> orders) {
  while (true) {
    std::optional<Order> order = co_await orders.next_or_none();
    if (!order) break;
    if (order->cents > large) co_yield *std::move(order);
  }
}

Coroutine<> print_totals(AsyncGenerator<Order> orders) {
  long count = 0;
  long cents = 0;
  Order largest;
  co_await asyncio::async_for(orders, [&](Order order) {
    ++count;
    cents += order.cents;
    if (order.cents > largest.cents) largest = std::move(order);
  });
  std::printf("%ld orders, %ld in all; the largest: order %ld, %s: %ld\n", count, cents, largest.id,
              largest.customer.c_str(), largest.cents);
}

Coroutine<> print_first(AsyncGenerator<Order> orders, long wanted) {
  if (wanted <= 0) co_return;
  co_await asyncio::async_for(orders, [&](const Order& order) {
    std::printf("order %ld, %s: %ld\n", order.id, order.customer.c_str(), order.cents);
    return --wanted == 0 ? LoopControl::break_ : LoopControl::continue_;
  });
}

Coroutine<> report(std::string address, std::optional<long> wanted) {
  const std::size_t colon = address.rfind(':');
  long bytes = 0;
  auto all = orders(address.substr(0, colon), std::atoi(address.c_str() + colon + 1), bytes);
  if (wanted) {
    co_await print_first(large_ones(std::move(all)), *wanted);
  } else {
    co_await print_totals(std::move(all));
  }
  std::printf("read %ld bytes\n", bytes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: 2-await HOST:PORT [N]\n"), 2;
  try {
    asyncio::run(report(argv[1], argc > 2 ? std::optional(std::atol(argv[2])) : std::nullopt));
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "2-await: %s\n", error.what()), 1;
  }
}
