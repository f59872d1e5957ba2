#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mae {

/// One entry of an archive to write, honest or not.
struct ZipPart {
  std::string name, content;
  uint16_t method = 0;                                   ///< 0: stored
  uint16_t flags = 0;                                    ///< 1: encrypted
  std::optional<uint64_t> claimed_bytes = std::nullopt;  ///< what the directory says instead of the truth
  std::optional<uint64_t> claimed_header = std::nullopt;
  std::optional<uint32_t> claimed_crc32 = std::nullopt;
};

/// A zip archive with these entries, sizes in zip64 fields if `zip64`.
std::string ZipOf(const std::vector<ZipPart>& parts, bool zip64 = false);

/// An archive as torch.save lays it out: archive/data.pkl, archive/data/0, … `records` by key.
std::string TorchZipOf(const std::string& pickle,
                       const std::vector<std::pair<std::string, std::string>>& records);

}  // namespace mae
