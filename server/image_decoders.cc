#include "server/image_decoders.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/spawn_plan.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "job/trainer_environment.h"
#include "server/image_decoder_wire.h"

namespace mae {
namespace {

// What was sent can't have come from a reader of ours.
bool IsPlausible(const DecodeAnswer& answer, int64_t pixels) {
  const int depth = CV_MAT_DEPTH(answer.type), channels = CV_MAT_CN(answer.type);
  return answer.rows > 0 && answer.columns > 0 && answer.columns <= pixels / answer.rows &&
         answer.type == CV_MAKETYPE(depth, channels) && channels <= 4 && (depth == CV_8U || depth == CV_16U);
}

absl::Status ThatItIsDamaged(const std::string& how) {
  return absl::InvalidArgumentError(absl::StrCat("the picture is damaged: ", how));
}

// Of a process that ended while it had a file.
absl::Status StatusOfEnd(int how) {
  const bool was_killed = WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL;
  const bool left = WIFEXITED(how) && WEXITSTATUS(how) == 0;  // as when its socket broke
  if (was_killed || left)
    return absl::UnavailableError("what decodes pictures was killed; try again, or send a smaller one");
  const std::string end = WIFSIGNALED(how)
                              ? absl::StrCat("signal ", WTERMSIG(how), " (", strsignal(WTERMSIG(how)), ")")
                              : absl::StrCat("exit code ", WEXITSTATUS(how));
  return ThatItIsDamaged(absl::StrCat("it ended what decodes it with ", end));
}

}  // namespace

class ImageDecoders::Process {
 public:
  static absl::StatusOr<std::unique_ptr<Process>> Start(const Settings& settings) {
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
      return SystemError("make a socket for", settings.program, errno);
    auto process = std::make_unique<Process>(sockets[0]);
    const absl::Cleanup close_theirs = [&] { close(sockets[1]); };
    SpawnPlan plan;
    plan.Give(STDIN_FILENO, sockets[1]);
    plan.Open(STDOUT_FILENO, "/dev/null", O_WRONLY);
    const auto pid =
        plan.Run({settings.program.string(), absl::StrCat(settings.memory_bytes)}, TrainerEnvironment());
    if (!pid.ok()) return pid.status();
    process->pid_ = *pid;
    return process;
  }

  explicit Process(int socket) : socket_(socket) {}
  ~Process() {
    close(socket_);
    if (pid_ > 0) End();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool is_there() const { return pid_ > 0; }

  /// Nothing if it had ended before it was asked.
  std::optional<absl::StatusOr<cv::Mat>> Decode(std::string_view bytes, int flags, int64_t pixels,
                                                absl::Duration patience) {
    const auto deadline = WireClock::now() + absl::ToChronoNanoseconds(patience);
    const DecodeOrder order = {flags, static_cast<int64_t>(bytes.size()), pixels};
    if (!SendAll(socket_, &order, sizeof(order), deadline)) {
      End();
      return std::nullopt;
    }
    DecodeAnswer answer;
    if (!SendAll(socket_, bytes.data(), bytes.size(), deadline) ||
        !ReceiveAll(socket_, &answer, sizeof(answer), deadline))
      return Broken(deadline);
    switch (answer.outcome) {
      case DecodeAnswer::kDecoded:
        break;
      case DecodeAnswer::kTooLarge:
        return ThatItIsDamaged("its data has more pixels than its header says");
      case DecodeAnswer::kNoMemory:
        return absl::ResourceExhaustedError("no memory for the picture; send a smaller one");
      default:
        return cv::Mat();
    }
    if (!IsPlausible(answer, pixels)) return Broken("it made what decodes it say nonsense");
    cv::Mat image(answer.rows, answer.columns, answer.type);
    if (!ReceiveAll(socket_, image.data, image.total() * image.elemSize(), deadline)) return Broken(deadline);
    return image;
  }

 private:
  absl::Status Broken(WireClock::time_point deadline) {
    if (WireClock::now() >= deadline) return Broken("it keeps what decodes it busy for too long");
    return Noted(StatusOfEnd(End()));
  }

  absl::Status Broken(const std::string& how) {
    End();
    return Noted(ThatItIsDamaged(how));
  }

  static absl::Status Noted(absl::Status status) {
    spdlog::error("a mae_image_decoder has ended over a picture: {}", std::string(status.message()));
    return status;
  }

  // Its wait status. One that has ended by itself, and is not reaped, keeps its own.
  int End() {
    kill(pid_, SIGKILL);
    int how = 0;
    RetryInterrupted([&] { return waitpid(pid_, &how, 0); });
    pid_ = 0;
    return how;
  }

  pid_t pid_ = 0;  // none
  const int socket_;
};

ImageDecoders::ImageDecoders(Settings settings) : settings_(std::move(settings)) {}
ImageDecoders::~ImageDecoders() = default;

absl::StatusOr<std::shared_ptr<ImageDecoders>> ImageDecoders::Make(Settings settings) {
  std::error_code error;
  if (settings.program.empty())
    settings.program =
        std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "mae_image_decoder";
  if (access(settings.program.c_str(), X_OK) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(settings.program.string(), ": ", strerror(errno),
                     "; it belongs beside mae_server (or set inference.isolated_decoding=false)"));
  }
  return std::shared_ptr<ImageDecoders>(new ImageDecoders(std::move(settings)));
}

absl::StatusOr<cv::Mat> ImageDecoders::Decode(std::string_view bytes, int flags, int64_t pixels) {
  // One that was killed while it waited is not the picture's fault; nor would all of them be.
  for (int64_t tries = 0; tries <= settings_.processes; ++tries) {
    MAE_ASSIGN_OR_RETURN(std::unique_ptr<Process> process, Take());
    // One whose answer was not read, as where there is no memory for it, is not kept.
    absl::Cleanup let_go = [this] { PutBack(nullptr); };
    auto image = process->Decode(bytes, flags, pixels, settings_.patience);
    std::move(let_go).Cancel();
    PutBack(std::move(process));
    if (image) return *std::move(image);
  }
  return absl::UnavailableError("what decodes pictures ends again and again; the server's log says why");
}

absl::StatusOr<std::unique_ptr<ImageDecoders::Process>> ImageDecoders::Take() {
  {
    const absl::MutexLock lock(&mutex_);
    const auto one_is_free = [this]()
                                 ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return busy_ < settings_.processes; };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&one_is_free), settings_.patience))
      return absl::ResourceExhaustedError("all that decode pictures are busy; try again");
    ++busy_;
    if (!idle_.empty()) {
      std::unique_ptr<Process> process = std::move(idle_.back());
      idle_.pop_back();
      return process;
    }
  }
  absl::Cleanup let_go = [this] { PutBack(nullptr); };
  auto started = Process::Start(settings_);
  if (started.ok()) {
    std::move(let_go).Cancel();
    return started;
  }
  spdlog::error("pictures can't be decoded: {}", started.status().ToString());
  if (absl::IsResourceExhausted(started.status())) return started;
  return absl::UnavailableError("what decodes pictures can't be started; the server's log says why");
}

void ImageDecoders::PutBack(std::unique_ptr<Process> process) {
  const absl::MutexLock lock(&mutex_);
  --busy_;
  if (process != nullptr && process->is_there()) idle_.push_back(std::move(process));
}

std::vector<pid_t> ImageDecoders::Idle() const {
  const absl::MutexLock lock(&mutex_);
  std::vector<pid_t> pids;
  for (const auto& process : idle_) pids.push_back(process->pid());
  return pids;
}

}  // namespace mae
