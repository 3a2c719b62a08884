#include <segue/modern/tasks/async_generators.hpp>

#include <exception>
#include <utility>
#include <vector>

#include <segue/exception_ptr.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/task.hpp>

namespace segue::modern {

Coroutine<void> EventLoop::shutdown_asyncgens() {
  expect_no_more_async_generators();
  using GeneratorRef = Ref<AsyncGeneratorCore>;
  std::vector<GeneratorRef> generators;
  const auto& begun = async_generators();
  for (AsyncGeneratorCore* each = begun.front(); each != nullptr; each = begun.next(*each))
    generators.emplace_back(each);
  if (generators.empty()) co_return;
  if (Schedule* const choices = schedule_of_choices()) choices->shuffle(generators);
  std::vector<AnyTask> closings;
  for (const GeneratorRef& each : generators) closings.emplace_back(create_task(close_async_generator(each)));
  auto all_closed = detail::gather_settled(closings);
  co_await std::move(all_closed);
  for (std::size_t i = 0; i < closings.size(); ++i) {
    if (closings[i].cancelled() || !holds<std::exception>(closings[i].exception())) continue;
    ExceptionContext context;
    context.message = "an error occurred during closing of asynchronous generator " + generators[i]->repr();
    context.exception = closings[i].exception();
    context.more.emplace("asyncgen", generators[i]->repr());
    call_exception_handler(context);
  }
}

}  // namespace segue::modern
