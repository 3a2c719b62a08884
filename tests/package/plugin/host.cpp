// A program that knows nothing of segue and loads a plugin, which a thread that was there before uses, too.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

int main(int, char** arguments) {
  using Sum = int(int);
  std::promise<Sum*> loaded;
  int in_thread = 0;
  std::thread thread([&] { in_thread = loaded.get_future().get()(4); });
  void* const plugin = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::_Exit(EXIT_FAILURE);
  }
  auto* const sum = reinterpret_cast<Sum*>(dlsym(plugin, "sum"));
  loaded.set_value(sum);
  thread.join();
  return sum(3) == 6 && in_thread == 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
