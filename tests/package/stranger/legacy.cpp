// legacy alone: generators that are sent values, return one, and delegate.
#include <cstdio>
#include <optional>

#include <segue/legacy/generator.hpp>

using segue::legacy::Generator;

// Yields the mean so far, is sent numbers, and returns the mean when it is sent none.
Generator<double, std::optional<double>, double> mean() {
  return Generator<double, std::optional<double>, double>([](auto& yield) {
    double sum = 0;
    int count = 0;
    while (std::optional<double> number = yield(count == 0 ? 0 : sum / count)) {
      sum += *number;
      ++count;
    }
    return sum / count;
  });
}

int main() {
  Generator<double, std::optional<double>> two_classes([](auto& yield) {
    const double first = yield.from(mean());  // what is sent goes straight to mean(), at any depth for the same price
    const double second = yield.from(mean());
    std::printf("%g and %g\n", first, second);
  });
  two_classes.next();
  two_classes.send(1.0);
  two_classes.send(3.0);  // 2: the mean so far
  two_classes.next();     // the first mean() returns, the second one starts
  two_classes.send(5.0);
  two_classes.next(0);  // prints "2 and 5", and gives 0 because there is no further value
}
