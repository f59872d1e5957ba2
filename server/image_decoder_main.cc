// mae_image_decoder BYTES: reads image files for a mae_server, which starts it and talks to it over
// descriptor 0. It has so many bytes of address space, and ends with that socket.
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>
#include <new>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <vector>

#include "absl/strings/numbers.h"
#include "server/image_decoder_sandbox.h"
#include "server/image_decoder_wire.h"

namespace {

constexpr int kSocket = STDIN_FILENO;
constexpr auto kForever = mae::WireClock::time_point::max();
constexpr size_t kKeptBytes = 1 << 20;  // of a buffer, from one picture to the next

// What the readers do once, they do before the sandbox is shut.
void WarmUp() {
  const cv::Mat pixel(2, 2, CV_8UC3, cv::Scalar::all(0));
  for (const char* format : {".png", ".jpg", ".webp", ".bmp"}) {
    std::vector<uint8_t> file;
    cv::imencode(format, pixel, file);
    cv::imdecode(file, cv::IMREAD_UNCHANGED);
  }
}

mae::DecodeAnswer Decode(const mae::DecodeOrder& order, std::vector<uint8_t>& file, cv::Mat& image) {
  using mae::DecodeAnswer;
  try {
    image = cv::imdecode(file, order.flags);
  } catch (const std::bad_alloc&) {
    return {DecodeAnswer::kNoMemory, 0, 0, 0};
  } catch (const std::exception& error) {
    const auto* of_opencv = dynamic_cast<const cv::Exception*>(&error);
    const bool lacks_memory = of_opencv != nullptr && of_opencv->code == cv::Error::StsNoMem;
    return {lacks_memory ? DecodeAnswer::kNoMemory : DecodeAnswer::kDamaged, 0, 0, 0};
  }
  if (image.empty() || !image.isContinuous()) return {DecodeAnswer::kDamaged, 0, 0, 0};
  if (static_cast<int64_t>(image.total()) > order.pixels) return {DecodeAnswer::kTooLarge, 0, 0, 0};
  return {DecodeAnswer::kDecoded, image.rows, image.cols, image.type()};
}

// False: nobody asks any more.
bool Serve(std::vector<uint8_t>& file) {
  mae::DecodeOrder order;
  if (!mae::ReceiveAll(kSocket, &order, sizeof(order), kForever) || order.bytes < 0) return false;
  file.resize(static_cast<size_t>(order.bytes));
  if (!mae::ReceiveAll(kSocket, file.data(), file.size(), kForever)) return false;
  cv::Mat image;
  const mae::DecodeAnswer answer = Decode(order, file, image);
  if (file.capacity() > kKeptBytes) std::vector<uint8_t>().swap(file);
  if (!mae::SendAll(kSocket, &answer, sizeof(answer), kForever)) return false;
  return answer.outcome != mae::DecodeAnswer::kDecoded ||
         mae::SendAll(kSocket, image.data, image.total() * image.elemSize(), kForever);
}

bool IsStartedByServer() {
  int type = 0;
  socklen_t size = sizeof(type);
  return getsockopt(kSocket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t max_memory = 0;
  if (argc != 2 || !absl::SimpleAtoi(argv[1], &max_memory) || !IsStartedByServer()) {
    std::cerr << "mae_image_decoder: mae_server starts it, to read image files apart from itself\n";
    return 2;
  }
  cv::setNumThreads(0);
  WarmUp();
  if (const char* const lacks = mae::ShutSandbox(max_memory); lacks != nullptr)
    std::cerr << "mae_image_decoder: goes on without " << lacks << ", which this system does not give\n";
  std::vector<uint8_t> file;
  while (Serve(file)) {
  }
  // No destructors: what they might want is not to be had in the sandbox.
  _exit(0);
}
