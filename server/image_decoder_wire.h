#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// What mae_server and its processes of mae_image_decoder say to one another, over a stream socket between
/// two programs of one build: an order with the bytes of a file, then an answer with the pixels.
namespace mae {

struct DecodeOrder {
  int32_t flags;   ///< of cv::imdecode
  int64_t bytes;   ///< of the file, which follow
  int64_t pixels;  ///< height x width that may come of it
};

struct DecodeAnswer {
  enum Outcome : int32_t { kDecoded, kDamaged, kTooLarge, kNoMemory };
  Outcome outcome;
  int32_t rows, columns, type;  ///< of the cv::Mat, if kDecoded; its rows follow without gaps
};

using WireClock = std::chrono::steady_clock;

/// Sends or receives all of it. False: the other end has gone, or did not take or give it in time; never a
/// signal.
bool SendAll(int socket, const void* data, size_t bytes, WireClock::time_point deadline);
bool ReceiveAll(int socket, void* data, size_t bytes, WireClock::time_point deadline);

}  // namespace mae
