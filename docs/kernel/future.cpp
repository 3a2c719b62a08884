// A new future: a page on its way to a printer. Cancelling it takes it back, as long as it is not on paper: so may a
// query, a request or a system call have something to do when nobody waits for it any more.

#include <segue/modern/tasks/future.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/future_core.hpp>
#include <segue/modern/kernel/list.hpp>
#include <segue/modern/kernel/loop_core.hpp>
#include <segue/modern/kernel/ref.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>

#include "check.hpp"

using namespace segue::modern;
using namespace std::chrono_literals;

// Its result is the number of the sheet. While the page waits for its turn, it is in the printer's list.
class PrintJob final : public FutureValue<int>, public ListLink<> {
 public:
  PrintJob(LoopCore& loop, std::string page) : FutureValue(loop), text(std::move(page)) {}

  // False where it is too late. A task that waits for this page is then cancelled when the page is there.
  bool cancel(const std::optional<std::string>& message = std::nullopt) override {
    if (!linked()) return false;
    unlink();
    return FutureValue::cancel(message);
  }

  const std::string text;
};

class Printer {
 public:
  Future<int> print(std::string text) {
    auto job = make_ref<PrintJob>(LoopCore::require_running(), std::move(text));
    waiting_.push_back(*job);
    return Future<int>(std::move(job));
  }

  // What the device does.
  void take_page() {
    printing_ = waiting_.front();
    if (printing_) printing_->unlink();
  }
  void finish_page() {
    sheets.push_back(printing_->text);
    std::exchange(printing_, nullptr)->set_result(static_cast<int>(sheets.size()));
  }

  std::vector<std::string> sheets;

 private:
  List<PrintJob> waiting_;  // owned by those who wait
  Ref<PrintJob> printing_;
};

Coroutine<int> print(Printer& printer, std::string text) { co_return co_await printer.print(std::move(text)); }

Coroutine<> async_main() {
  Printer printer;
  Task<int> letter = create_task(print(printer, "letter"));
  Task<int> draft = create_task(print(printer, "draft"));
  Task<int> map = create_task(print(printer, "map"));
  co_await segue::modern::sleep(0s);

  printer.take_page();
  draft.cancel();   // it is taken back
  letter.cancel();  // it is on paper, and will not be waited for
  printer.finish_page();
  printer.take_page();
  printer.finish_page();
  check((printer.sheets == std::vector<std::string>{"letter", "map"}));

  const int sheet = co_await map;
  check(sheet == 2);
  check(letter.cancelled() && draft.cancelled());
}

int main() { run(async_main()); }
