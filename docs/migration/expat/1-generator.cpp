// Orders out of an XML file of any size, as a generator: 0-callback.cpp with the program on one side and the parser on
// the other.
//
// usage: 1-generator FILE        the totals of all orders
//        1-generator FILE N      the first N orders over 1000.00
#include <expat.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <segue/legacy/pull.hpp>

namespace {

using segue::legacy::Emitter;
using segue::legacy::Generator;
using segue::legacy::pull;

constexpr long large = 100'000;

struct Order {
  long id = 0;
  std::string customer;
  long cents = 0;
};

// What the file means: the parser's side.
struct Reader {
  Emitter<Order>& emit;
  XML_Parser parser;
  Order order = {};
  std::string text = {};

  void start(std::string_view element, const XML_Char** attributes) {
    text.clear();
    if (element == "order") order = Order();
    long quantity = 0;
    long price = 0;
    for (; *attributes != nullptr; attributes += 2) {
      const long value = std::atol(attributes[1]);
      if (std::strcmp(attributes[0], "id") == 0) order.id = value;
      if (std::strcmp(attributes[0], "quantity") == 0) quantity = value;
      if (std::strcmp(attributes[0], "price") == 0) price = value;
    }
    order.cents += quantity * price;
  }

  void end(std::string_view element) {
    if (element == "customer") order.customer = text;
    if (element == "order") emit.yield(std::move(order));
  }

  // Every handler: nothing is thrown through expat, which is told to stop instead.
  template <class Call>
  void guard(Call call) noexcept {
    if (!emit.guard(call)) XML_StopParser(parser, XML_FALSE);
  }
};

void XMLCALL on_start(void* context, const XML_Char* element, const XML_Char** attributes) {
  auto& reader = *static_cast<Reader*>(context);
  reader.guard([&] { reader.start(element, attributes); });
}
void XMLCALL on_end(void* context, const XML_Char* element) {
  auto& reader = *static_cast<Reader*>(context);
  reader.guard([&] { reader.end(element); });
}
void XMLCALL on_text(void* context, const XML_Char* text, int length) {
  auto& reader = *static_cast<Reader*>(context);
  reader.guard([&] { reader.text.append(text, static_cast<std::size_t>(length)); });
}

// The orders of a file; `bytes` is how many were read so far.
Generator<Order> orders(const char* path, long& bytes) {
  return pull<Order>(
      [path, &bytes](Emitter<Order>& emit) {
        const std::unique_ptr<std::FILE, decltype([](std::FILE* file) { std::fclose(file); })> file(
            std::fopen(path, "rb"));
        if (!file) throw std::runtime_error(std::string("cannot open ") + path);
        const std::unique_ptr<XML_ParserStruct, decltype([](XML_Parser parser) { XML_ParserFree(parser); })> parser(
            XML_ParserCreate(nullptr));
        Reader reader{.emit = emit, .parser = parser.get()};
        XML_SetUserData(parser.get(), &reader);
        XML_SetElementHandler(parser.get(), on_start, on_end);
        XML_SetCharacterDataHandler(parser.get(), on_text);

        std::array<char, 16 * 1024> piece;
        for (bool last = false; !last;) {
          const std::size_t size = std::fread(piece.data(), 1, piece.size(), file.get());
          bytes += static_cast<long>(size);
          last = size < piece.size();
          if (XML_Parse(parser.get(), piece.data(), static_cast<int>(size), last) != XML_STATUS_OK) {
            throw std::runtime_error(XML_ErrorString(XML_GetErrorCode(parser.get())));
          }
        }
      },
      {.name = "orders", .stack_size = {256 * 1024}});
}

// The program itself: two loops.
void print_totals(Generator<Order> orders) {
  long count = 0;
  long cents = 0;
  Order largest;
  for (Order&& order : orders) {
    ++count;
    cents += order.cents;
    if (order.cents > largest.cents) largest = std::move(order);
  }
  std::printf("%ld orders, %ld in all; the largest: order %ld, %s: %ld\n", count, cents, largest.id,
              largest.customer.c_str(), largest.cents);
}

void print_large(Generator<Order> orders, long wanted) {
  if (wanted <= 0) return;
  for (const Order& order : orders) {
    if (order.cents <= large) continue;
    std::printf("order %ld, %s: %ld\n", order.id, order.customer.c_str(), order.cents);
    if (--wanted == 0) break;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: 1-generator FILE [N]\n"), 2;
  try {
    long bytes = 0;
    if (argc == 2) {
      print_totals(orders(argv[1], bytes));
    } else {
      print_large(orders(argv[1], bytes), std::atol(argv[2]));
    }
    std::printf("read %ld bytes\n", bytes);
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "1-generator: %s\n", error.what()), 1;
  }
}
