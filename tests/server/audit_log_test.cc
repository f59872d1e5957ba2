#include "server/audit_log.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
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

TEST_F(AuditLogTest, ALinkInItsPlaceIsNotFollowed) {
  std::ofstream(temp_ / "other") << "";
  std::filesystem::create_symlink(temp_ / "other", Path());
  EXPECT_FALSE(AuditLog::Open(Path(), {.max_bytes = 300}).ok());
}

}  // namespace
}  // namespace mae
