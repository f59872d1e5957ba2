#include "server/audit_log.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::SizeIs;

class AuditLogTest : public testing::Test {
 protected:
  std::filesystem::path Path(int number = 0) const {
    return temp_ / (number == 0 ? "audit.log" : absl::StrCat("audit.log.", number));
  }
  std::unique_ptr<AuditLog> Open(AuditLog::Settings settings) const {
    auto log = AuditLog::Open(Path(), settings);
    EXPECT_THAT(log, IsOk());
    return *std::move(log);
  }
  static AuditRecord Record(const std::string& resource) {
    return {absl::UnixEpoch(), "ann", "admin", "ipv4:127.0.0.1:1", "S/M", resource, "OK", "id"};
  }
  std::vector<std::string> Lines(int number = 0) const {
    return absl::StrSplit(ReadFile(Path(number)).value_or(""), '\n', absl::SkipEmpty());
  }
  static mode_t ModeOf(const std::filesystem::path& path) {
    struct stat facts = {};
    EXPECT_EQ(stat(path.c_str(), &facts), 0);
    return facts.st_mode & 07777;
  }

  static AuditRecord Failed(const std::string& identity, absl::Time time) {
    return {.time = time, .identity = identity, .role = "viewer", .method = "S/M", .code = "NOT_FOUND"};
  }

  const TempFolder temp_;
};

TEST_F(AuditLogTest, ALineIsAnObjectWithWhoDidWhatToWhat) {
  Open({.max_bytes = 1 << 20})->Append(Record("jobs/1"));
  ASSERT_THAT(Lines(), SizeIs(1));
  EXPECT_EQ(Lines()[0],
            R"({"time":"1970-01-01T00:00:00.000Z","identity":"ann","role":"admin","peer":"ipv4:127.0.0.1:1",)"
            R"("method":"S/M","resource":"jobs/1","code":"OK","request_id":"id"})");
}

TEST_F(AuditLogTest, NoTextOfACallerBreaksALine) {
  const auto log = Open({.max_bytes = 1 << 20});
  log->Append(Record(std::string("a\n{\"identity\": \"bob\"}\xff\0b", 24)));
  ASSERT_THAT(Lines(), SizeIs(1));
  EXPECT_FALSE(nlohmann::json::parse(Lines()[0], nullptr, false).is_discarded());
}

TEST_F(AuditLogTest, GoesOnAfterARestartAndIsForItsOwnerAlone) {
  std::ofstream(Path()) << "{}\n";
  std::filesystem::permissions(Path(), std::filesystem::perms::all);
  Open({.max_bytes = 1 << 20})->Append(Record("a"));
  EXPECT_THAT(Lines(), SizeIs(2));
  EXPECT_EQ(ModeOf(Path()), 0600);
}

TEST_F(AuditLogTest, AFullFileMakesPlaceAndTheOldestGoes) {
  const auto log = Open({.max_bytes = 300, .keep_files = 2});
  for (int i = 0; i < 20; ++i) log->Append(Record(absl::StrCat("jobs/", i)));
  EXPECT_FALSE(std::filesystem::exists(Path(3)));
  std::vector<std::string> all;
  for (const int number : {2, 1, 0}) {
    EXPECT_LE(std::filesystem::file_size(Path(number)), 300U);
    EXPECT_EQ(ModeOf(Path(number)), 0600);
    for (const std::string& line : Lines(number)) all.push_back(nlohmann::json::parse(line)["resource"]);
  }
  ASSERT_FALSE(all.empty());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], absl::StrCat("jobs/", 20 - all.size() + i));
}

