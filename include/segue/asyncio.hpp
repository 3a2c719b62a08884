// The face of modern: what segue has of Python's `import asyncio`, under its names.
//
//   #include <segue/asyncio.hpp>
//   using namespace segue;
//
//   asyncio::Coroutine<> main_() { co_await asyncio::sleep(1s); }
//   int main() { asyncio::run(main_()); }
#pragma once

#include <segue/exception_ptr.hpp>
#include <segue/exceptions.hpp>
#include <segue/format_exception.hpp>
#include <segue/modern/files/files.hpp>
#include <segue/modern/kernel/awaitable.hpp>
#include <segue/modern/kernel/contextvars.hpp>
#include <segue/modern/kernel/coroutine.hpp>
#include <segue/modern/kernel/coroutine_methods.hpp>
#include <segue/modern/kernel/deadlocks.hpp>
#include <segue/modern/kernel/delay.hpp>
#include <segue/modern/kernel/driver.hpp>
#include <segue/modern/kernel/exceptions.hpp>
#include <segue/modern/loop/event_loop.hpp>
#include <segue/modern/loop/handle.hpp>
#include <segue/modern/net/address.hpp>
#include <segue/modern/net/connect.hpp>
#include <segue/modern/net/network_options.hpp>
#include <segue/modern/net/protocols.hpp>
#include <segue/modern/net/server.hpp>
#include <segue/modern/net/transports.hpp>
#include <segue/modern/streams/stream_reader.hpp>
#include <segue/modern/streams/stream_writer.hpp>
#include <segue/modern/streams/streams.hpp>
#include <segue/modern/sync/as_completed.hpp>
#include <segue/modern/sync/barrier.hpp>
#include <segue/modern/sync/condition.hpp>
#include <segue/modern/sync/event.hpp>
#include <segue/modern/sync/lock.hpp>
#include <segue/modern/sync/queues.hpp>
#include <segue/modern/sync/semaphore.hpp>
#include <segue/modern/sync/staggered.hpp>
#include <segue/modern/tasks/async_generators.hpp>
#include <segue/modern/tasks/async_with.hpp>
#include <segue/modern/tasks/call.hpp>
#include <segue/modern/tasks/collect.hpp>
#include <segue/modern/tasks/context_decorator.hpp>
#include <segue/modern/tasks/contextlib.hpp>
#include <segue/modern/tasks/exception_groups.hpp>
#include <segue/modern/tasks/finally.hpp>
#include <segue/modern/tasks/future.hpp>
#include <segue/modern/tasks/gather.hpp>
#include <segue/modern/tasks/graph.hpp>
#include <segue/modern/tasks/inspect.hpp>
#include <segue/modern/tasks/outcome.hpp>
#include <segue/modern/tasks/runners.hpp>
#include <segue/modern/tasks/shield.hpp>
#include <segue/modern/tasks/sleep.hpp>
#include <segue/modern/tasks/task.hpp>
#include <segue/modern/tasks/taskgroups.hpp>
#include <segue/modern/tasks/timeouts.hpp>
#include <segue/modern/tasks/wait.hpp>
#include <segue/modern/tasks/wait_for.hpp>
#include <segue/modern/tasks/yield.hpp>
#include <segue/modern/threads/concurrent_future.hpp>
#include <segue/modern/threads/thread_futures.hpp>
#include <segue/modern/threads/thread_pool_executor.hpp>
#include <segue/modern/threads/to_thread.hpp>
#include <segue/modern/threads/worker_thread.hpp>
#include <segue/os_error.hpp>

