#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "interop/name_rules.h"

namespace mae {

/// What the tensors of a file that was given are called in it: whoever is told that one is missing or has a
/// wrong shape finds it by no other name. A value type; pure.
class GivenNames {
 public:
  /// Official names, as they are.
  GivenNames() = default;
  /// Of a file under official names or those of transformers, "module." in front of all of them or not.
  explicit GivenNames(const NamedTensors& given);

  bool are_of_transformers() const { return of_transformers_; }
  /// "module.", which DistributedDataParallel puts in front of all names, or nothing.
  const std::string& prefix() const { return prefix_; }

  /// The file's name of the tensor, or the name that it would have there. Of qkv, which transformers keeps in
  /// three, that of the query, with a word on the others. The head that FoldProbeHead made is called by its
  /// Linear.
  std::string Of(const std::string& official) const;
  /// The file's name of one of the three.
  std::string OfQkvPart(const std::string& official, size_t part) const;
  /// "blocks." or "decoder_blocks." in the file.
  std::string OfBlocks(const std::string& official) const;
  /// `shape` of a tensor as "[24,24]"; of a qkv that the file has in three, that of each.
  std::string ShapeText(const std::string& official, torch::IntArrayRef shape) const;

 private:
  std::string Made(const std::string& official) const;
  bool IsInThree(const std::string& official) const { return of_transformers_ && IsQkv(official); }

  bool of_transformers_ = false;
  std::string prefix_;
  NameSpelling spelling_;
  std::map<std::string, std::string> known_;  ///< official name, parts of qkv numbered, to the file's
};

}  // namespace mae
