#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mae {

/// What a dataset's files do not tell.
struct KnownDataset {
  std::string name, format;
  std::vector<std::string> labels;    ///< a class each, by number
  std::vector<double> mean, std_dev;  ///< a channel, of the training pixels in 0..1
};

/// mnist, fashion-mnist, cifar10 or cifar100, also with other case, dashes, underscores, spaces or none
/// ("CIFAR-10"); null for any other name. The result lives as long as the process.
const KnownDataset* FindKnownDataset(std::string_view name);

}  // namespace mae
