# cmake -DINPUT=<file> -DOUTPUT=<file.cc> -DHEADER=<header that declares it> -DFUNCTION=<name> -P embed_text.cmake
# Writes a function of namespace mae, const char* FUNCTION(), that gives the content of the file.
file(READ "${INPUT}" text)
get_filename_component(name "${INPUT}" NAME)
file(WRITE "${OUTPUT}" "// Generated from ${name} by server/embed_text.cmake.
#include \"${HEADER}\"

namespace mae {

const char* ${FUNCTION}() {
  return R\"embedded(${text})embedded\";
}

}  // namespace mae
")
