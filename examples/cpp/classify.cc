// Asks a mae_server what is in pictures:
//
//   classify HOST:PORT MODEL FILE…
//
// Prints the three most probable classes of each. Exit: 0 answered, 1 refused or unreachable, 2 usage.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "mae/v1/inference.grpc.pb.h"

namespace {

namespace v1 = mae::v1;

// PNG, JPEG, WebP and BMP go as they are: the server decodes them and brings them to the model's size.
bool AddFile(const std::string& path, v1::ClassifyRequest& request) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  request.add_images()->set_encoded(std::string(std::istreambuf_iterator<char>(file), {}));
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: classify HOST:PORT MODEL FILE...\n";
    return 2;
  }
  v1::ClassifyRequest request;
  request.set_model(argv[2]);  // NAME, NAME@alias or NAME/versions/N
  request.set_top_k(3);
  for (int i = 3; i < argc; ++i) {
    if (!AddFile(argv[i], request)) {
      std::cerr << "can't read " << argv[i] << "\n";
      return 2;
    }
  }

  // One channel serves a whole program and all its threads.
  const auto channel = grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials());
  const auto stub = v1::InferenceService::NewStub(channel);
  grpc::ClientContext context;
  // The server does not run what can no longer be in time.
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  v1::ClassifyResponse response;
  if (const grpc::Status status = stub->Classify(&context, request, &response); !status.ok()) {
    // RESOURCE_EXHAUSTED and UNAVAILABLE are worth another try later; the rest says what to change.
    std::cerr << "refused (" << status.error_code() << "): " << status.error_message() << "\n";
    return 1;
  }

  std::cout << response.model_version() << "\n";
  for (int i = 0; i < response.classifications_size(); ++i) {
    std::cout << argv[3 + i];
    for (const auto& score : response.classifications(i).scores()) {
      std::cout << "  " << (score.label().empty() ? std::to_string(score.index()) : score.label()) << " "
                << score.probability();
    }
    std::cout << "\n";
  }
}
