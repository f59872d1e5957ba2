#pragma once

#include <string>

namespace mae {

/// Whether a text holds more than one YAML document with something in it. Reads no further than needed, and
/// ends for every text: of one that starts with a stray ',' or ']' yaml-cpp 0.7 gives document after document
/// and takes nothing away, so that YAML::LoadAll fills memory. Throws YAML::Exception for what is no YAML.
/// Pure.
bool HasSeveralDocuments(const std::string& yaml);

}  // namespace mae
