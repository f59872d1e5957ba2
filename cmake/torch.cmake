# mae_torch: LibTorch as an imported target, and mae_torch_pch: the precompiled header of the torch side.
# Torch_DIR picks a LibTorch of the user's own; else the one that tools/setup unpacked is used, whose CMake
# package would ask for a full CUDA toolkit that CPU builds do not need, so it is described here.
add_library(mae_torch INTERFACE)
if(Torch_DIR OR DEFINED ENV{Torch_DIR})
  find_package(Torch REQUIRED)
  target_include_directories(mae_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  target_link_libraries(mae_torch INTERFACE ${TORCH_LIBRARIES})
else()
  set(flavour cpu)
  if(MAE_CUDA)
    set(flavour cuda)
  endif()
  mae_pinned_folder(MAE_LIBTORCH libtorch-2.15.0-${flavour} "${CMAKE_SOURCE_DIR}/tools/libtorch-${flavour}.txt")
  set(torch_lib "${MAE_LIBTORCH}/torch/lib")
  target_include_directories(mae_torch SYSTEM INTERFACE
    "${MAE_LIBTORCH}/torch/include" "${MAE_LIBTORCH}/torch/include/torch/csrc/api/include")
  target_link_libraries(mae_torch INTERFACE "${torch_lib}/libtorch_cpu.so" "${torch_lib}/libc10.so")
  target_link_options(mae_torch INTERFACE
    "LINKER:-rpath,${torch_lib}" "LINKER:-rpath-link,${torch_lib}:${MAE_LIBTORCH}/nvidia/cu13/lib"
    "LINKER:--allow-shlib-undefined")
  if(MAE_CUDA)
    set(cuda_folder "${MAE_LIBTORCH}/nvidia/cu13")
    target_include_directories(mae_torch SYSTEM INTERFACE "${cuda_folder}/include" "${MAE_LIBTORCH}/nvidia/nccl/include")
    target_link_options(mae_torch INTERFACE "LINKER:--no-as-needed" "LINKER:-rpath,${cuda_folder}/lib")
    target_link_libraries(mae_torch INTERFACE "${torch_lib}/libtorch_cuda.so" "${torch_lib}/libc10_cuda.so"
      "${cuda_folder}/lib/libcudart.so.13")
  endif()
endif()

file(WRITE "${CMAKE_BINARY_DIR}/torch_pch.cc" "")
add_library(mae_torch_pch OBJECT "${CMAKE_BINARY_DIR}/torch_pch.cc")
target_link_libraries(mae_torch_pch PRIVATE mae_torch mae_warnings)
target_precompile_headers(mae_torch_pch PRIVATE <torch/torch.h>)
