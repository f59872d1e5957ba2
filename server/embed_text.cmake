# cmake -DINPUT=<server.yaml> -DOUTPUT=<file.cc> -P embed_config.cmake
# Writes mae::DefaultServerConfigYaml() with the content of the file.
file(READ "${INPUT}" yaml)
file(WRITE "${OUTPUT}" "// Generated from configs/server.yaml by server/embed_config.cmake.
#include \"server/server_config.h\"

namespace mae {

const char* DefaultServerConfigYaml() {
  return R\"yaml(${yaml})yaml\";
}

}  // namespace mae
")
