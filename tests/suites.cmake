# One CTest entry a suite. CTest includes this when it starts, with EXECUTABLE and ROOM set by tests/CMakeLists.txt, and asks
# the executable for its suites: a process a test would start a thousand of them, in each configuration, for nothing.
#
# A suite's tests run in random order. What a test prints is shown when it fails, and the last lines name what failed.
if(NOT EXISTS ${EXECUTABLE})
  add_test(${ROOM}.not_built ${EXECUTABLE})
  return()
endif()
execute_process(
  COMMAND ${EXECUTABLE} --gtest_list_tests
  OUTPUT_VARIABLE listed
  ERROR_VARIABLE errors
  RESULT_VARIABLE result)
if(result)
  message(FATAL_ERROR "${EXECUTABLE} cannot list its tests (${result}):\n${listed}${errors}")
endif()

# A suite is a line that is not indented and ends in a point; a comment may follow.
string(REGEX MATCHALL "(^|\n)[^ \n]+\\.( |\n)" lines "${listed}")
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^\n|\\.[ \n]$" "" suite "${line}")
  add_test(${ROOM}.${suite} ${EXECUTABLE} --gtest_filter=${suite}.* --gtest_shuffle)
  set_tests_properties(${ROOM}.${suite} PROPERTIES TIMEOUT 600 LABELS ${ROOM})
endforeach()
