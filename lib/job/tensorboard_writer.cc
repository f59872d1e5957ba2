#include "job/tensorboard_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr int64_t kMaxPictureBytes = int64_t{64} << 20;

// Beside these the hparams page sets the settings of the run.
constexpr const char* kResultTags[] = {"loss", "validation_loss", "accuracy"};

// Arrays are one setting, as text: a mean of three channels is no three settings.
void FlattenJson(const nlohmann::json& value, const std::string& path, Hparams& hparams) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items())
      FlattenJson(member, path.empty() ? key : absl::StrCat(path, ".", key), hparams);
  } else if (value.is_number()) {
    hparams[path] = value.get<double>();
  } else if (value.is_boolean()) {
    hparams[path] = value.get<bool>();
  } else if (value.is_string()) {
    hparams[path] = value.get<std::string>();
  } else if (!value.is_null()) {
    hparams[path] = value.dump();
  }
}

// The pictures of every epoch are one series, any other is its own.
std::string TagOf(const PictureEvent& event) {
  const std::string stem = std::filesystem::path(event.path).stem().string();
  return stem.starts_with("epoch-") ? "samples" : stem;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TensorboardWriter>> TensorboardWriter::Create(const JobFolder& folder) {
  const std::filesystem::path events = folder.tensorboard();
  std::error_code error;
  std::filesystem::create_directories(events, error);
  if (error) return SystemError("make", events, error.value());
  const absl::Time now = absl::Now();
  // Readers take the files of a folder in order of their names, so a later run's must come later.
  const auto path =
      events / absl::StrCat("events.out.tfevents.", absl::ToUnixMicros(now), ".mae_trainer.", getpid());
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return SystemError("make", path, errno);
  std::unique_ptr<TensorboardWriter> writer(new TensorboardWriter(folder, fd));
  MAE_RETURN_IF_ERROR(writer->Append(TensorboardRecord(FileVersionEvent(now))));
  return writer;
}

TensorboardWriter::~TensorboardWriter() { close(fd_); }

absl::Status TensorboardWriter::Settings(const std::string& spec_json) {
  const auto spec = nlohmann::json::parse(spec_json, nullptr, /*allow_exceptions=*/false);
  if (spec.is_discarded()) return absl::InvalidArgumentError("the settings are no JSON");
  Hparams hparams;
  // As people set them: the job's spec, without what was resolved beside it.
  FlattenJson(spec.is_object() && spec.contains("spec") ? spec.at("spec") : spec, "", hparams);
  std::string records;
  for (const std::string& event :
       HparamsEvents(absl::Now(), hparams, {std::begin(kResultTags), std::end(kResultTags)}))
    records += TensorboardRecord(event);
  return Append(records);
}

absl::Status TensorboardWriter::ResumeAt(int64_t step) {
  step_ = step;
  return Append(TensorboardRecord(SessionStartEvent(absl::Now(), step + 1)));
}

absl::Status TensorboardWriter::Write(const decltype(JobEvent::event)& event) {
  const absl::Time now = absl::Now();
  if (const auto* metrics = std::get_if<MetricsEvent>(&event)) return WriteMetrics(*metrics, now);
  if (const auto* picture = std::get_if<PictureEvent>(&event)) return WritePicture(*picture, now);
  const auto* state = std::get_if<StateEvent>(&event);
  if (state == nullptr) return absl::OkStatus();
  // A stopped job has not ended for TensorBoard, which knows success and failure alone: it may be resumed.
  const bool succeeded = state->state == JobState::kSucceeded;
  if (!succeeded && state->state != JobState::kFailed) return absl::OkStatus();
  return Append(
      TensorboardRecord(HparamsEndEvent(now, succeeded ? SessionEnd::kSuccess : SessionEnd::kFailure)));
}

absl::Status TensorboardWriter::WriteMetrics(const MetricsEvent& event, absl::Time now) {
  step_ = event.step;
  std::string records;
  for (const auto& [name, value] : event.values)
    records += TensorboardRecord(ScalarEvent(now, event.step, name, value));
  return Append(records);
}

absl::Status TensorboardWriter::WritePicture(const PictureEvent& event, absl::Time now) {
  MAE_ASSIGN_OR_RETURN(const std::string png, ReadFile(folder_.root() / event.path, kMaxPictureBytes));
  return Append(TensorboardRecord(ImageEvent(now, step_, TagOf(event), png)));
}

absl::Status TensorboardWriter::Write(int64_t step, const std::string& tag, const Histogram& histogram) {
  return Append(TensorboardRecord(HistogramEvent(absl::Now(), step, tag, histogram)));
}

absl::Status TensorboardWriter::Append(const std::string& records) const {
  std::string_view rest = records;
  while (!rest.empty()) {
    const ssize_t written = RetryInterrupted([&] { return ::write(fd_, rest.data(), rest.size()); });
    if (written < 0) return SystemError("write to", folder_.tensorboard(), errno);
    rest.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace mae
