#include "job/tensorboard_event.h"

#include <gmock/gmock.h>

#include "absl/strings/escaping.h"
#include "base/crc32c.h"

/// The expected bytes were made by the messages of the Python package tensorboard 2.20.
namespace mae {
namespace {

using testing::ElementsAre;

const absl::Time kTime = absl::UnixEpoch() + absl::Milliseconds(1500);

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

TEST(TensorboardEvent, EventsAreTensorboardsMessages) {
  EXPECT_EQ(Hex(FileVersionEvent(kTime)), "09000000000000f83f1a0d627261696e2e4576656e743a32");
  EXPECT_EQ(Hex(SessionStartEvent(kTime, 300)), "09000000000000f83f10ac023a020801");
  EXPECT_EQ(Hex(ScalarEvent(kTime, 300, "loss", 0.25)),
            "09000000000000f83f10ac022a0d0a0b0a046c6f7373150000803e");
}

TEST(TensorboardEvent, AHistogramIsTensorboardsMessage) {
  Histogram histogram;
  histogram.min = -1;
  histogram.max = 1;
  histogram.count = 3;
  histogram.sum = 0.5;
  histogram.sum_squares = 2;
  histogram.limits = {0, 1};
  histogram.buckets = {1, 2};
  EXPECT_EQ(Hex(HistogramEvent(kTime, 300, "g", histogram)),
            "09000000000000f83f10ac022a580a560a01672a5109000000000000f0bf11000000000000f03f190000000000000840"
            "21000000000000e03f29000000000000004032100000000000000000000000000000f03f3a10000000000000f03f"
            "0000000000000040");
}

TEST(TensorboardEvent, AnImageHasTheSizeOfItsPng) {
  const std::string png = absl::HexStringToBytes("89504e470d0a1a0a0000000d494844520000012c00000007");
  EXPECT_EQ(Hex(ImageEvent(kTime, 300, "samples", png)),
            "09000000000000f83f10ac022a2e0a2c0a0773616d706c65732221080710ac021803221889504e470d0a1a0a0000000d"
            "494844520000012c00000007");
}

TEST(TensorboardEvent, SettingsAndTheEndAreTheHparamsPluginsMessages) {
  const Hparams hparams = {{"flag", true}, {"lr", 0.5}, {"name", std::string("x")}};
  std::vector<std::string> events;
  for (const std::string& event : HparamsEvents(kTime, hparams, {"loss"})) events.push_back(Hex(event));
  EXPECT_THAT(
      events,
      ElementsAre(
          "09000000000000f83f2a4f0a4d0a145f68706172616d735f2f6578706572696d656e744a350a330a0768706172616d73"
          "1228122622080a04666c6167200222060a026c72200322080a046e616d6520012a080a0612046c6f7373",
          "09000000000000f83f2a640a620a1c5f68706172616d735f2f73657373696f6e5f73746172745f696e666f4a420a400a"
          "0768706172616d7312351a330a0a0a04666c6167120220010a0f0a026c72120911000000000000e03f0a0b0a046e616d"
          "6512031a017829000000000000f83f"));
  EXPECT_EQ(Hex(HparamsEndEvent(kTime, SessionEnd::kSuccess)),
            "09000000000000f83f2a3a0a380a1a5f68706172616d735f2f73657373696f6e5f656e645f696e666f4a1a0a180a0768"
            "706172616d73120d220b080111000000000000f83f");
}

TEST(TensorboardEvent, ARecordIsLengthAndEventEachWithItsMaskedChecksum) {
  const std::string record = TensorboardRecord("abc");
  ASSERT_EQ(record.size(), 8u + 4 + 3 + 4);
  EXPECT_EQ(Hex(record.substr(0, 8)), "0300000000000000");
  EXPECT_EQ(record.substr(12, 3), "abc");
  // Unmasking as TFRecord's description has it gives the checksum back.
  const auto unmasked = [&](size_t at) {
    uint32_t masked = 0;
    for (size_t i = 4; i-- > 0;) masked = masked << 8 | static_cast<uint8_t>(record[at + i]);
    const uint32_t rotated = masked - 0xa282ead8U;
    return rotated >> 17 | rotated << 15;
  };
  EXPECT_EQ(unmasked(8), Crc32c(record.substr(0, 8)));
  EXPECT_EQ(unmasked(15), Crc32c("abc"));
}

}  // namespace
}  // namespace mae
