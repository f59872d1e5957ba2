// Runs a target over files, and over all files in folders, where there is no libFuzzer to do it: the corpora,
// in every build.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> InputsOf(const fs::path& given) {
  if (!fs::is_directory(given)) return {given};
  std::vector<fs::path> inputs;
  for (const auto& entry : fs::recursive_directory_iterator(given)) {
    if (entry.is_regular_file()) inputs.push_back(entry.path());
  }
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

// A finding ends the process: that the name stands last says which input it was.
void RunInput(const fs::path& input) {
  std::ifstream file(input, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open()) throw std::runtime_error(input.string() + " can't be read");
  std::printf("%s\n", input.c_str());
  std::fflush(stdout);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  size_t ran = 0;
  try {
    for (int i = 1; i < argc; ++i) {
      for (const fs::path& input : InputsOf(argv[i])) {
        RunInput(input);
        ++ran;
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  std::printf("%zu inputs, no finding\n", ran);
  if (ran > 0) return 0;
  std::fprintf(stderr, "no input: give files, or folders of them\n");
  return 2;
}
