#include "tests/interop/zip_writer.h"

#include <zlib.h>

namespace mae {
namespace {

template <typename T>
void AppendLittle(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

uint32_t SumOf(const ZipPart& part) {
  return part.claimed_crc32.value_or(static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(part.content.data()), part.content.size())));
}

std::string LocalHeader(const ZipPart& part) {
  std::string header = "PK\3\4";
  AppendLittle<uint16_t>(header, 20);
  AppendLittle(header, part.flags);
  AppendLittle(header, part.method);
  AppendLittle<uint32_t>(header, 0);  // time
  AppendLittle(header, SumOf(part));
  AppendLittle(header, static_cast<uint32_t>(part.content.size()));
  AppendLittle(header, static_cast<uint32_t>(part.content.size()));
  AppendLittle(header, static_cast<uint16_t>(part.name.size()));
  AppendLittle<uint16_t>(header, 0);
  return header + part.name;
}

std::string DirectoryOf(const ZipPart& part, uint64_t header, bool zip64) {
  const uint64_t bytes = part.claimed_bytes.value_or(part.content.size());
  header = part.claimed_header.value_or(header);
  const auto narrow = [zip64](uint64_t value) { return zip64 ? 0xFFFFFFFFU : static_cast<uint32_t>(value); };
  std::string entry = "PK\1\2";
  AppendLittle<uint16_t>(entry, 45);
  AppendLittle<uint16_t>(entry, 45);
  AppendLittle(entry, part.flags);
  AppendLittle(entry, part.method);
  AppendLittle<uint32_t>(entry, 0);
  AppendLittle(entry, SumOf(part));
  AppendLittle(entry, narrow(bytes));
  AppendLittle(entry, narrow(bytes));
  AppendLittle(entry, static_cast<uint16_t>(part.name.size()));
  AppendLittle<uint16_t>(entry, zip64 ? 28 : 0);
  AppendLittle<uint16_t>(entry, 0);
  AppendLittle<uint64_t>(entry, 0);  // disk, attributes
  AppendLittle(entry, narrow(header));
  entry += part.name;
  if (!zip64) return entry;
  AppendLittle<uint16_t>(entry, 1);
  AppendLittle<uint16_t>(entry, 24);
  for (const uint64_t value : {bytes, bytes, header}) AppendLittle(entry, value);
  return entry;
}

std::string EndOf(uint64_t count, uint64_t size, uint64_t offset, bool zip64) {
  std::string end;
  if (zip64) {
    end = "PK\6\6";
    AppendLittle<uint64_t>(end, 44);
    AppendLittle<uint32_t>(end, 0x2D002D);
    AppendLittle<uint64_t>(end, 0);
    for (const uint64_t value : {count, count, size, offset}) AppendLittle(end, value);
    end += "PK\6\7";
    AppendLittle<uint32_t>(end, 0);
    AppendLittle(end, offset + size);
    AppendLittle<uint32_t>(end, 1);
  }
  end += "PK\5\6";
  AppendLittle<uint32_t>(end, 0);
  for (int i = 0; i < 2; ++i) AppendLittle(end, static_cast<uint16_t>(zip64 ? 0xFFFF : count));
  AppendLittle(end, static_cast<uint32_t>(zip64 ? 0xFFFFFFFF : size));
  AppendLittle(end, static_cast<uint32_t>(zip64 ? 0xFFFFFFFF : offset));
  AppendLittle<uint16_t>(end, 0);
  return end;
}

}  // namespace

std::string ZipOf(const std::vector<ZipPart>& parts, bool zip64) {
  std::string body, directory;
  for (const auto& part : parts) {
    directory += DirectoryOf(part, body.size(), zip64);
    body += LocalHeader(part) + part.content;
  }
  return body + directory + EndOf(parts.size(), directory.size(), body.size(), zip64);
}

std::string TorchZipOf(const std::string& pickle,
                       const std::vector<std::pair<std::string, std::string>>& records) {
  std::vector<ZipPart> parts = {{"archive/data.pkl", pickle}, {"archive/byteorder", "little"}};
  for (const auto& [key, bytes] : records) parts.push_back({"archive/data/" + key, bytes});
  return ZipOf(parts);
}

}  // namespace mae
