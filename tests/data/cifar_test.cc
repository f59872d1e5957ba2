#include "data/cifar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "tests/data/file_bytes.h"
#include "tests/data/tar_writer.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kRecord10 = 1 + 3072;
constexpr int64_t kRecord100 = 2 + 3072;

// As the official archive has them: not in order.
const std::vector<std::string> kArchiveOrder = {"data_batch_1.bin", "data_batch_4.bin", "test_batch.bin",
                                                "data_batch_3.bin", "data_batch_5.bin", "data_batch_2.bin"};

std::string WithoutLabels(const std::string& records, int64_t record_bytes) {
  std::string pixels;
  for (size_t at = 0; at < records.size(); at += record_bytes) {
    pixels += records.substr(at + record_bytes - 3072, 3072);
  }
  return pixels;
}

std::string PixelsOf(const ImageSet& set) { return {set.pixels.begin(), set.pixels.end()}; }

class Cifar10 : public testing::Test {
 protected:
  void SetUp() override { WriteCifar10Dataset(files_.path(), 3); }

  std::vector<TarEntry> Entries() const {
    return TarEntries(files_.path(), kArchiveOrder, "cifar-10-batches-bin/");
  }
  // An official-looking archive of these entries in a folder of its own.
  void Pack(const std::vector<TarEntry>& entries) const { SetGzBytes(archive_, TarBytes(entries)); }
  std::string TrainPixels() const {
    std::string pixels;
    for (int i = 1; i <= 5; ++i) {
      pixels += WithoutLabels(FileBytes(files_ / ("data_batch_" + std::to_string(i) + ".bin")), kRecord10);
    }
    return pixels;
  }
  static absl::StatusOr<ImageSet> Load(const std::filesystem::path& path, int64_t limit = 0) {
    return LoadCifar("cifar10", path, Split::kTrain, limit);
  }
  void ExpectBothRefuse(const std::filesystem::path& path, StatusCode code, const std::string& part) const {
    EXPECT_THAT(Load(path), StatusIs(code, HasSubstr(part)));
    EXPECT_THAT(InspectCifar(path), StatusIs(code, HasSubstr(part)));
  }

  const TempFolder files_, packed_;
  const std::filesystem::path archive_ = packed_ / "cifar-10-binary.tar.gz";
};

void ExpectInfo(const absl::StatusOr<std::optional<DatasetInfo>>& info, const std::string& format,
                int64_t train, int64_t validation, size_t classes) {
  ASSERT_THAT(info, IsOk());
  ASSERT_TRUE(info->has_value());
  EXPECT_EQ((*info)->format, format);
  EXPECT_EQ((*info)->train_images, train);
  EXPECT_EQ((*info)->validation_images, validation);
  EXPECT_EQ((*info)->channels, 3);
  EXPECT_EQ((*info)->height, 32);
  EXPECT_EQ((*info)->width, 32);
  EXPECT_EQ((*info)->labels.size(), classes);
}

TEST_F(Cifar10, ReadsAFolder) {
  ExpectInfo(InspectCifar(files_.path()), "cifar10", 15, 3, 10);
  const absl::StatusOr<ImageSet> set = Load(files_.path());
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->count, 15);
  EXPECT_THAT(set->labels, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4));
  EXPECT_EQ(PixelsOf(*set), TrainPixels());
}

TEST_F(Cifar10, ValidationSplitIsTheTestBatch) {
  const absl::StatusOr<ImageSet> set = LoadCifar("cifar10", files_.path(), Split::kValidation, 0);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(PixelsOf(*set), WithoutLabels(FileBytes(files_ / "test_batch.bin"), kRecord10));
}

TEST_F(Cifar10, AVisitGivesTheChosenImagesAsALoadDoes) {
  Pack(Entries());
  const ImageSet set = Load(files_.path()).value();
  for (const std::filesystem::path& path : {files_.path(), archive_}) {
    std::vector<int64_t> indices;
    const auto visit = [&](int64_t index, int64_t label, const ImageView& image) {
      indices.push_back(index);
      EXPECT_EQ(label, set.labels[index]);
      EXPECT_EQ(image.channels, 3);
      EXPECT_TRUE(std::equal(image.pixels, image.pixels + 3072, set.image(index)));
      return absl::OkStatus();
    };
    EXPECT_THAT(VisitCifar("cifar10", path, Split::kTrain, {}, visit), IsOk());
    EXPECT_EQ(indices.size(), 15U);
    indices.clear();
    EXPECT_THAT(VisitCifar("cifar10", path, Split::kTrain, {2, 5, 13}, visit), IsOk());
    EXPECT_THAT(indices, testing::UnorderedElementsAre(2, 7, 12));
  }
}

TEST_F(Cifar10, AnArchiveWithAFileTwiceIsRefused) {
  std::vector<TarEntry> entries = Entries();
  entries.push_back(entries.front());
  Pack(entries);
  EXPECT_THAT(InspectCifar(archive_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("after another file")));
}

