#include "server/certificate_files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <thread>

#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "server/certificate_metrics.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/fakes/test_authority.h"

namespace mae {
namespace {

using testing::HasSubstr;

class CertificateFilesTest : public testing::Test {
 protected:
  CertificateFilesTest() { Write("clients.pem", authority_.pem()); }

  void Write(const std::string& name, const std::string& text) const {
    ASSERT_THAT(WriteFileDurably(temp_ / name, text), IsOk());
    ASSERT_EQ(chmod((temp_ / name).c_str(), 0600), 0);
  }
  void WriteOwn(const IssuedCertificate& issued) const {
    Write("server.pem", issued.certificate);
    Write("server.key", issued.key);
  }
  auto Open(absl::Duration between_looks = absl::Hours(1)) const {
    return CertificateFiles::Open({temp_ / "server.pem", temp_ / "server.key", temp_ / "clients.pem"},
                                  between_looks);
  }
  static auto Refused(const std::string& setting, const std::string& words) {
    return StatusIs(absl::StatusCode::kInvalidArgument, testing::AllOf(HasSubstr(setting), HasSubstr(words)));
  }

  const TempFolder temp_;
  const TestAuthority authority_;
};

TEST_F(CertificateFilesTest, APairThatTlsDoesNotTakeIsNotTaken) {
  const auto weak = authority_.Issue({.dns_name = "a.test", .rsa_bits = 1024});
  WriteOwn(weak);
  EXPECT_THAT(Open(), Refused("tls.certificate", "none that TLS takes"));
  WriteOwn(authority_.Issue({.dns_name = "a.test", .rsa_bits = 2048}));
  auto files = Open();
  ASSERT_THAT(files, IsOk());
  const auto before = (*files)->TakeNewer();
  WriteOwn(weak);
  EXPECT_THAT((*files)->Reload(), Refused("tls.certificate", "none that TLS takes"));
  EXPECT_EQ((*files)->TakeNewer(), nullptr);
  EXPECT_EQ((*files)->Current(), before);
}

TEST_F(CertificateFilesTest, ACertificateThatIsCutOffIsAFaultAlsoBehindOneThatIsWhole) {
  const auto issued = authority_.Issue({.dns_name = "a.test"});
  const std::string other = TestAuthority().pem();
  WriteOwn(issued);
  Write("clients.pem", authority_.pem() + other);
  EXPECT_THAT(Open(), IsOk());
  for (const size_t left : {other.size() / 2, other.size() - 10, size_t{60}}) {
    Write("clients.pem", authority_.pem() + other.substr(0, left));
    EXPECT_THAT(Open(), Refused("tls.client_ca", "cut off")) << left;
  }
  Write("clients.pem", authority_.pem() + "what an authority writes below\n");
  EXPECT_THAT(Open(), IsOk());
  Write("server.pem", issued.certificate + other.substr(0, other.size() / 2));
  EXPECT_THAT(Open(), Refused("tls.certificate", "cut off"));
}

TEST_F(CertificateFilesTest, AKeyOfAnotherCertificateIsRefusedByName) {
  const auto issued = authority_.Issue({.dns_name = "a.test"});
  WriteOwn({issued.certificate, authority_.Issue({.dns_name = "a.test"}).key});
  EXPECT_THAT(Open(), Refused("tls.key", "does not fit"));
  WriteOwn({issued.certificate, "no key"});
  EXPECT_THAT(Open(), Refused("tls.key", "no private key"));
}

TEST_F(CertificateFilesTest, ACertificateThatIsNotValidYetIsNotTaken) {
  WriteOwn(authority_.Issue({.dns_name = "a.test"}));
  auto files = Open();
  ASSERT_THAT(files, IsOk());
  const auto before = (*files)->Current();
  WriteOwn(authority_.Issue({.dns_name = "a.test", .lasts = absl::Hours(48), .begins_in = absl::Hours(1)}));
  EXPECT_THAT((*files)->Reload(), Refused("tls.certificate", "not valid yet"));
  EXPECT_EQ((*files)->Current(), before);
  EXPECT_THAT(Open(), Refused("tls.certificate", "not valid yet"));
}

TEST_F(CertificateFilesTest, WhatOthersMayChangeIsNotBelieved) {
  WriteOwn(authority_.Issue({.dns_name = "a.test"}));
  for (const auto& [file, setting] :
       {std::pair("server.pem", "tls.certificate"), {"clients.pem", "tls.client_ca"}}) {
    for (const mode_t mode : {0666, 0660}) {
      ASSERT_EQ(chmod((temp_ / file).c_str(), mode), 0);
      EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                   testing::AllOf(HasSubstr(setting), HasSubstr("chmod go-w"))));
    }
    ASSERT_EQ(chmod((temp_ / file).c_str(), 0644), 0);
    EXPECT_THAT(Open(), IsOk());
  }
}

// The earlier look has long to read: so many authorities. The later one finds one.
TEST_F(CertificateFilesTest, ALookThatBeganEarlierDoesNotPutBackWhatALaterOneFound) {
  WriteOwn(authority_.Issue({.dns_name = "a.test"}));
  const std::string one = authority_.pem();
  std::string many;
  while (many.size() < (size_t{1} << 19)) many += one;
  auto files = Open();
  ASSERT_THAT(files, IsOk());
  for (int i = 1; i <= 30; ++i) {
    Write("clients.pem", many);
    std::thread earlier([&] { EXPECT_THAT((*files)->Reload(), IsOk()); });
    for (int j = 0; j < 50 * i; ++j) std::this_thread::yield();  // It has read the file by then, or has not.
    Write("clients.pem", one);
    EXPECT_THAT((*files)->Reload(), IsOk());
    earlier.join();
    ASSERT_EQ((*files)->Current()->client_ca, one) << i;
  }
}

TEST_F(CertificateFilesTest, WhoReadsTheMetricLearnsOfANewCertificateWithoutAHandshake) {
  WriteOwn(authority_.Issue({.dns_name = "a.test", .lasts = absl::Hours(1)}));
  auto opened = Open(absl::ZeroDuration());
  ASSERT_THAT(opened, IsOk());
  const std::shared_ptr<CertificateFiles> files = *std::move(opened);
  const CertificateMetrics metrics(files);
  const auto hours_left = [&] {
    const double end = metrics.Collect().at(0).metric.at(0).gauge.value;
    return (end - static_cast<double>(absl::ToUnixSeconds(absl::Now()))) / 3600;
  };
  EXPECT_NEAR(hours_left(), 1, 0.2);
  WriteOwn(authority_.Issue({.dns_name = "a.test", .lasts = absl::Hours(10)}));
  EXPECT_NEAR(hours_left(), 10, 0.2);
}

}  // namespace
}  // namespace mae
