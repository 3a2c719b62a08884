// Orders out of an XML file of any size, as SAX has it: expat calls, the program answers, and what the program wants to
// know is spread over the handlers. The same without that: 1-generator.cpp.
//
// usage: 0-callback FILE        the totals of all orders
//        0-callback FILE N      the first N orders over 1000.00
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

namespace {

constexpr long large = 100'000;

struct Order {
  long id = 0;
  std::string customer;
  long cents = 0;
};

struct Program {
  // What the file means.
  Order order;
  std::string text;

  // What the program does, between two calls.
  long wanted = -1;  // -1: the totals
  long orders = 0;
  long cents = 0;
  Order largest;

  XML_Parser parser = nullptr;
  std::exception_ptr error;

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
    if (element == "order") finished();
  }

  // The program itself, turned inside out.
  void finished() {
    if (wanted >= 0) {
      if (order.cents <= large) return;
      std::printf("order %ld, %s: %ld\n", order.id, order.customer.c_str(), order.cents);
      if (--wanted == 0) XML_StopParser(parser, XML_FALSE);
      return;
    }
    ++orders;
    cents += order.cents;
    if (order.cents > largest.cents) largest = std::move(order);
  }

  // Every handler, since no exception may pass through expat.
  template <class Call>
  void guard(Call call) noexcept {
    if (error || wanted == 0) return;
    try {
      call();
    } catch (...) {
      error = std::current_exception();
      XML_StopParser(parser, XML_FALSE);
    }
  }
};

void XMLCALL on_start(void* context, const XML_Char* element, const XML_Char** attributes) {
  auto& program = *static_cast<Program*>(context);
  program.guard([&] { program.start(element, attributes); });
}
void XMLCALL on_end(void* context, const XML_Char* element) {
  auto& program = *static_cast<Program*>(context);
  program.guard([&] { program.end(element); });
}
void XMLCALL on_text(void* context, const XML_Char* text, int length) {
  auto& program = *static_cast<Program*>(context);
  program.guard([&] { program.text.append(text, static_cast<std::size_t>(length)); });
}

// Gives how many bytes were read.
long parse(const char* path, Program& program) {
  const std::unique_ptr<std::FILE, decltype([](std::FILE* file) { std::fclose(file); })> file(std::fopen(path, "rb"));
  if (!file) throw std::runtime_error(std::string("cannot open ") + path);
  const std::unique_ptr<XML_ParserStruct, decltype([](XML_Parser parser) { XML_ParserFree(parser); })> parser(
      XML_ParserCreate(nullptr));
  program.parser = parser.get();
  XML_SetUserData(parser.get(), &program);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);

  long bytes = 0;
  std::array<char, 16 * 1024> piece;
  for (bool last = false; !last;) {
    const std::size_t size = std::fread(piece.data(), 1, piece.size(), file.get());
    bytes += static_cast<long>(size);
    last = size < piece.size();
    if (XML_Parse(parser.get(), piece.data(), static_cast<int>(size), last) != XML_STATUS_OK) {
      if (program.error) std::rethrow_exception(program.error);
      if (program.wanted == 0) break;
      throw std::runtime_error(XML_ErrorString(XML_GetErrorCode(parser.get())));
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: 0-callback FILE [N]\n"), 2;
  try {
    Program program;
    if (argc > 2) program.wanted = std::atol(argv[2]);
    const bool totals = program.wanted < 0;
    const long bytes = program.wanted == 0 ? 0 : parse(argv[1], program);
    if (totals) {
      std::printf("%ld orders, %ld in all; the largest: order %ld, %s: %ld\n", program.orders, program.cents,
                  program.largest.id, program.largest.customer.c_str(), program.largest.cents);
    }
    std::printf("read %ld bytes\n", bytes);
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "0-callback: %s\n", error.what()), 1;
  }
}