TEST_F(Cifar10, ReadsTheOfficialFolderBelowAFolder) {
  WriteCifar10Dataset(packed_ / "cifar-10-batches-bin", 3);
  ExpectInfo(InspectCifar(packed_.path()), "cifar10", 15, 3, 10);
  const absl::StatusOr<ImageSet> set = Load(packed_.path());
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(PixelsOf(*set), TrainPixels());
}

TEST_F(Cifar10, ReadsAnArchiveByFolderOrByName) {
  Pack(Entries());
  for (const std::filesystem::path& path : {packed_.path(), archive_}) {
    ExpectInfo(InspectCifar(path), "cifar10", 15, 3, 10);
    const absl::StatusOr<ImageSet> set = Load(path);
    ASSERT_THAT(set, IsOk());
    EXPECT_THAT(set->labels, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4));
    EXPECT_EQ(PixelsOf(*set), TrainPixels());
  }
}

TEST_F(Cifar10, ReadingAnArchiveWritesNothing) {
  Pack(Entries());
  ASSERT_THAT(Load(archive_), IsOk());
  const auto begin = std::filesystem::recursive_directory_iterator(packed_.path());
  EXPECT_EQ(std::distance(begin, std::filesystem::recursive_directory_iterator()), 1);
}

TEST_F(Cifar10, LimitTakesTheFirstImagesAcrossFiles) {
  Pack(Entries());
  for (const std::filesystem::path& path : {files_.path(), archive_}) {
    const absl::StatusOr<ImageSet> set = Load(path, 4);
    ASSERT_THAT(set, IsOk());
    EXPECT_EQ(set->count, 4);
    EXPECT_THAT(set->labels, ElementsAre(0, 1, 2, 3));
    EXPECT_EQ(PixelsOf(*set), TrainPixels().substr(0, 4 * 3072));
  }
}

TEST_F(Cifar10, RefusesALabelOutOfRange) {
  SetByte(files_ / "data_batch_2.bin", kRecord10, 10);
  Pack(Entries());
  for (const std::filesystem::path& path : {files_.path(), archive_}) {
    EXPECT_THAT(Load(path), StatusIs(StatusCode::kInvalidArgument,
                                     AllOf(HasSubstr("data_batch_2.bin"), HasSubstr("record 1 the label 10"),
                                           HasSubstr("labels 0 to 9"))));
  }
}

TEST_F(Cifar10, RefusesAPartOfARecord) {
  CutOff(files_ / "data_batch_3.bin", 1);
  Pack(Entries());
  for (const std::filesystem::path& path : {files_.path(), archive_}) {
    ExpectBothRefuse(path, StatusCode::kInvalidArgument,
                     "data_batch_3.bin' has 9218 bytes; cifar10 needs one or more whole records of 3073");
  }
}

TEST_F(Cifar10, RefusesAnEmptyFile) {
  SetFileBytes(files_ / "data_batch_3.bin", "");
  ExpectBothRefuse(files_.path(), StatusCode::kInvalidArgument, "data_batch_3.bin' has 0 bytes");
}

TEST_F(Cifar10, NamesTheFileThatIsMissing) {
  std::vector<TarEntry> entries = Entries();
  std::erase_if(entries, [](const TarEntry& entry) { return entry.path.ends_with("data_batch_4.bin"); });
  Pack(entries);
  std::filesystem::remove(files_ / "data_batch_4.bin");
  for (const std::filesystem::path& path : {files_.path(), archive_}) {
    ExpectBothRefuse(path, StatusCode::kNotFound, "holds no file 'data_batch_4.bin'");
  }
}

TEST_F(Cifar10, TakesNoLinkForAFile) {
  std::vector<TarEntry> entries = Entries();
  entries[0] = {entries[0].path, "", "/etc/passwd"};
  Pack(entries);
  ExpectBothRefuse(archive_, StatusCode::kNotFound, "holds no file 'data_batch_1.bin'");
}

TEST_F(Cifar10, IgnoresWhatElseAnArchiveHolds) {
  std::vector<TarEntry> entries = Entries();
  entries.insert(entries.begin(), {"../../escape.txt", "never written", ""});
  entries.push_back({"readme.html", "text", ""});
  Pack(entries);
  ExpectInfo(InspectCifar(archive_), "cifar10", 15, 3, 10);
  EXPECT_THAT(Load(archive_), IsOk());
  EXPECT_FALSE(std::filesystem::exists(packed_ / "../../escape.txt"));
}

TEST_F(Cifar10, RefusesAnArchiveCutShort) {
  Pack(Entries());
  CutOff(archive_, 1000);
  ExpectBothRefuse(archive_, StatusCode::kInvalidArgument, "is damaged gzip data");
}

