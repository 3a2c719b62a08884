# What a target of segue is to others: a component of the CMake package, and a file for pkg-config.
set(package_templates ${CMAKE_CURRENT_LIST_DIR})
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/segue)

# segue_component(<target> [USES <component>...] [FINDS <argument of find_package>...] [FLAGS <flag>...] [LIBS <flag>...]):
# makes <target>, which is called segue_<name>, the component <name>: segue::<name> for CMake, segue-<name> for pkg-config.
# USES are the components that come with it, FINDS is the package that it needs, here and wherever it is used. FLAGS and
# LIBS are what its users give to the compiler and to the linker.
function(segue_component target)
  cmake_parse_arguments(PARSE_ARGV 1 component "" "" "USES;FINDS;FLAGS;LIBS")
  string(REPLACE "segue_" "" name ${target})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    set(visible INTERFACE)
  else()
    set(visible PUBLIC)
    list(PREPEND component_LIBS "-L\${libdir}" -l${target})
  endif()

  add_library(segue::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} ${visible} cxx_std_20)
  list(TRANSFORM component_USES PREPEND segue_ OUTPUT_VARIABLE used)
  target_link_libraries(${target} ${visible} ${used})
  if(component_FINDS)
    find_package(${component_FINDS} REQUIRED)
  endif()
  if(NOT SEGUE_INSTALL)
    return()
  endif()

  set_property(GLOBAL APPEND PROPERTY SEGUE_COMPONENTS ${name})
  install(TARGETS ${target} EXPORT segue-${name}-targets FILE_SET HEADERS)
  install(EXPORT segue-${name}-targets NAMESPACE segue:: DESTINATION ${package_dir})
  list(JOIN component_FINDS " " finds)
  segue_install_configured(component.cmake.in segue-${name}.cmake ${package_dir})

  # The prefix is found from where the file lies, so that an installation can be moved.
  set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE up)
  foreach(dir INCLUDEDIR LIBDIR)
    set(${dir} "\${prefix}")
    cmake_path(APPEND ${dir} ${CMAKE_INSTALL_${dir}})
  endforeach()
  list(TRANSFORM component_USES PREPEND segue- OUTPUT_VARIABLE requires)
  list(JOIN requires ", " requires)
  list(JOIN component_FLAGS " " flags)
  list(JOIN component_LIBS " " libs)
  set(module segue-${name})
  if(name STREQUAL "segue")
    set(module segue)
  endif()
  segue_install_configured(component.pc.in ${module}.pc ${pkgconfig_dir})
endfunction()

# segue_package(): the rest of the CMake package, when all components are known.
function(segue_package)
  get_property(components GLOBAL PROPERTY SEGUE_COMPONENTS)
  segue_install_configured(config.cmake.in segue-config.cmake ${package_dir})
  segue_install_configured(config-version.cmake.in segue-config-version.cmake ${package_dir})
endfunction()

macro(segue_install_configured template file destination)
  configure_file(${package_templates}/${template} ${PROJECT_BINARY_DIR}/package/${file} @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${file} DESTINATION ${destination})
endmacro()
