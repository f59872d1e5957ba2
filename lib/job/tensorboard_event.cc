#include "job/tensorboard_event.h"

#include <bit>

#include "base/crc32c.h"

namespace mae {
namespace {

static_assert(std::endian::native == std::endian::little, "records and fixed fields are little-endian");

template <typename Number>
std::string RawBytes(Number number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

// A message of the protobuf wire format.
class WireMessage {
 public:
  WireMessage& Varint(int field, uint64_t value) {
    Tag(field, 0);
    return AppendVarint(value);
  }
  WireMessage& Double(int field, double value) {
    Tag(field, 1);
    bytes_ += RawBytes(value);
    return *this;
  }
  WireMessage& Float(int field, float value) {
    Tag(field, 5);
    bytes_ += RawBytes(value);
    return *this;
  }
  WireMessage& Bytes(int field, std::string_view value) {
    Tag(field, 2);
    AppendVarint(value.size());
    bytes_ += value;
    return *this;
  }
  WireMessage& Message(int field, const WireMessage& value) { return Bytes(field, value.bytes_); }
  WireMessage& Doubles(int field, const std::vector<double>& values) {
    return Bytes(field, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)});
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void Tag(int field, uint64_t type) { AppendVarint(static_cast<uint64_t>(field) << 3 | type); }
  WireMessage& AppendVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
    return *this;
  }

  std::string bytes_;
};

double SecondsOf(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

WireMessage EventAt(absl::Time time, int64_t step) {
  WireMessage event;
  event.Double(1, SecondsOf(time));
  if (step != 0) event.Varint(2, static_cast<uint64_t>(step));
  return event;
}

// An event with one value of a summary.
std::string SummaryEvent(absl::Time time, int64_t step, const WireMessage& value) {
  return EventAt(time, step).Message(5, WireMessage().Message(1, value)).bytes();
}

// Width and height from a PNG's first chunk, which is always the header.
uint64_t PngSide(const std::string& png, size_t offset) {
  uint64_t side = 0;
  for (size_t i = 0; i < 4; ++i) side = side << 8 | static_cast<uint8_t>(png[offset + i]);
  return side;
}

// A value that carries data of the hparams plugin, and no data of its own.
std::string HparamsPluginEvent(absl::Time time, const std::string& tag, int field, const WireMessage& data) {
  const WireMessage plugin =
      WireMessage().Bytes(1, "hparams").Bytes(2, WireMessage().Message(field, data).bytes());
  return SummaryEvent(time, 0, WireMessage().Bytes(1, tag).Message(9, WireMessage().Message(1, plugin)));
}

// google.protobuf.Value
WireMessage ValueOf(const Hparam& hparam) {
  if (const auto* number = std::get_if<double>(&hparam)) return WireMessage().Double(2, *number);
  if (const auto* text = std::get_if<std::string>(&hparam)) return WireMessage().Bytes(3, *text);
  return WireMessage().Varint(4, std::get<bool>(hparam) ? 1 : 0);
}

// The plugin's DataType.
uint64_t TypeOf(const Hparam& hparam) {
  if (std::holds_alternative<std::string>(hparam)) return 1;
  return std::holds_alternative<bool>(hparam) ? 2 : 3;
}

}  // namespace

std::string TensorboardRecord(std::string_view event) {
  const auto masked = [](std::string_view bytes) {
    return RawBytes(std::rotr(Crc32c(bytes), 15) + 0xa282ead8U);
  };
  const std::string length = RawBytes(static_cast<uint64_t>(event.size()));
  return length + masked(length) + std::string(event) + masked(event);
}

std::string FileVersionEvent(absl::Time time) {
  return WireMessage().Double(1, SecondsOf(time)).Bytes(3, "brain.Event:2").bytes();
}

std::string SessionStartEvent(absl::Time time, int64_t step) {
  return EventAt(time, step).Message(7, WireMessage().Varint(1, 1)).bytes();
}

std::string ScalarEvent(absl::Time time, int64_t step, const std::string& tag, double value) {
  return SummaryEvent(time, step, WireMessage().Bytes(1, tag).Float(2, static_cast<float>(value)));
}

std::string ImageEvent(absl::Time time, int64_t step, const std::string& tag, const std::string& png) {
  constexpr size_t kWidthAt = 16, kHeightAt = 20, kHeaderEnd = 24;
  WireMessage image;
  if (png.size() >= kHeaderEnd) image.Varint(1, PngSide(png, kHeightAt)).Varint(2, PngSide(png, kWidthAt));
  image.Varint(3, 3).Bytes(4, png);
  return SummaryEvent(time, step, WireMessage().Bytes(1, tag).Message(4, image));
}

std::string HistogramEvent(absl::Time time, int64_t step, const std::string& tag,
                           const Histogram& histogram) {
  const WireMessage message = WireMessage()
                                  .Double(1, histogram.min)
                                  .Double(2, histogram.max)
                                  .Double(3, histogram.count)
                                  .Double(4, histogram.sum)
                                  .Double(5, histogram.sum_squares)
                                  .Doubles(6, histogram.limits)
                                  .Doubles(7, histogram.buckets);
  return SummaryEvent(time, step, WireMessage().Bytes(1, tag).Message(5, message));
}

std::vector<std::string> HparamsEvents(absl::Time time, const Hparams& hparams,
                                       const std::vector<std::string>& metric_tags) {
  WireMessage experiment, session;
  for (const auto& [name, value] : hparams) {
    experiment.Message(4, WireMessage().Bytes(1, name).Varint(4, TypeOf(value)));
    session.Message(1, WireMessage().Bytes(1, name).Message(2, ValueOf(value)));
  }
  for (const std::string& tag : metric_tags) {
    experiment.Message(5, WireMessage().Message(1, WireMessage().Bytes(2, tag)));
  }
  session.Double(5, SecondsOf(time));
  return {HparamsPluginEvent(time, "_hparams_/experiment", 2, experiment),
          HparamsPluginEvent(time, "_hparams_/session_start_info", 3, session)};
}

std::string HparamsEndEvent(absl::Time time, SessionEnd end) {
  return HparamsPluginEvent(time, "_hparams_/session_end_info", 4,
                            WireMessage().Varint(1, static_cast<uint64_t>(end)).Double(2, SecondsOf(time)));
}

}  // namespace mae
