#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/durable_file.h"
#include "mae/v1/model.pb.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/temp_folder.h"

namespace mae {

/// A small classifier as files to send: model.safetensors and config.json.
inline std::vector<std::pair<std::string, std::string>> TinyModelFiles() {
  const TempFolder folder;
  WriteRandomModel(folder / "m", TinyClassifier(3));
  return {{"model.safetensors", *ReadFile(folder / "m" / "model.safetensors")},
          {"config.json", *ReadFile(folder / "m" / "config.json")}};
}

inline v1::ImportModelRequest ImportFirst(const std::vector<std::pair<std::string, std::string>>& files,
                                          const std::string& model = "toy") {
  v1::ImportModelRequest request;
  request.mutable_options()->set_model(model);
  for (const auto& [name, content] : files) {
    auto* file = request.mutable_options()->add_files();
    file->set_name(name);
    file->set_bytes(static_cast<int64_t>(content.size()));
  }
  return request;
}

inline v1::ImportModelRequest ImportPiece(const std::string& file, const std::string& data) {
  v1::ImportModelRequest request;
  request.mutable_piece()->set_file(file);
  request.mutable_piece()->set_data(data);
  return request;
}

}  // namespace mae
