// The body of an async generator. A yield has to stand in the generator's own function, so that its blocks with yields
// are not calls, but levels of a stack.
#include "world.hpp"

namespace segue::random::tasks {
namespace {

// A block that has begun.
struct Level {
  const Block* block;
  std::size_t next = 0;
  const Statement* attempt = nullptr;  // the try statement that the block belongs to
  bool handles = false;                // it is that one's handler
  std::exception_ptr pending = nullptr;
  bool returning = false;
};

class Levels {
 public:
  Levels(const Scope& scope, const Block& block) : scope_(scope) { levels_.push_back({&block}); }

  /// The next statement; null at the end. Throws what nobody handles.
  const Statement* next() {
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.next < level.block->size()) {
        const Statement& statement = (*level.block)[level.next++];
        if (statement.kind != Kind::try_except && statement.kind != Kind::try_finally) return &statement;
        levels_.push_back({.block = &statement.block, .attempt = &statement});
        continue;
      }
      const Level ended = std::move(level);
      levels_.pop_back();
      if (ended.attempt == nullptr) continue;
      if (!ended.handles) {
        if (ended.attempt->kind == Kind::try_finally) handle(*ended.attempt, nullptr, false);
      } else if (ended.pending && (ended.attempt->kind == Kind::try_finally || ended.attempt->reraises)) {
        fail(ended.pending);
      } else if (ended.returning) {
        leave();
      }
    }
    return nullptr;
  }
  /// A statement has thrown.
  void fail(const std::exception_ptr& error) {
    while (!levels_.empty()) {
      const Level level = std::move(levels_.back());
      levels_.pop_back();
      if (level.attempt == nullptr || level.handles) continue;
      if (level.attempt->kind == Kind::try_finally || catches(level.attempt->caught, error))
        return handle(*level.attempt, error, false);
    }
    std::rethrow_exception(error);
  }
  /// A statement has returned.
  void leave() {
    while (!levels_.empty()) {
      const Level level = std::move(levels_.back());
      levels_.pop_back();
      if (level.attempt != nullptr && !level.handles && level.attempt->kind == Kind::try_finally)
        return handle(*level.attempt, nullptr, true);
    }
    left_ = true;
  }
  bool left() const { return left_; }

 private:
  void handle(const Statement& attempt, const std::exception_ptr& error, bool returning) {
    if (attempt.kind == Kind::try_finally) {
      scope_.log("finally");
    } else {
      scope_.log("except", text(error));
    }
    levels_.push_back({&attempt.handler, 0, &attempt, true, error, returning});
  }

  const Scope& scope_;
  std::vector<Level> levels_;
  bool left_ = false;
};

}  // namespace

Generator call_generator(World& world, std::size_t index) {
  const std::string me = world.enter("a", index);
  if (me.empty()) co_return;
  const Scope scope{world, me};
  Levels levels(scope, world.program.generators[index]);
  while (const Statement* const statement = levels.next()) {
    std::exception_ptr error;
    Flow flow;
    try {
      if (statement->kind == Kind::yield) {
        const Number sent = co_yield statement->number;
        scope.log(title(*statement), text(sent));
      } else if (statement->kind == Kind::raise) {
        std::rethrow_exception(make_error(*statement));
      } else if (statement->kind == Kind::return_) {
        flow.returned = true;
      } else {
        const Block alone{*statement};
        flow = co_await run(scope, alone);
      }
    } catch (...) {
      error = std::current_exception();
    }
    if (error) levels.fail(error);
    if (flow.returned) levels.leave();
  }
  if (!levels.left()) scope.log("ends");
}

}  // namespace segue::random::tasks
