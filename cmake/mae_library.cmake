# mae_library(<folder> SOURCES … HEADERS … [PUBLIC deps] [PRIVATE deps] [TORCH])
#   The one target of lib/<folder>, named mae_<folder>. HEADERS are included from lib/ down ("nn/block.h").
#   PUBLIC holds what the headers show, PRIVATE what only the sources use. TORCH reuses the torch PCH.
function(mae_library folder)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  set(target mae_${folder})
  add_library(${target} STATIC ${ARG_SOURCES})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS "${CMAKE_SOURCE_DIR}/lib" FILES ${ARG_HEADERS})
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE} mae_warnings)
  if(ARG_TORCH)
    target_precompile_headers(${target} REUSE_FROM mae_torch_pch)
    target_link_libraries(${target} PRIVATE mae_torch)
    # Without the PCH each header that shows torch takes LibTorch's 20 seconds; limits_test holds that a source
    # includes its own header first instead, which finds all but a missing include of LibTorch itself.
    set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS OFF)
  endif()
endfunction()

# mae_module(<name> SOURCES … LIBRARIES …): libmae_<name>.so beside the programs, which load it when they need it
# (lib/base/program_module.h).
function(mae_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  set(target mae_${name})
  add_library(${target} MODULE ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/lib")
  target_link_libraries(${target} PRIVATE ${ARG_LIBRARIES} mae_warnings)
  set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endfunction()

# What every test's environment has. Sanitizers: a test fails by any finding, and memory that can't be had is told as the allocator tells it.
set(mae_test_environment
  "MAE_SOURCE_DIR=${CMAKE_SOURCE_DIR}" "MAE_BIN_DIR=${CMAKE_BINARY_DIR}/bin"
  "TSAN_OPTIONS=ignore_noninstrumented_modules=1 allocator_may_return_null=1"
  "ASAN_OPTIONS=allocator_may_return_null=1" "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1")

# mae_test(<folder> [TORCH] SOURCES … DEPS …): the test binary of one folder; one ctest entry a TEST.
function(mae_test folder)
  cmake_parse_arguments(ARG "TORCH" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  set(target ${folder}_test)
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE ${ARG_DEPS} GTest::gmock_main GTest::gtest mae_warnings)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/lib")
  if(ARG_TORCH)
    target_precompile_headers(${target} REUSE_FROM mae_torch_pch)
    target_link_libraries(${target} PRIVATE mae_torch)
  endif()
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(MAE_SANITIZE OR MAE_COVERAGE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 10")
  endif()
  # One ctest entry a binary: starting LibTorch takes longer than most tests.
  add_test(NAME ${folder} COMMAND ${target})
  set_tests_properties(${folder} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "${mae_test_environment}")
endfunction()
