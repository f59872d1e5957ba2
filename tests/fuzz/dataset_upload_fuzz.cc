#include <filesystem>
#include <memory>

#include "server/dataset_upload.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"
#include "tests/fuzz/input_folder.h"

namespace {

namespace fs = std::filesystem;

/// The parts that an upload goes through, over a folder that nothing may leave.
struct Uploads {
  explicit Uploads(const fs::path& root)
      : store(mae::DatasetStore::Create({}, root / "datasets").value()),
        staging(root / "datasets" / ".uploads", store->trash()) {}

  const std::unique_ptr<mae::DatasetStore> store;
  mae::UploadStaging staging;
};

const mae::DatasetUploadLimits kLimits = {.max_bytes = 1 << 20, .max_files = 8, .reserve = 0};

// Nothing but plain files, and those in the place of one dataset's upload or of the dataset that it became.
void CheckFolder(const fs::path& root) {
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string below = entry.path().lexically_relative(root).generic_string();
    FUZZ_REQUIRE(entry.symlink_status().type() == fs::file_type::regular ||
                 entry.symlink_status().type() == fs::file_type::directory);
    FUZZ_REQUIRE(below == "datasets" || below.starts_with("datasets/"));
  }
}

// Messages, each behind its length. A call ends where one is refused, as the service ends it.
void SendAll(mae::InputBytes input, Uploads& uploads) {
  mae::DatasetUpload upload(uploads.staging, *uploads.store, kLimits);
  while (!input.empty()) {
    mae::v1::UploadDatasetRequest request;
    const std::string_view bytes = input.Part();
    if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
    const absl::Status status = upload.Take(request);
    FUZZ_REQUIRE(!absl::IsInternal(status) && !absl::IsUnknown(status));
    if (!status.ok()) return;
  }
  mae::v1::Dataset dataset;
  const absl::Status published = upload.Publish([] { return false; }, dataset);
  FUZZ_REQUIRE(!absl::IsInternal(published) && !absl::IsUnknown(published));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  folder.Clear();
  Uploads uploads(folder.path());
  SendAll(mae::InputBytes(data, size), uploads);
  CheckFolder(folder.path());
  return 0;
}
