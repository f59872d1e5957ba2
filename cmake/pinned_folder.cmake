# mae_pinned_folder(<variable> <name> <requirements>): the folder of MAE_DEPS_DIR that tools/setup unpacked from
# exactly these pins. Its `.complete` is a copy of the pins, so clones with other ones share the cache without
# touching each other's folders. Without one the build cannot go on.
function(mae_pinned_folder variable name requirements)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${requirements}")
  file(READ "${requirements}" wanted)
  file(GLOB candidates "${MAE_DEPS_DIR}/${name}" "${MAE_DEPS_DIR}/${name}-????????")
  foreach(candidate ${candidates})
    set(pins "")
    if(EXISTS "${candidate}/.complete")
      file(READ "${candidate}/.complete" pins)
    endif()
    if(pins STREQUAL wanted)
      set(${variable} "${candidate}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "No ${name} of the pins in ${requirements} in ${MAE_DEPS_DIR}: run tools/setup.")
endfunction()
