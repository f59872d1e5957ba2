#include "tests/chaos/chaos_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kStartPatience = absl::Minutes(5);

FaultPage* MapFaultPage(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* mapped = MAP_FAILED;
  if (fd >= 0 && ftruncate(fd, sizeof(FaultPage)) == 0)
    mapped = mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) close(fd);
  if (mapped == MAP_FAILED) throw std::runtime_error("can't map " + path.string());
  return static_cast<FaultPage*>(mapped);
}

// What a fault met, for the tally.
std::string NameOf(const FaultPage& page) {
  const char* const of = page.call == FaultPage::kSocket     ? " (connections)"
                         : page.call == FaultPage::kAllocate ? " (tensors)"
                                                             : "";
  return absl::StrCat(page.program, of);
}

// What follows `key` in the first line that begins with it, once that line is whole.
std::string PrintedAfter(const std::string& key, const std::string& out) {
  const size_t begin = out.find(key);
  const size_t end = begin == std::string::npos ? begin : out.find('\n', begin);
  return end == std::string::npos ? "" : out.substr(begin + key.size(), end - begin - key.size());
}

}  // namespace

std::unique_ptr<grpc::ClientContext> CallContext() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kCallDeadline);
  return context;
}

ChaosServer::ChaosServer(fs::path root, Options options) : root_(fs::canonical(root)), options_(options) {
  fs::create_directories(data());
  page_ = MapFaultPage(root_ / "faults");
  const std::string folder = data().string();
  if (folder.size() >= sizeof(page_->folder)) throw std::runtime_error(folder + " is too long a name");
  std::strcpy(page_->folder, folder.c_str());
  WriteTrainer();
}

// A server keeps its environment from its trainers, but for what they need; so a shell says where the page
// is, and becomes the trainer.
void ChaosServer::WriteTrainer() const {
  const fs::path script = root_ / "trainer";
  std::ofstream(script) << "#!/bin/sh\nMAE_FAULT_PAGE='" << (root_ / "faults").string() << "' exec '"
                        << fs::absolute(BinaryPath(trainer_name())).string() << "' \"$@\"\n";
  fs::permissions(script, fs::perms::owner_all);
}

ChaosServer::~ChaosServer() {
  process_ = nullptr;
  munmap(page_, sizeof(FaultPage));
}

std::vector<std::string> ChaosServer::Command() const {
  std::vector<std::string> command = {BinaryPath("mae_server"), "--listen",    "127.0.0.1:0",
                                      "--metrics-listen",       "127.0.0.1:0", "--data-dir",
                                      data().string()};
  for (const std::string& setting :
       {absl::StrCat("jobs.trainer=", (root_ / "trainer").string()),
        absl::StrCat("jobs.slots=", options_.slots),
        absl::StrCat("datasets.tiny=", (root_ / "tiny").string()), std::string("datasets.fashion-mnist="),
        std::string("jobs.stop_grace_seconds=2"), std::string("rpc.threads=2"),
        std::string("rpc.drain_seconds=5"), std::string("inference.threads=2"),
        std::string("inference.compute_threads=1"), std::string("inference.forward_threads=1"),
        std::string("metrics.page=false")}) {
    command.insert(command.end(), {"--set", setting});
  }
  return command;
}

const ProgramResult& ChaosServer::Wait() {
  if (!end_) end_ = process_->Wait();
  return *end_;
}

bool ChaosServer::Start() {
  end_.reset();
  TallyHits();
  process_ = std::make_unique<ChildProcess>(
      Command(),
      std::map<std::string, std::string>{
          {"LD_PRELOAD", BinaryPath("libfault_preload.so")},
          {"MAE_FAULT_PAGE", (root_ / "faults").string()},
          // Else address space that is free again is kept, and no limit is met.
          {"MALLOC_CONF", "retain:false"}},
      root_ / "output");
  std::string address;
  const absl::Time deadline = absl::Now() + kStartPatience;
  while (process_->Running() && absl::Now() < deadline) {
    const std::string out = process_->Out();
    address = PrintedAfter("listening on ", out);
    if (!PrintedAfter("metrics on ", out).empty()) break;
    absl::SleepFor(absl::Milliseconds(2));
  }
  if (address.empty()) return false;
  Connect(address);
  return true;
}

void ChaosServer::Connect(const std::string& address) {
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  jobs_ = v1::JobService::NewStub(channel);
  models_ = v1::ModelService::NewStub(channel);
  inference_ = v1::InferenceService::NewStub(channel);
}

void ChaosServer::Limit(__rlimit_resource resource, uint64_t value) const {
  rlimit limit = {};
  prlimit(pid(), resource, nullptr, &limit);
  limit.rlim_cur = value;
  prlimit(pid(), resource, &limit, nullptr);
}

void ChaosServer::LiftLimits() const {
  for (const auto resource : {RLIMIT_NOFILE, RLIMIT_AS}) {
    rlimit limit = {};
    getrlimit(resource, &limit);
    prlimit(pid(), resource, &limit, nullptr);
  }
}

int64_t ChaosServer::OpenFiles() const {
  const fs::directory_iterator begin(absl::StrCat("/proc/", pid(), "/fd"));
  return std::distance(begin, fs::directory_iterator());
}

int64_t ChaosServer::AddressSpace() const {
  std::ifstream sizes(absl::StrCat("/proc/", pid(), "/statm"));
  int64_t pages = 0;
  sizes >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

void ChaosServer::Arm(const std::string& program, FaultPage::Call call, FaultPage::Effect effect, int error,
                      int64_t after) {
  page_->armed = 0;
  TallyHits();
  page_->call = call;
  page_->effect = effect;
  page_->error = error;
  page_->countdown = after;
  std::strncpy(page_->program, program.c_str(), sizeof(page_->program) - 1);
  page_->armed = 1;
}

void ChaosServer::TallyHits() {
  if (const int64_t hits = page_->hits.exchange(0); hits > 0) hits_[NameOf(*page_)] += hits;
}

std::map<std::string, int64_t> ChaosServer::Hits() {
  TallyHits();
  return hits_;
}

}  // namespace mae