TEST_F(AuditLogTest, OfCallsThatFailAFewASecondAreWrittenAndTheRestIsCounted) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  const int64_t few = AuditLog::kFailedPerSecond;
  const auto log = Open({.max_bytes = 1 << 20});
  for (int i = 0; i < 100; ++i) log->Append(Failed("ann", now));
  ASSERT_THAT(Lines(), SizeIs(few));
  log->Append(Failed("bob", now));
  EXPECT_THAT(Lines(), SizeIs(few + 1)) << "others have their own";
  AuditRecord done = Failed("ann", now);
  done.code = "OK";
  for (int i = 0; i < 100; ++i) log->Append(done);
  ASSERT_THAT(Lines(), SizeIs(few + 101)) << "what was done is always written";
  log->Append(Failed("ann", now + absl::Seconds(1)));
  ASSERT_THAT(Lines(), SizeIs(few + 103));
  const auto told = nlohmann::json::parse(Lines()[static_cast<size_t>(few) + 101]);
  EXPECT_EQ(told["identity"], "ann");
  EXPECT_EQ(told["left_out"], 100 - few);
  EXPECT_FALSE(nlohmann::json::parse(Lines().back()).contains("left_out"));
}

TEST_F(AuditLogTest, WhatWasLeftOutLastIsToldAtTheEnd) {
  {
    const auto log = Open({.max_bytes = 1 << 20});
    for (int i = 0; i < 10; ++i) log->Append(Failed("ann", absl::UnixEpoch()));
  }
  EXPECT_EQ(nlohmann::json::parse(Lines().back())["left_out"], 10 - AuditLog::kFailedPerSecond);
}

TEST_F(AuditLogTest, AResourceIsCutByWhatItTakesInTheFile) {
  const auto log = Open({.max_bytes = 1 << 20});
  const std::string plain(300, 'a');
  for (const std::string& text : {plain, std::string(256, '\1'), std::string(256, '\xff'), "jobs/" + plain})
    log->Append(Record(text));
  for (const std::string& line : Lines()) {
    EXPECT_LT(line.size(), AuditLog::kMaxResourceBytes + 200);
    EXPECT_FALSE(nlohmann::json::parse(line, nullptr, false).is_discarded());
  }
  EXPECT_EQ(nlohmann::json::parse(Lines()[0])["resource"], std::string(AuditLog::kMaxResourceBytes, 'a'));
}

TEST_F(AuditLogTest, ALineThatTheDiskTakesAPartOfLeavesNothing) {
  const auto log = Open({.max_bytes = 1 << 20});
  log->Append(Record("jobs/1"));
  const rlim_t size = std::filesystem::file_size(Path());
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit full = {size + 10, before.rlim_max};
  // Of lines in the log, where that is a file.
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  log->Append(Record("jobs/2"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(std::filesystem::file_size(Path()), size);
  log->Append(Record("jobs/3"));
  ASSERT_THAT(Lines(), SizeIs(2));
  EXPECT_EQ(nlohmann::json::parse(Lines()[1])["resource"], "jobs/3");
}

TEST_F(AuditLogTest, ALineThatWasCutOffStaysByItself) {
  std::ofstream(Path()) << R"({"time":"19)";
  Open({.max_bytes = 1 << 20})->Append(Record("jobs/1"));
  ASSERT_THAT(Lines(), SizeIs(2));
  EXPECT_EQ(nlohmann::json::parse(Lines()[1])["resource"], "jobs/1");
}

TEST_F(AuditLogTest, FilesBeyondAKeepFilesThatIsLowerNowAreRemoved) {
  for (const int number : {1, 2, 3, 12}) std::ofstream(Path(number)) << "{}\n";
  for (const char* other : {"audit.log.old", "audit.log.3.gz", "audit.log.", "other.9"})
    std::ofstream(temp_ / other) << "{}\n";
  Open({.max_bytes = 1 << 20, .keep_files = 2});
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(temp_.path()))
    left.push_back(entry.path().filename());
  EXPECT_THAT(left, testing::UnorderedElementsAre("audit.log", "audit.log.1", "audit.log.2", "audit.log.old",
                                                  "audit.log.3.gz", "audit.log.", "other.9"));
}

TEST_F(AuditLogTest, ALinkInItsPlaceIsNotFollowed) {
  std::ofstream(temp_ / "other") << "";
  std::filesystem::create_symlink(temp_ / "other", Path());
  EXPECT_FALSE(AuditLog::Open(Path(), {.max_bytes = 300}).ok());
}

}  // namespace
}  // namespace mae
