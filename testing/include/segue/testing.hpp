// The face of testing: a loop without real time, traces, streams without sockets, and two ways to find what a test that
// happens to pass does not show: explore() and cancel_everywhere(). Fixtures and CO_TEST for GoogleTest are in
// <segue/testing/gtest.hpp>, the suite for a reactor of one's own in <segue/testing/reactor_suite.hpp>.
#pragma once

#include <segue/testing/cancel_everywhere.hpp>
#include <segue/testing/explore.hpp>
#include <segue/testing/memory_streams.hpp>
#include <segue/testing/trace.hpp>
#include <segue/testing/virtual_loop.hpp>
