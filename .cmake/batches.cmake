# Sources that are compiled several at a time. Most of what a file costs is what it includes, so that eight in one cost
# less than two by themselves; for configurations in which nobody edits and compiles again.
#
# (CMake's own unity builds include by absolute path, which a compiler cache does not find again from another folder.)
set(SEGUE_BATCH 1 CACHE STRING "How many sources are compiled as one")

# segue_sources(<variable> <folder> <source>...): what to compile for these sources, which are relative to the folder: they
# themselves, or files that include them, for which the folder has to be among the target's include directories.
function(segue_sources variable folder)
  set(compiled "")
  if(SEGUE_BATCH LESS 2)
    list(TRANSFORM ARGN PREPEND ${folder}/ OUTPUT_VARIABLE compiled)
  endif()
  while(SEGUE_BATCH GREATER 1 AND ARGN)
    list(SUBLIST ARGN 0 ${SEGUE_BATCH} batch)
    list(REMOVE_ITEM ARGN ${batch})
    list(TRANSFORM batch REPLACE "(.+)" "#include \"\\1\"  // NOLINT(bugprone-suspicious-include)\n")
    list(LENGTH compiled number)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/${variable}_${number}.cpp)
    list(JOIN batch "" text)
    file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
    list(APPEND compiled ${file})
  endwhile()
  set(${variable} ${compiled} PARENT_SCOPE)
endfunction()
