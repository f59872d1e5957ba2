# Language level, warnings, sanitizers, and where binaries go; one place for all targets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Everything is linked statically into programs, which Debian's compilers make position-independent by themselves; one
# set of flags for libraries and programs also lets both share the precompiled header.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
# Each header of a FILE_SET compiled by itself: target all_verify_interface_header_sets, run by tests/layout.
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)

find_program(MAE_CCACHE ccache)
if(MAE_CCACHE)
  # A precompiled header defeats ccache unless these are told (ccache manual, "Precompiled headers").
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_PCH_EXTSUM=1
    ${MAE_CCACHE})
endif()

add_library(mae_warnings INTERFACE)
target_compile_options(mae_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these falsely inside inlined library code (gcc bugs 105329, 105562).
  target_compile_options(mae_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-array-bounds -fpch-preprocess)
else()
  target_compile_options(mae_warnings INTERFACE -Wthread-safety)
endif()

if(CMAKE_UNITY_BUILD)
  # Files that are read as one see each other's unnamed namespaces; presets without unity hold both warnings.
  target_compile_options(mae_warnings INTERFACE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()

find_program(MAE_MOLD mold)
if(MAE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
if(MAE_SANITIZE)
  add_compile_options(-fsanitize=${MAE_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${MAE_SANITIZE})
  # LibTorch's headers have a fence, which tsan does not see; nothing of ours has one.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
endif()
if(MAE_COVERAGE)
  add_compile_options(--coverage -O0 -g1)
  add_link_options(--coverage)
endif()
