#include "generate.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace segue::random {
namespace {

namespace gen = rc::gen;

// Not more than a few, and not none.
template <class T>
rc::Gen<std::vector<T>> some(int at_most, rc::Gen<T> elements) {
  auto vector = gen::container<std::vector<T>>(gen::resize(rc::kNominalSize, std::move(elements)));
  return gen::resize(at_most, gen::nonEmpty(std::move(vector)));
}

rc::Gen<std::size_t> target() { return gen::inRange<std::size_t>(0, 4); }
rc::Gen<std::optional<int>> number() {
  return gen::map(gen::inRange(-3, 6), [](int n) { return n <= 0 ? std::nullopt : std::optional(n); });
}
rc::Gen<Raised> raised() {
  return gen::element(Raised::value_error, Raised::lookup_error, Raised::generator_exit, Raised::stop_iteration);
}

// The weights let most generators live for a while: what ends them is rare.
rc::Gen<Action> action(std::size_t renewals) {
  using enum Action::Kind;
  const auto kind = gen::weightedElement<Action::Kind>({{12, next},
                                                        {6, send},
                                                        {3, throw_},
                                                        {1, close},
                                                        {2, iterate},
                                                        {1, getgeneratorstate},
                                                        {1, gi_yieldfrom},
                                                        {renewals, renew}});
  return gen::build<Action>(gen::set(&Action::kind, kind), gen::set(&Action::target, target()),
                            gen::set(&Action::number, number()), gen::set(&Action::raised, raised()),
                            gen::set(&Action::guarded, gen::weightedElement<bool>({{5, true}, {1, false}})));
}

rc::Gen<Statement> simple_statement() {
  using enum Statement::Kind;
  const auto of_kind = [](Statement::Kind kind, auto... bindings) {
    return gen::build<Statement>(gen::set(&Statement::kind, gen::just(kind)), bindings...);
  };
  const auto any_target = gen::set(&Statement::target, target());
  const auto any_number = gen::set(&Statement::number, number());
  return gen::weightedOneOf<Statement>({
      {20, of_kind(yield, any_number)},
      {6, of_kind(yield_from_new, any_target)},
      {6, of_kind(yield_from_shared, any_target)},
      {3, of_kind(yield_from_list, any_number)},
      {1, of_kind(raise, gen::set(&Statement::raised, raised()), any_number)},
      {1, of_kind(return_, any_number)},
      {5, of_kind(act, gen::set(&Statement::action, action(1)))},
  });
}

rc::Gen<Block> block(int depth);

rc::Gen<Statement> try_statement(int depth) {
  using enum Statement::Kind;
  auto statement = gen::build<Statement>(
      gen::set(&Statement::kind, gen::weightedElement<Statement::Kind>({{3, try_except}, {1, try_finally}})),
      gen::set(&Statement::body, block(depth - 1)), gen::set(&Statement::handler, block(depth - 1)),
      gen::set(&Statement::caught, gen::element(Caught::value_error, Caught::generator_exit, Caught::everything)),
      gen::set(&Statement::reraises, gen::arbitrary<bool>()));
  // A smaller one is any of the statements inside.
  return gen::shrink(std::move(statement), [](Statement&& outer) {
    Block inner = std::move(outer.body);
    inner.insert(inner.end(), outer.handler.begin(), outer.handler.end());
    return rc::seq::fromContainer(std::move(inner));
  });
}

rc::Gen<Block> block(int depth) {
  if (depth == 0) return some(4, simple_statement());
  return some(5, gen::weightedOneOf<Statement>({{3, simple_statement()}, {2, try_statement(depth)}}));
}

rc::Gen<Body> body() {
  return gen::build<Body>(gen::set(&Body::statements, block(2)),
                          gen::set(&Body::wide, gen::weightedElement<bool>({{4, false}, {1, true}})));
}

// Makes a valid program of a generated one, and leaves out what segue does differently on purpose.
class Validated {
 public:
  explicit Validated(Program program) : program_(std::move(program)) {
    if (program_.bodies.empty()) program_.bodies.emplace_back();
    for (current_ = 0; current_ < count(); ++current_) visit(program_.bodies[current_].statements);
    for (Action& action : program_.driver) {
      action.target %= count();
      action.guarded = true;
    }
    // What is known of a relayed delegate goes when somebody else closes it, later than of a linked one.
    const bool relays = std::ranges::any_of(shared_, [&](std::size_t target) { return program_.bodies[target].wide; });
    // A generator lives as long as the one object that owns it, whoever delegates to it; in CPython whoever delegates
    // to it keeps it alive. So what somebody delegates to is not deleted.
    for_each_action([&](Action& action) {
      if (action.kind == Action::Kind::renew && std::ranges::find(shared_, action.target) != shared_.end()) {
        action.kind = Action::Kind::getgeneratorstate;
      }
      if (action.kind == Action::Kind::gi_yieldfrom && relays) action.kind = Action::Kind::getgeneratorstate;
    });
  }

  Program take() { return std::move(program_); }

 private:
  std::size_t count() const { return program_.bodies.size(); }

  // New generators only of bodies further down, so that every program ends.
  std::size_t further_down(std::size_t target) const { return current_ + 1 + target % (count() - current_ - 1); }

  void visit(Block& block) {
    for (Statement& statement : block) {
      const bool last = current_ + 1 == count();
      if (statement.kind == Statement::Kind::yield_from_new && last) statement.kind = Statement::Kind::yield;
      if (statement.kind == Statement::Kind::yield_from_new) {
        statement.target = further_down(statement.target);
      } else {
        statement.target %= count();
      }
      if (statement.kind == Statement::Kind::yield_from_shared) shared_.push_back(statement.target);
      Action& action = statement.action;
      if (action.kind == Action::Kind::renew && last) action.kind = Action::Kind::next;
      action.target = action.kind == Action::Kind::renew ? further_down(action.target) : action.target % count();
      visit(statement.body);
      visit(statement.handler);
    }
  }

  template <class Change>
  void for_each_action(Change change) {
    for (Body& body : program_.bodies) for_each_action(body.statements, change);
    for (Action& action : program_.driver) change(action);
  }
  template <class Change>
  void for_each_action(Block& block, Change change) {
    for (Statement& statement : block) {
      change(statement.action);
      for_each_action(statement.body, change);
      for_each_action(statement.handler, change);
    }
  }

  Program program_;
  std::size_t current_ = 0;
  std::vector<std::size_t> shared_;
};

}  // namespace

rc::Gen<Program> programs() {
  return gen::map(
      gen::build<Program>(gen::set(&Program::bodies, some(6, body())), gen::set(&Program::driver, some(40, action(6)))),
      [](Program program) { return Validated(std::move(program)).take(); });
}

}  // namespace segue::random
