// Parcels are carried together; one is dropped, and the others are put down.

#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <segue/asyncio.hpp>

using namespace segue;
using namespace std::chrono_literals;
using asyncio::Coroutine;

struct Broken : Exception {
  using Exception::Exception;
};

struct Lost : Exception {
  using Exception::Exception;
};

struct Parcel {
  std::string name;
  std::chrono::milliseconds way;
  std::exception_ptr error = nullptr;
};

Coroutine<std::string> carry(Parcel parcel) {
  try {
    co_await asyncio::sleep(parcel.way);
  } catch (const asyncio::CancelledError&) {
    fmt::print("  {}: put down\n", parcel.name);
    throw;
  }
  if (parcel.error) std::rethrow_exception(parcel.error);
  fmt::print("  {}: arrived\n", parcel.name);
  co_return parcel.name;
}

Coroutine<std::vector<std::string>> deliver(std::vector<Parcel> parcels) {
  std::vector<asyncio::Task<std::string>> tasks;
  const auto body = [&](asyncio::TaskGroup& group) {
    for (const Parcel& parcel : parcels) tasks.push_back(group.create_task(carry(parcel)));
  };
  co_await asyncio::async_with(asyncio::TaskGroup(), body);
  // Here all of them are done, and well.
  std::vector<std::string> names;
  for (const auto& task : tasks) names.push_back(task.result());
  co_return names;
}

template <class Error>
std::exception_ptr error(const std::string& text) {
  return std::make_exception_ptr(Error(text));
}

std::string texts(const BaseExceptionGroup& group) {
  std::string all;
  for (const std::exception_ptr& each : group.exceptions()) all += " " + describe(each).message;
  return all;
}

Coroutine<> async_main() {
  fmt::print("- all arrive\n");
  std::vector<Parcel> parcels{{"books", 20ms}, {"lamp", 10ms}};
  const std::vector<std::string> names = co_await deliver(parcels);
  fmt::print("  ['{}']\n", fmt::join(names, "', '"));

  fmt::print("- one breaks\n");
  parcels = {{"vase", 10ms, error<Broken>("vase")}, {"letters", 5ms}, {"piano", 60s}};
  try {
    co_await deliver(parcels);
  } catch (const BaseExceptionGroup& group) {
    except_star(group, except_<Broken>([](const BaseExceptionGroup& broken) {
                  fmt::print("  {} broken:{}\n", broken.exceptions().size(), texts(broken));
                }));
  }

  fmt::print("- two at once, each kind for its own clause\n");
  parcels = {
      {"cup", 0ms, error<Broken>("cup")}, {"ring", 0ms, error<Lost>("ring")}, {"plate", 0ms, error<Broken>("plate")}};
  try {
    co_await deliver(parcels);
  } catch (const BaseExceptionGroup& group) {
    except_star(group,  //
                except_<Broken>([](const BaseExceptionGroup& broken) { fmt::print("  broken:{}\n", texts(broken)); }),
                except_<Lost>([](const BaseExceptionGroup& lost) { fmt::print("  lost:{}\n", texts(lost)); }));
  }

  fmt::print("- an error of one's own counts as well\n");
  const auto body = [](asyncio::TaskGroup& group) -> Coroutine<> {
    group.create_task(carry({"sofa", 60s}));
    co_await asyncio::sleep(0s);
    throw Lost("the address");
  };
  try {
    co_await asyncio::async_with(asyncio::TaskGroup(), body);
  } catch (const BaseExceptionGroup& group) {
    except_star(group, except_<Lost>([](const BaseExceptionGroup& lost) { fmt::print("  lost:{}\n", texts(lost)); }));
  }
}

int main() { asyncio::run(async_main()); }