TEST_F(Cifar10, RefusesAFlippedBitAnywhereInAnArchive) {
  Pack(Entries());
  const auto size = static_cast<int64_t>(std::filesystem::file_size(archive_));
  for (int64_t offset = 20; offset < size; offset += size / 20) {
    FlipBit(archive_, offset);
    EXPECT_THAT(Load(archive_), StatusIs(StatusCode::kInvalidArgument)) << "at " << offset;
    FlipBit(archive_, offset);
  }
  EXPECT_THAT(Load(archive_), IsOk());
}

TEST_F(Cifar10, RefusesAWrongArchiveChecksum) {
  Pack(Entries());
  FlipBit(archive_, static_cast<int64_t>(std::filesystem::file_size(archive_)) - 8);
  ExpectBothRefuse(archive_, StatusCode::kInvalidArgument, "incorrect data check");
}

TEST_F(Cifar10, RefusesAFileThatIsNoArchive) {
  SetFileBytes(archive_, "this is no archive at all");
  ExpectBothRefuse(packed_.path(), StatusCode::kInvalidArgument, "is not a whole tar archive");
}

// Rewrites the size in the first header of a tar (in base 256, for sizes that octal digits cannot hold), and
// the header's checksum.
std::string ClaimSize(std::string tar, int64_t size) {
  tar.replace(124, 12, 12, '\0');
  tar[124] = static_cast<char>(0x80);
  for (int i = 0; i < 8; ++i) tar[135 - i] = static_cast<char>(size >> (8 * i) & 0xFF);
  tar.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (int i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[i]);
  for (int i = 0; i < 6; ++i) tar[153 - i] = static_cast<char>('0' + (sum >> (3 * i) & 7));
  tar[154] = '\0';
  return tar;
}

TEST_F(Cifar10, RefusesAMemberLargerThanItsArchive) {
  SetGzBytes(archive_, ClaimSize(TarBytes(Entries()), 1000000 * kRecord10));
  EXPECT_THAT(Load(archive_), StatusIs(StatusCode::kInvalidArgument, HasSubstr("not a whole tar archive")));
}

TEST_F(Cifar10, RefusesAMemberOverTheLimit) {
  SetGzBytes(archive_, ClaimSize(TarBytes(Entries()), int64_t{3073} << 40));
  ExpectBothRefuse(archive_, StatusCode::kInvalidArgument, "bytes; the limit is 8589934592");
}

class Cifar100 : public testing::Test {
 protected:
  void SetUp() override { WriteCifar100Dataset(files_.path(), 101, 7); }
  const TempFolder files_;
};

TEST_F(Cifar100, UsesTheFineLabels) {
  ExpectInfo(InspectCifar(files_.path()), "cifar100", 101, 7, 100);
  const absl::StatusOr<ImageSet> set = LoadCifar("cifar100", files_.path(), Split::kTrain, 0);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->count, 101);
  EXPECT_EQ(set->labels[42], 42);
  EXPECT_EQ(set->labels[99], 99);
  EXPECT_EQ(set->labels[100], 0);
  EXPECT_EQ(PixelsOf(*set), WithoutLabels(FileBytes(files_ / "train.bin"), kRecord100));
}

TEST_F(Cifar100, ReadsTheOfficialArchive) {
  const TempFolder packed;
  SetGzBytes(packed / "cifar-100-binary.tar.gz",
             TarBytes(TarEntries(files_.path(), {"test.bin", "train.bin"}, "cifar-100-binary/")));
  ExpectInfo(InspectCifar(packed.path()), "cifar100", 101, 7, 100);
  const absl::StatusOr<ImageSet> set = LoadCifar("cifar100", packed.path(), Split::kValidation, 0);
  ASSERT_THAT(set, IsOk());
  EXPECT_THAT(set->labels, ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST_F(Cifar100, RefusesAFineLabelOutOfRange) {
  SetByte(files_ / "train.bin", 1, 100);
  EXPECT_THAT(
      LoadCifar("cifar100", files_.path(), Split::kTrain, 0),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("the label 100; cifar100 has labels 0 to 99")));
}

TEST_F(Cifar100, IsNotReadAsCifar10) {
  EXPECT_THAT(LoadCifar("cifar10", files_.path(), Split::kTrain, 0),
              StatusIs(StatusCode::kNotFound, HasSubstr("data_batch_1.bin")));
}

TEST_F(Cifar100, RefusesAnArchiveThatMixesBothDatasets) {
  const TempFolder packed;
  WriteCifar10Dataset(files_.path(), 1);
  SetGzBytes(packed / "mixed.tar.gz",
             TarBytes(TarEntries(files_.path(), {"test.bin", "test_batch.bin"}, "")));
  EXPECT_THAT(InspectCifar(packed / "mixed.tar.gz"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("test_batch.bin"), HasSubstr("files of cifar100"))));
}

TEST(Cifar, FindsNothingInAnEmptyFolder) {
  const TempFolder empty;
  const absl::StatusOr<std::optional<DatasetInfo>> info = InspectCifar(empty.path());
  ASSERT_THAT(info, IsOk());
  EXPECT_FALSE(info->has_value());
}

}  // namespace
}  // namespace mae
