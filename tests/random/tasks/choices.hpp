// How often each kind of statement is chosen.
#pragma once

#include <cstddef>

#include "program.hpp"

namespace segue::random::tasks {

// A theme is what a program has more of, or nothing of, than others do.
enum Theme {
  always,
  of_tasks,
  of_futures,
  of_locks,
  of_conditions,
  of_queues,
  of_timeouts,
  of_callbacks,
  of_context,
  of_generators
};
inline constexpr std::size_t themes = of_generators + 1;

struct Choice {
  Kind kind;
  unsigned weight;
  Theme theme;
};

inline constexpr Choice for_callbacks[] = {
    {Kind::cancel, 5, of_tasks},
    {Kind::uncancel, 1, of_tasks},
    {Kind::cancelling, 1, of_tasks},
    {Kind::task_state, 2, of_tasks},
    {Kind::add_done_callback, 2, of_callbacks},
    {Kind::remove_done_callback, 1, of_callbacks},
    {Kind::set_result, 4, of_futures},
    {Kind::set_exception, 2, of_futures},
    {Kind::cancel_future, 2, of_futures},
    {Kind::new_future, 2, of_futures},
    {Kind::future_state, 1, of_futures},
    {Kind::future_callback, 2, of_callbacks},
    {Kind::set_event, 4, of_locks},
    {Kind::clear_event, 1, of_locks},
    {Kind::release_lock, 2, of_locks},
    {Kind::release_semaphore, 2, of_locks},
    {Kind::locked, 1, of_locks},
    {Kind::notify, 1, of_conditions},
    {Kind::count_up, 2, of_conditions},
    {Kind::barrier_state, 1, of_conditions},
    {Kind::put_nowait, 2, of_queues},
    {Kind::get_nowait, 2, of_queues},
    {Kind::task_done, 3, of_queues},
    {Kind::shutdown, 1, of_queues},
    {Kind::qsize, 1, of_queues},
    {Kind::call_soon, 3, of_callbacks},
    {Kind::call_later, 3, of_callbacks},
    {Kind::cancel_handle, 1, of_callbacks},
    {Kind::set_var, 3, of_context},
    {Kind::reset_var, 2, of_context},
    {Kind::get_var, 3, of_context},
    {Kind::copy_context, 3, of_context},
    {Kind::call_in_context, 2, of_context},
    {Kind::run_in_context, 2, of_context},
    {Kind::gather_later, 2, of_tasks},
    {Kind::reschedule_other, 2, of_timeouts},
    {Kind::timeout_state, 1, of_timeouts},
    {Kind::cancel_gather, 1, of_tasks},
    {Kind::gather_state, 1, of_tasks},
    {Kind::new_generator, 2, of_generators},
    {Kind::generator_state, 1, of_generators},
    {Kind::raise, 2, always},
    {Kind::return_, 1, always},
};

inline constexpr Choice for_tasks[] = {
    {Kind::start, 6, of_tasks},
    {Kind::start_in_context, 3, of_context},
    {Kind::start_in_group, 3, of_tasks},
    {Kind::group_start, 12, always},
    {Kind::reschedule, 6, always},
    {Kind::expired, 3, always},
    {Kind::cancel_self, 1, of_tasks},
    {Kind::uncancel_self, 1, of_tasks},
    {Kind::cancelling_self, 1, of_tasks},
    {Kind::sleep, 14, always},
    {Kind::await_task, 5, of_tasks},
    {Kind::await_gather, 3, of_tasks},
    {Kind::await_body, 3, of_tasks},
    {Kind::gather_bodies, 3, of_tasks},
    {Kind::gather_tasks, 3, of_tasks},
    {Kind::gather_mixed, 2, of_tasks},
    {Kind::wait_tasks, 3, of_tasks},
    {Kind::shield_task, 2, of_tasks},
    {Kind::shield_body, 2, of_tasks},
    {Kind::wait_for_task, 2, of_tasks},
    {Kind::wait_for_body, 3, of_tasks},
    {Kind::as_completed, 2, of_tasks},
    {Kind::async_as_completed, 2, of_tasks},
    {Kind::await_future, 4, of_futures},
    {Kind::wait_futures, 2, of_futures},
    {Kind::shield_future, 2, of_futures},
    {Kind::wait_for_future, 3, of_futures},
    {Kind::acquire_lock, 2, of_locks},
    {Kind::acquire_semaphore, 3, of_locks},
    {Kind::wait_event, 4, of_locks},
    {Kind::with_lock, 5, of_locks},
    {Kind::with_semaphore, 5, of_locks},
    {Kind::with_condition, 5, of_conditions},
    {Kind::wait_condition, 4, of_conditions},
    {Kind::wait_for_condition, 3, of_conditions},
    {Kind::notify_all, 1, of_conditions},
    {Kind::with_barrier, 2, of_conditions},
    {Kind::wait_barrier, 4, of_conditions},
    {Kind::reset_barrier, 1, of_conditions},
    {Kind::abort_barrier, 1, of_conditions},
    {Kind::put, 5, of_queues},
    {Kind::get, 5, of_queues},
    {Kind::join, 2, of_queues},
    {Kind::with_timeout, 6, of_timeouts},
    {Kind::with_group, 5, of_tasks},
    {Kind::try_except, 6, always},
    {Kind::try_finally, 4, always},
    {Kind::repeat, 2, always},
    {Kind::for_generator, 4, of_generators},
    {Kind::for_slot, 3, of_generators},
    {Kind::anext, 3, of_generators},
    {Kind::asend, 3, of_generators},
    {Kind::athrow, 2, of_generators},
    {Kind::aclose, 2, of_generators},
    {Kind::yield, 25, always},
};

}  // namespace segue::random::tasks
