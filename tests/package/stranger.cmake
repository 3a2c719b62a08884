# Builds the stranger's project and runs its programs by WAY: find_package (installs first, into WORK) or add_subdirectory.
cmake_minimum_required(VERSION 3.25)

function(step)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result)
  if(result)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "failed (${result}): ${command}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
set(options -D WAY=${WAY})
if(WAY STREQUAL find_package)
  step(${CMAKE_COMMAND} --install ${SEGUE_BINARY} --prefix ${WORK}/prefix)
  list(APPEND options -D CMAKE_PREFIX_PATH=${WORK}/prefix)
else()
  list(APPEND options -D SEGUE_SOURCE=${SEGUE_SOURCE})
endif()
step(
  ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/stranger -B ${WORK}/build -G Ninja -D CMAKE_BUILD_TYPE=Debug -D
  CMAKE_CXX_COMPILER=${CXX} -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -D CMAKE_EXE_LINKER_FLAGS=${LINKER} ${options})
step(${CMAKE_COMMAND} --build ${WORK}/build)
step(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/build --output-on-failure --no-tests=error)
