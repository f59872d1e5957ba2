# Libraries from Debian.
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(LibArchive REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(GTest REQUIRED)
find_package(Threads REQUIRED)

# OpenCV by its three libraries: Debian ships CMake's OpenCV package only with all of OpenCV (libopencv-dev).
find_path(MAE_OPENCV_INCLUDE opencv2/core.hpp PATH_SUFFIXES opencv4 REQUIRED)
foreach(component core imgproc imgcodecs)
  find_library(MAE_OPENCV_${component} opencv_${component} REQUIRED)
  add_library(opencv_${component} SHARED IMPORTED)
  set_target_properties(opencv_${component} PROPERTIES IMPORTED_LOCATION "${MAE_OPENCV_${component}}"
    INTERFACE_INCLUDE_DIRECTORIES "${MAE_OPENCV_INCLUDE}" INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${MAE_OPENCV_INCLUDE}")
endforeach()

# The heap of mae_server.
find_library(MAE_JEMALLOC jemalloc REQUIRED)
add_library(jemalloc SHARED IMPORTED)
set_target_properties(jemalloc PROPERTIES IMPORTED_LOCATION "${MAE_JEMALLOC}")