namespace segue::asyncio {

// coroutines and async generators
using modern::aiter;
using modern::anext;
using modern::async_for;
using modern::async_with;
using modern::AsyncGenerator;
using modern::AsyncGeneratorState;
using modern::await_result_t;
using modern::Awaitable;
using modern::call;
using modern::collect;
using modern::Coroutine;
using modern::CoroutineInfo;
using modern::CoroutineState;
using modern::iscoroutine;
using modern::iscoroutinefunction;
using modern::LoopControl;
using modern::Resumable;
using modern::SuspendedFrame;
using modern::yield_;
using modern::Yielded;

// events
using modern::CallOptions;
using modern::Deadline;
using modern::Delay;
using modern::EventLoop;
using modern::EventLoopPtr;
using modern::EventLoopRef;
using modern::ExceptionContext;
using modern::get_event_loop;
using modern::get_running_loop;
using modern::Handle;
using modern::new_event_loop;
using modern::set_event_loop;
using modern::ThreadsafeHandle;
using modern::TimerHandle;

// exceptions
using modern::BrokenBarrierError;
using modern::CancelledError;
using modern::IncompleteReadError;
using modern::InvalidStateError;
using modern::LimitOverrunError;
using modern::QueueEmpty;
using modern::QueueFull;
using modern::QueueShutDown;
using modern::StopAsyncIteration;
using segue::TimeoutError;

// futures
using modern::AnyFuture;
using modern::DoneCallback;
using modern::Future;
using modern::isfuture;

// graph
using modern::CallGraphOptions;
using modern::capture_call_graph;
using modern::format_call_graph;
using modern::FrameCallGraphEntry;
using modern::future_add_to_awaited_by;
using modern::future_discard_from_awaited_by;
using modern::FutureCallGraph;
using modern::print_call_graph;

// locks
using modern::Barrier;
using modern::BoundedSemaphore;
using modern::Condition;
using modern::Event;
using modern::Lock;
using modern::Semaphore;

// queues
using modern::LifoQueue;
using modern::PriorityQueue;
using modern::Queue;

// runners
using modern::run;
using modern::Runner;
using modern::RunOptions;

// streams, and what they are made of
using modern::Address;
using modern::Connection;
using modern::ConnectionOptions;
using modern::ConnectionWith;
using modern::open_connection;
using modern::Protocol;
using modern::ProtocolFactory;
using modern::ReadTransport;
using modern::Server;
using modern::ServerOptions;
using modern::start_server;
using modern::StreamPair;
using modern::StreamReader;
using modern::StreamWriter;
using modern::Transport;
using modern::WriteBufferLimits;

// tasks
using modern::all_tasks;
using modern::AnyTask;
using modern::as_completed;
using modern::create_eager_task_factory;
using modern::create_task;
using modern::current_task;
using modern::eager_task_factory;
using modern::ensure_future;
using modern::finally_;
using modern::gather;
using modern::outcome;
using modern::return_exceptions;
using modern::return_exceptions_t;
using modern::shield;
using modern::sleep;
using modern::staggered_race;
using modern::StaggeredResult;
using modern::Task;
using modern::TaskFactory;
using modern::TaskFactoryOptions;
using modern::TaskGroup;
using modern::TaskOptions;
using modern::with_cancellation;

// deadlocks
using modern::Deadlock;
using modern::DeadlockedTask;
using modern::find_deadlocks;

// timeouts
using modern::Timeout;
using modern::timeout;
using modern::timeout_at;
using modern::wait_for;

// wait
using modern::ALL_COMPLETED;
using modern::FIRST_COMPLETED;
using modern::FIRST_EXCEPTION;
using modern::ReturnWhen;
using modern::wait;
using modern::WaitOptions;
using modern::WaitResult;

// threads
using modern::run_coroutine_threadsafe;
using modern::to_thread;
using modern::WorkerThread;
using modern::wrap_future;

}  // namespace segue::asyncio

// Futures of threads, and the threads: Python's concurrent.futures.
namespace segue::concurrent {

using modern::concurrent::BrokenThreadPool;
using modern::concurrent::CancelledError;
using modern::concurrent::Future;
using modern::concurrent::FutureState;
using modern::concurrent::InvalidStateError;
using modern::concurrent::MapResults;
using modern::concurrent::ThreadPoolExecutor;
using modern::concurrent::ThreadPoolOptions;

}  // namespace segue::concurrent

namespace segue::contextlib {

using modern::aclosing;
using modern::AsyncContextDecorator;
using modern::asynccontextmanager;
using modern::AsyncExitStack;
using modern::ExitStack;
using modern::nullcontext;
using modern::suppress;

}  // namespace segue::contextlib

// What something is, and in which state.
namespace segue::inspect {

using enum modern::AsyncGeneratorState;
using enum modern::CoroutineState;
using modern::getasyncgenstate;
using modern::getcoroutinestate;
using modern::isasyncgen;
using modern::isasyncgenfunction;
using modern::isawaitable;
using modern::iscoroutine;
using modern::iscoroutinefunction;

}  // namespace segue::inspect

// Context variables, which Python has in a module of this name.
namespace segue::contextvars {

using modern::AnyContextVar;
using modern::Context;
using modern::ContextOption;
using modern::ContextVar;
using modern::copy_context;
using modern::Token;
using modern::TokenScope;

}  // namespace segue::contextvars

// Files, as the package of this name has them.
namespace segue::aiofiles {

using modern::File;
using modern::open;
using modern::Whence;

}  // namespace segue::aiofiles

namespace segue {

// Python has these without a module.
using modern::BaseExceptionGroup;
using modern::except_;
using modern::except_star;
using modern::ExceptionGroup;
using modern::make_exception_group;

}  // namespace segue
