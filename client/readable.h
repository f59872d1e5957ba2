#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

/// Numbers and times as people read them. Pure functions.
namespace mae {

/// "8 s", "3 min 20 s", "2 h 5 min", "4 d 3 h": the two largest units; negative counts as 0.
std::string ReadableDuration(absl::Duration duration);

/// "just now", "5 min ago", "3 h ago", "2 d ago"; "-" for a time that is not set. A time ahead of `now`
/// (clocks of two machines differ) is just now.
std::string TimeAgo(const google::protobuf::Timestamp& time, absl::Time now);

/// "-" if not set.
std::string LocalTime(const google::protobuf::Timestamp& time);
absl::Time TimeFrom(const google::protobuf::Timestamp& time);

/// "1,234,567".
std::string Grouped(int64_t number);
/// "512 B", "1.5 GiB".
std::string ReadableBytes(int64_t bytes);
/// Four significant digits: "0.2312", "1.2e-05", "1712".
std::string ReadableNumber(double number);

/// Lower case, letters and digits kept, runs of all else one '-': "T-shirt/top" is "t-shirt-top".
std::string Slug(absl::string_view text);

/// Terminal columns of UTF-8 text, one a code point; escape sequences (ESC [ … m) take none.
int DisplayWidth(absl::string_view text);

}  // namespace mae
