// The face of modern: all that Python's `import asyncio` gives, under its names.
//
//   #include <segue/asyncio.hpp>
//   using namespace segue;
//
//   asyncio::Coroutine<> main_() { co_await asyncio::sleep(1s); }
//   int main() { asyncio::run(main_()); }
#pragma once

#include <segue/exceptions.hpp>
#include <segue/modern/address.hpp>
#include <segue/modern/async_with.hpp>
#include <segue/modern/awaitable.hpp>
#include <segue/modern/barrier.hpp>
#include <segue/modern/condition.hpp>
#include <segue/modern/coroutine.hpp>
#include <segue/modern/coroutine_methods.hpp>
#include <segue/modern/delay.hpp>
#include <segue/modern/event.hpp>
#include <segue/modern/event_loop.hpp>
#include <segue/modern/exception_groups.hpp>
#include <segue/modern/exceptions.hpp>
#include <segue/modern/files.hpp>
#include <segue/modern/future.hpp>
#include <segue/modern/gather.hpp>
#include <segue/modern/handle.hpp>
#include <segue/modern/lock.hpp>
#include <segue/modern/network_options.hpp>
#include <segue/modern/protocols.hpp>
#include <segue/modern/queues.hpp>
#include <segue/modern/runners.hpp>
#include <segue/modern/semaphore.hpp>
#include <segue/modern/server.hpp>
#include <segue/modern/shield.hpp>
#include <segue/modern/sleep.hpp>
#include <segue/modern/stream_reader.hpp>
#include <segue/modern/stream_writer.hpp>
#include <segue/modern/streams.hpp>
#include <segue/modern/task.hpp>
#include <segue/modern/taskgroups.hpp>
#include <segue/modern/threads.hpp>
#include <segue/modern/timeouts.hpp>
#include <segue/modern/transports.hpp>
#include <segue/modern/wait.hpp>
#include <segue/modern/wait_for.hpp>
#include <segue/modern/yield.hpp>

namespace segue::asyncio {

// coroutines
using modern::async_with;
using modern::Awaitable;
using modern::Coroutine;
using modern::CoroutineState;
using modern::getcoroutinestate;
using modern::yield_;

// events
using modern::Delay;
using modern::EventLoop;
using modern::EventLoopPtr;
using modern::ExceptionContext;
using modern::get_running_loop;
using modern::Handle;
using modern::new_event_loop;
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
using modern::DoneCallback;
using modern::Future;
using modern::FutureBase;
using modern::isfuture;

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
using modern::create_task;
using modern::current_task;
using modern::ensure_future;
using modern::gather;
using modern::return_exceptions;
using modern::return_exceptions_t;
using modern::shield;
using modern::sleep;
using modern::Task;
using modern::TaskBase;
using modern::TaskGroup;
using modern::TaskOptions;

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
using modern::to_thread;

}  // namespace segue::asyncio

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
