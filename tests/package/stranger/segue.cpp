#include <cstdio>

#include <segue/exceptions.hpp>

int main() {
  try {
    throw segue::ValueError("a stranger is served");
  } catch (const segue::Exception& error) {
    std::puts(error.what());
  }
}
