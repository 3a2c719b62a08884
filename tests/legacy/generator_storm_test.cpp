// Generators of two kinds in six variables, driven, thrown into, closed, replaced, moved and destroyed at random, from
// outside and from within: by bodies, by their handlers of GeneratorExit, and by destructors of what they hold. What
// Python's programs cannot do; so nothing is compared, but nothing may be lost either, and the sanitizers look on.
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <segue/legacy/detail/sanitizers.hpp>
#include <segue/legacy/generator.hpp>
#include <segue/legacy/inspect.hpp>

#include "unraisable_reports.hpp"

namespace segue::legacy {
namespace {

using Result = std::optional<int>;
using Ints = Generator<int, std::optional<int>, Result>;
using Longs = Generator<long, std::optional<int>, Result>;  // delegates to Ints by relaying, and the other way round

class Storm {
 public:
  explicit Storm(unsigned seed) : random_(seed) {}

  void run() {
    for (Ints& generator : ints_) generator = made<Ints>();
    for (Longs& generator : longs_) generator = made<Longs>();
    for (int turn = 0; turn < 25 && budget_ > 0; ++turn) {
      try {
        act();
        if (one_in(8)) move();
      } catch (const BaseException&) {
      }
    }
    budget_ = 0;
    for (Ints& generator : ints_) generator = {};
    for (Longs& generator : longs_) generator = {};
  }

  // What of bodies and their arguments is alive.
  int alive() const noexcept { return alive_; }

 private:
  class Alive {
   public:
    explicit Alive(Storm& storm) noexcept : storm_(storm) { ++storm_.alive_; }
    Alive(const Alive&) = delete;
    ~Alive() { --storm_.alive_; }

   private:
    Storm& storm_;
  };

  // An argument of a body, whose destructor does something, too.
  class Meddling {
   public:
    explicit Meddling(Storm& storm) : storm_(&storm), alive_(std::make_unique<Alive>(storm)) {}
    Meddling(Meddling&&) noexcept = default;
    ~Meddling() {
      if (alive_ == nullptr || storm_->budget_ <= 0 || !storm_->one_in(3)) return;
      try {
        storm_->one_in(3) ? storm_->move() : storm_->act();
      } catch (const BaseException&) {
      }
    }

   private:
    Storm* storm_;
    std::unique_ptr<Alive> alive_;
  };

  int below(int end) { return static_cast<int>(random_() % static_cast<unsigned>(end)); }
  bool one_in(int count) { return below(count) == 0; }
  std::size_t any() { return static_cast<std::size_t>(below(static_cast<int>(ints_.size()))); }

  template <class G>
  G made() {
    if (one_in(6)) return G();
    return G([this](auto& yield, const Meddling&) { return this->body(yield); }, Meddling(*this));
  }

  template <class Yield>
  Result body(Yield& yield) {
    const Alive alive(*this);
    const bool swallows_exit = one_in(10);
    for (int steps = below(5); steps > 0 && --budget_ > 0; --steps) {
      try {
        step(yield);
      } catch (const GeneratorExit&) {
        if (budget_ > 0 && one_in(4)) act();
        if (!swallows_exit || budget_ <= 0) throw;
      } catch (const StopIterationBase&) {
      } catch (const BaseException&) {
        if (one_in(3)) throw;
      }
    }
    return one_in(2) ? Result() : Result(4);
  }

  template <class Yield>
  void step(Yield& yield) {
    switch (below(9)) {
      case 0: yield.from(ints_[any()]); break;
      case 1: yield.from(longs_[any()]); break;
      case 2: one_in(2) ? yield.from(made<Ints>()) : yield.from(made<Longs>()); break;
      case 3: one_in(2) ? yield.from(std::move(ints_[any()])) : yield.from(std::move(longs_[any()])); break;
      case 4: act(); break;
      case 5: one_in(2) ? move() : throw LookupError("thrown by a body"); break;
      default: yield(1); break;
    }
  }

  void act() {
    if (--budget_ < 0) return;
    one_in(2) ? act_on(ints_[any()]) : act_on(longs_[any()]);
    getgeneratorstate(ints_[any()]);
    gi_yieldfrom(longs_[any()]);
  }

  template <class G>
  void act_on(G& generator) {
    switch (below(9)) {
      case 0: generator.send(3); break;
      case 1: generator.throw_(ValueError("thrown in")); break;
      case 2: generator.throw_(GeneratorExit()); break;
      case 3: generator.close(); break;
      case 4: generator = made<G>(); break;
      case 5: {
        G taken(std::move(generator));
        if (one_in(2)) taken.next();
        break;
      }
      case 6: {
        int values = 0;
        for ([[maybe_unused]] const auto value : generator) {
          if (++values == 3) break;
        }
        break;
      }
      default: generator.next(); break;
    }
  }

  void move() {
    if (one_in(2)) {
      ints_[any()] = std::move(ints_[any()]);
    } else {
      longs_[any()] = std::move(longs_[any()]);
    }
  }

  std::mt19937 random_;
  int budget_ = 400;
  int alive_ = 0;
  std::array<Ints, 3> ints_;
  std::array<Longs, 3> longs_;
};

TEST(GeneratorStorm, loses_nothing) {
  segue::testing::UnraisableReports reports;
  constexpr unsigned seeds = legacy_detail::sanitized ? 1000 : 3000;
  for (unsigned seed = 0; seed < seeds; ++seed) {
    reports.lines.clear();
    Storm storm(seed);
    storm.run();
    const bool given_up = std::ranges::any_of(
        reports.lines, [](const std::string& line) { return line.find("given up") != std::string::npos; });
    EXPECT_TRUE(given_up || storm.alive() == 0) << "seed " << seed << ", " << storm.alive() << " alive";
  }
}

}  // namespace
}  // namespace segue::legacy
