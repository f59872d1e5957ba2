#pragma once

#include "data/encoded_images.h"
#include "tests/fuzz/fuzz_target.h"

namespace mae {

/// What training takes for granted of a dataset that was scanned: every image can be read, every label has a
/// name.
inline void CheckEncodedDataset(const EncodedDataset& dataset) {
  for (const EncodedImages* split : {&dataset.train, &dataset.validation}) {
    FUZZ_REQUIRE(split->count() > 0 && split->labels.size() == split->places.size());
    for (int64_t i = 0; i < split->count(); ++i) {
      const auto index = static_cast<size_t>(i);
      FUZZ_REQUIRE(split->labels[index] >= 0);
      FUZZ_REQUIRE(split->labels[index] < static_cast<int64_t>(dataset.labels.size()));
      const auto bytes = ReadEncodedImage(*split, i);
      FUZZ_REQUIRE(bytes.ok() || IsRefusal(bytes.status()));
      if (bytes.ok()) FUZZ_REQUIRE(static_cast<int64_t>(bytes->size()) == split->places[index].bytes);
    }
  }
}

}  // namespace mae
