# mae_arrow: Apache Arrow and Parquet, as tools/setup unpacked them.
mae_pinned_folder(MAE_ARROW arrow-26.0.1 "${CMAKE_SOURCE_DIR}/tools/arrow.txt")
set(arrow_lib "${MAE_ARROW}/pyarrow")
add_library(mae_arrow INTERFACE)
target_include_directories(mae_arrow SYSTEM INTERFACE "${arrow_lib}/include")
target_link_libraries(mae_arrow INTERFACE "${arrow_lib}/libparquet.so.2600" "${arrow_lib}/libarrow.so.2600")
target_link_options(mae_arrow INTERFACE "LINKER:-rpath,${arrow_lib}")
