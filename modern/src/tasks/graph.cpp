#include <segue/modern/tasks/graph.hpp>

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <unordered_set>

#include <segue/exceptions.hpp>
#include <segue/modern/kernel/task_core.hpp>
#include <segue/modern/kernel/waiters.hpp>

namespace segue::modern {

namespace {

/// What future_add_to_awaited_by() leaves with a future.
class SaidToWait final : public DoneCallbackState {
 public:
  explicit SaidToWait(Ref<FutureCore> waiter) noexcept : waiter_(std::move(waiter)) {}
  void call(FutureCore&) override {}
  FutureCore* on_behalf_of() const noexcept override { return waiter_.get(); }

 private:
  Ref<FutureCore> waiter_;
};

const SaidToWait* as_said_to_wait(const Waiter& waiter) noexcept {
  return dynamic_cast<const SaidToWait*>(waiter.called());
}

const SaidToWait* find_said(const FutureCore& future, const FutureCore& waiter) noexcept {
  const SaidToWait* found = nullptr;
  future.waiters().for_each([&](const Waiter& each) {
    const SaidToWait* const said = as_said_to_wait(each);
    if (said != nullptr && said->on_behalf_of() == &waiter) found = said;
  });
  return found;
}

/// Who waits for `future`: tasks, and whatever was said to wait. The library's own futures that stand between are left
/// out.
std::vector<FutureCore*> waiting_for(FutureCore& future) {
  std::vector<FutureCore*> waiting;
  std::unordered_set<FutureCore*> seen;
  std::vector<FutureCore*> between{&future};
  for (std::size_t i = 0; i < between.size(); ++i) {
    between[i]->waiters().for_each([&](const Waiter& each) {
      FutureCore* const waiter = each.task() != nullptr ? each.task() : each.called()->on_behalf_of();
      if (waiter == nullptr || !seen.insert(waiter).second) return;
      const bool is_shown = waiter->task() != nullptr || as_said_to_wait(each) != nullptr;
      (is_shown ? waiting : between).push_back(waiter);
    });
  }
  return waiting;
}

// --- call stacks ---

// The first is the innermost.
std::vector<FrameCallGraphEntry> limited(std::vector<SuspendedFrame> frames, std::optional<int> limit) {
  const auto all = static_cast<std::ptrdiff_t>(frames.size());
  const std::ptrdiff_t kept =
      !limit ? all : std::min<std::ptrdiff_t>(all, *limit < 0 ? -std::ptrdiff_t{*limit} : *limit);
  const auto first = frames.begin() + (limit && *limit < 0 ? 0 : all - kept);
  std::vector<FrameCallGraphEntry> entries;
  entries.reserve(static_cast<std::size_t>(kept));
  for (auto frame = first; frame != first + kept; ++frame) entries.push_back({std::move(*frame)});
  return entries;
}

std::vector<FrameCallGraphEntry> call_stack_of(FutureCore& future, std::optional<int> limit) {
  const TaskCore* const task = future.task();
  if (task == nullptr || task->done()) return {};
  CoroutineInfo coroutine = task->coroutine_info();
  std::vector<SuspendedFrame> frames = std::move(coroutine.cr_await);
  std::ranges::reverse(frames);
  frames.push_back({std::move(coroutine.name), coroutine.where});
  return limited(std::move(frames), limit);
}

// --- the graph ---

FutureCallGraph node_of(FutureCore& future, std::optional<int> limit) {
  return FutureCallGraph(AnyFuture(Ref<FutureCore>(&future)), call_stack_of(future, limit));
}

/// Adds who waits to a graph that has its own future alone. A chain of those may be as long as its user likes.
void add_waiters(FutureCallGraph& graph, std::optional<int> limit) {
  struct Visit {
    FutureCallGraph* node;
    bool leaves = false;
  };
  std::unordered_set<const FutureCore*> way_here;
  std::vector<Visit> open{{&graph}};
  while (!open.empty()) {
    const auto [node, leaves] = open.back();
    open.pop_back();
    FutureCore& future = *node->future.state();
    if (leaves) {
      way_here.erase(&future);
      continue;
    }
    if (!way_here.insert(&future).second) continue;
    open.push_back({node, true});
    const std::vector<FutureCore*> waiting = waiting_for(future);
    node->awaited_by.reserve(waiting.size());
    for (FutureCore* const waiter : waiting) node->awaited_by.push_back(node_of(*waiter, limit));
    for (FutureCallGraph& waiter : node->awaited_by) open.push_back({&waiter});
  }
}

// --- the text ---

std::string shown(const SuspendedFrame& frame) {
  if (!frame.where) return frame.name;
  return std::string("File '") + frame.where->file_name() + "', line " + std::to_string(frame.where->line()) +
         ", in async " + frame.name + "()";
}

std::string shown(const AnyFuture& future) {
  std::ostringstream text;
  const TaskCore* const task = future.state()->task();
  if (task != nullptr) {
    text << "Task(name='" << task->name() << "', id=";
  } else {
    text << "Future(id=";
  }
  text << future.id() << ")";
  return text.str();
}

std::string format(const FutureCallGraph& graph) {
  struct Level {
    const FutureCallGraph* node;
    std::size_t depth;
  };
  std::string text;
  std::vector<Level> open{{&graph, 0}};
  while (!open.empty()) {
    const auto [node, depth] = open.back();
    open.pop_back();
    const auto add_line = [&text, indent = std::string(4 * depth, ' ')](const std::string& line) {
      if (!text.empty()) text += '\n';
      text += indent + line;
    };
    add_line("* " + shown(node->future));
    if (!node->call_stack.empty()) add_line("  + Call stack:");
    for (const FrameCallGraphEntry& entry : node->call_stack) add_line("  |   " + shown(entry.frame));
    if (!node->awaited_by.empty()) add_line("  + Awaited by:");
    for (auto waiter = node->awaited_by.rbegin(); waiter != node->awaited_by.rend(); ++waiter)
      open.push_back({&*waiter, depth + 1});
  }
  return text;
}

void print(const std::string& text, std::FILE* file) { std::fputs((text + "\n").c_str(), file); }

}  // namespace

namespace detail {

bool CurrentCallGraph::await_ready() const {
  if (LoopCore::running() == nullptr)
    throw RuntimeError(
        "capture_call_graph() is called outside of a running event loop and no *future* to introspect was provided");
  return TaskCore::current() == nullptr;
}

bool CurrentCallGraph::await_suspend(Resumable asking) {
  std::vector<SuspendedFrame> frames = call_stack_from(asking);
  const std::ptrdiff_t left_out =
      std::clamp<std::ptrdiff_t>(options_.depth - 1, 0, static_cast<std::ptrdiff_t>(frames.size()));
  frames.erase(frames.begin(), frames.begin() + left_out);
  graph_.emplace(AnyFuture(Ref<FutureCore>(TaskCore::current())), limited(std::move(frames), options_.limit));
  add_waiters(*graph_, options_.limit);
  return false;
}

std::string FormatCurrentCallGraph::await_resume() const { return graph_ ? format(*graph_) : std::string(); }

void PrintCurrentCallGraph::await_resume() const {
  if (graph_) print(format(*graph_), file_);
}

}  // namespace detail

FutureCallGraph CaptureCallGraphFunction::operator()(const AnyFuture& future, CallGraphOptions options) const {
  FutureCallGraph graph = node_of(*future.state(), options.limit);
  add_waiters(graph, options.limit);
  return graph;
}

std::string FormatCallGraphFunction::operator()(const AnyFuture& future, CallGraphOptions options) const {
  return format(capture_call_graph(future, options));
}

void PrintCallGraphFunction::operator()(const AnyFuture& future, CallGraphOptions options, std::FILE* file) const {
  print(format(capture_call_graph(future, options)), file);
}

void FutureAddToAwaitedByFunction::operator()(const AnyFuture& future, const AnyFuture& waiter) const {
  FutureCore& awaited = *future.state();
  if (awaited.done() || find_said(awaited, *waiter.state()) != nullptr) return;
  awaited.add_callback(make_ref<SaidToWait>(waiter.state()), ContextSlot());
}

void FutureDiscardFromAwaitedByFunction::operator()(const AnyFuture& future, const AnyFuture& waiter) const noexcept {
  if (!future || !waiter) return;
  FutureCore& awaited = *future.state();
  if (const SaidToWait* const said = find_said(awaited, *waiter.state())) awaited.remove_callback(*said);
}

}  // namespace segue::modern
