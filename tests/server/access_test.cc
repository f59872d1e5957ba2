// A whole server that asks who calls: tokens, certificates, limits, the log of changes and the metrics port.
#include "server/access.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/access_fixture.h"

namespace mae {
namespace {

using Answered = grpc::StatusCode;
using testing::HasSubstr;

class ServerAccessTest : public AccessTest {
 protected:
  // What audit.log has, a line each.
  std::vector<nlohmann::json> Audited() const {
    std::vector<nlohmann::json> lines;
    const std::string text = ReadFile(temp_ / "data/audit.log").value_or("");
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty()))
      lines.push_back(nlohmann::json::parse(std::string(line)));
    return lines;
  }
  // Lines are written as calls end, which is after their callers know.
  std::vector<nlohmann::json> AwaitAudited(size_t count) const {
    const absl::Time deadline = absl::Now() + absl::Minutes(1);
    while (Audited().size() < count && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
    return Audited();
  }
  int HttpCode(const std::string& path, const std::string& headers) const {
    int code = 0;
    HttpGet(path, &code, headers);
    return code;
  }
};

TEST_F(ServerAccessTest, OnLoopbackATokenIsAskedForWithoutTlsToo) {
  const std::string viewer = AddToken("ann", "viewer");
  StartServer(TokenSettings());
  EXPECT_EQ(CodeOfList(channel_, {}), Answered::UNAUTHENTICATED);
  EXPECT_EQ(CodeOfList(channel_, {viewer}), Answered::OK);
  EXPECT_EQ(CallRaw(channel_, "/mae.v1.JobService/CreateJob", {viewer}).status.error_code(),
            Answered::PERMISSION_DENIED);
  EXPECT_EQ(CallRaw(channel_, "/grpc.health.v1.Health/Check", {}).status.error_code(), Answered::OK);
  EXPECT_EQ(HttpCode("/metrics", absl::StrCat("Host: mae.example\r\nAuthorization: ", viewer, "\r\n")), 200)
      << "where a token is asked for, any name is taken";
  const std::string text = HttpGet("/metrics", nullptr, absl::StrCat("Authorization: ", viewer, "\r\n"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"PERMISSION_DENIED\",grpc_method="
                              "\"CreateJob\",grpc_service=\"mae.v1.JobService\"} 1"));
}

TEST_F(ServerAccessTest, TokensThatAreReadAgainCountAtOnceForConnectionsThatAreThere) {
  const std::string first = AddToken("ann", "viewer");
  StartServer(TokenSettings());
  EXPECT_EQ(CodeOfList(channel_, {first}), Answered::OK);
  const std::string second = AddToken("ann", "viewer");
  EXPECT_EQ(CodeOfList(channel_, {second}), Answered::UNAUTHENTICATED) << "not read yet";
  server_->Reload();
  EXPECT_EQ(CodeOfList(channel_, {first}), Answered::OK) << "both are good while one takes the other's place";
  EXPECT_EQ(CodeOfList(channel_, {second}), Answered::OK);
  WriteSecret("tokens.yaml", MakeToken("bob", "viewer", absl::InfiniteFuture())->entry);
  server_->Reload();
  EXPECT_EQ(CodeOfList(channel_, {first}), Answered::UNAUTHENTICATED);
}

TEST_F(ServerAccessTest, AFileThatCannotBeUsedLeavesTheTokensOfBefore) {
  const std::string token = AddToken("ann", "viewer");
  StartServer(TokenSettings());
  for (const char* text : {"", "- name: bob", "tokens"}) {
    WriteSecret("tokens.yaml", text);
    server_->Reload();
    EXPECT_EQ(CodeOfList(channel_, {token}), Answered::OK) << text;
    EXPECT_EQ(CodeOfList(channel_, {}), Answered::UNAUTHENTICATED) << text;
  }
  std::filesystem::remove(TokensPath());
  server_->Reload();
  EXPECT_EQ(CodeOfList(channel_, {token}), Answered::OK);
  EXPECT_EQ(CodeOfList(channel_, {}), Answered::UNAUTHENTICATED);
}

TEST_F(ServerAccessTest, AnEmptyListTakesTheLastTokenAway) {
  const std::string token = AddToken("ann", "viewer");
  StartServer(TokenSettings());
  EXPECT_EQ(CodeOfList(channel_, {token}), Answered::OK);
  WriteSecret("tokens.yaml", "[]\n");
  server_->Reload();
  EXPECT_EQ(CodeOfList(channel_, {token}), Answered::UNAUTHENTICATED);
  EXPECT_EQ(CodeOfList(channel_, {}), Answered::UNAUTHENTICATED) << "nobody, not everybody";
}

TEST_F(ServerAccessTest, WithoutTheTokensThatAreAskedForNoServerStarts) {
  const auto refused = [&](absl::StatusCode code) {
    const auto server = Server::Start(Config(TokenSettings()));
    EXPECT_THAT(server, StatusIs(code, HasSubstr("auth.tokens")));
  };
  refused(absl::StatusCode::kNotFound);
  WriteSecret("tokens.yaml", " \n");
  refused(absl::StatusCode::kFailedPrecondition);
  WriteSecret("tokens.yaml", "[]\n");
  refused(absl::StatusCode::kInvalidArgument);
  WriteSecret("tokens.yaml", "- name: ann\n");
  refused(absl::StatusCode::kInvalidArgument);
  AddToken("ann", "viewer");
  for (const mode_t mode : {0604, 0606, 0620, 0666, 0601}) {
    ASSERT_EQ(chmod(TokensPath().c_str(), mode), 0);
    refused(absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_FALSE(std::filesystem::exists(temp_ / "data"));
}

TEST_F(ServerAccessTest, TheMetricsPortAsksToo) {
  const std::string viewer = AddToken("ann", "viewer"), caller = AddToken("app", "inference");
  StartServer(TokenSettings());
  const auto bearer = [](const std::string& header) {
    return absl::StrCat("Authorization: ", header, "\r\n");
  };
  const auto basic = [](const std::string& token) {
    return absl::StrCat("Authorization: Basic ", absl::Base64Escape("anybody:" + token.substr(7)), "\r\n");
  };
  for (const char* path : {"/metrics", "/", "/api/jobs", "/api/models"}) {
    EXPECT_EQ(HttpCode(path, ""), 401) << path;
    EXPECT_EQ(HttpCode(path, bearer("Bearer mae_wrong")), 401) << path;
    EXPECT_EQ(HttpCode(path, bearer(viewer) + bearer(viewer)), 401) << path;
    EXPECT_EQ(HttpCode(path, bearer(caller)), 403) << path;
    EXPECT_EQ(HttpCode(path, bearer(viewer)), 200) << path;
    EXPECT_EQ(HttpCode(path, basic(viewer)), 200) << path << " as a browser asks";
  }
  for (const char* path : {"/healthz", "/readyz"}) EXPECT_EQ(HttpCode(path, ""), 200) << path;
  EXPECT_EQ(HttpCode("/nothing", ""), 401) << "nobody learns which pages there are";
}

TEST_F(ServerAccessTest, ANewCertificateIsUsedAndOneThatDoesNotFitIsNot) {
  const std::string token = AddToken("ann", "viewer");
  auto settings = TlsSettings(authority_.Issue({.dns_name = kHost}));
  settings.push_back(TokenSettings().front());
  StartServer(settings);
  const auto before = TlsChannel();
  EXPECT_EQ(CodeOfList(before, {token}), Answered::OK);

  WriteSecret("server.key", authority_.Issue({.dns_name = kHost}).key);
  server_->Reload();
  EXPECT_EQ(CodeOfList(TlsChannel(), {token}), Answered::OK) << "key and certificate of before";
  TlsSettings(authority_.Issue({.dns_name = kHost, .lasts = -absl::Hours(1)}));
  server_->Reload();
  EXPECT_EQ(CodeOfList(TlsChannel(), {token}), Answered::OK) << "a certificate that has expired";

  TlsSettings(authority_.Issue({.dns_name = "another.test"}));
  server_->Reload();
  EXPECT_EQ(CodeOfList(TlsChannel(), {token}), Answered::UNAVAILABLE) << "the new one is for another host";
  EXPECT_EQ(CodeOfList(before, {token}), Answered::OK) << "a connection outlives its certificate";
}

TEST_F(ServerAccessTest, TellsWhenItsCertificatesEnd) {
  auto settings = TlsSettings(authority_.Issue({.dns_name = kHost, .lasts = absl::Hours(10)}));
  StartServer(settings);
  const std::string text = HttpGet("/metrics");
  constexpr absl::string_view kSeries = "\nmae_certificate_expiry_timestamp_seconds{certificate=\"server\"} ";
  ASSERT_THAT(text, HasSubstr(std::string(kSeries)));
  const double end = std::stod(text.substr(text.find(std::string(kSeries)) + kSeries.size()));
  EXPECT_NEAR(end, absl::ToDoubleSeconds(absl::Now() + absl::Hours(10) - absl::UnixEpoch()), 600);
}

TEST_F(ServerAccessTest, ACertificateHasItsRoleByAnyOfItsNames) {
  WriteSecret("clients.pem", authority_.pem());
  auto settings = TlsSettings(authority_.Issue({.dns_name = kHost}));
  for (const char* more : {"auth.certificates.by-name=viewer", "auth.certificates.gate.example.com=viewer",
                           "auth.certificates.spiffe://home/app=viewer"})
    settings.push_back(more);
  settings.push_back(absl::StrCat("tls.client_ca=", (temp_ / "clients.pem").string()));
  StartServer(settings);
  for (const CertificateWish& wish :
       {CertificateWish{.common_name = "by-name"}, CertificateWish{.dns_name = "gate.example.com"},
        CertificateWish{.common_name = "x", .uri = "spiffe://home/app"}}) {
    const auto shown = authority_.Issue(wish);
    EXPECT_EQ(CodeOfList(TlsChannel(&shown), {}), Answered::OK) << wish.common_name;
  }
  const auto other = authority_.Issue({.common_name = "by-nam", .dns_name = "example.com"});
  EXPECT_EQ(CodeOfList(TlsChannel(&other), {}), Answered::UNAUTHENTICATED);
}

TEST_F(ServerAccessTest, ChangesAreWrittenDownWithWhoMadeThem) {
  const std::string chief = AddToken("chief", "operator"), viewer = AddToken("ann", "viewer");
  StartServer(TokenSettings());
  const auto as = [&](const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->AddMetadata("authorization", token);
    context->AddMetadata("x-request-id", "request-7");
    return context;
  };
  v1::Job job;
  ASSERT_TRUE(jobs_->CreateJob(as(chief).get(), Request(), &job).ok());
  v1::StopJobRequest stop;
  stop.set_name("jobs/none");
  EXPECT_EQ(jobs_->StopJob(as(chief).get(), stop, &job).error_code(), Answered::NOT_FOUND);
  EXPECT_EQ(jobs_->StopJob(as(viewer).get(), stop, &job).error_code(), Answered::PERMISSION_DENIED);
  EXPECT_EQ(CodeOfList(channel_, {viewer}), Answered::OK);
  const auto lines = AwaitAudited(2);
  ASSERT_EQ(lines.size(), 2U) << "reading, and what was refused, is no change";
  EXPECT_EQ(lines[0]["identity"], "chief");
  EXPECT_EQ(lines[0]["role"], "operator");
  EXPECT_EQ(lines[0]["method"], "mae.v1.JobService/CreateJob");
  EXPECT_THAT(lines[0]["resource"].get<std::string>(), testing::StartsWith("jobs/"));
  EXPECT_EQ(lines[0]["code"], "OK");
  EXPECT_EQ(lines[0]["request_id"], "request-7");
  EXPECT_THAT(lines[0]["peer"].get<std::string>(), HasSubstr("127.0.0.1"));
  EXPECT_EQ(lines[1]["method"], "mae.v1.JobService/StopJob");
  EXPECT_EQ(lines[1]["resource"], "jobs/none");
  EXPECT_EQ(lines[1]["code"], "NOT_FOUND");
  struct stat facts = {};
  ASSERT_EQ(stat((temp_ / "data/audit.log").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600);
}

TEST_F(ServerAccessTest, WhereNobodyIsAskedChangesAreWrittenDownAllTheSame) {
  StartServer();
  const std::string name = MustCreate().name();
  const auto lines = AwaitAudited(1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["identity"], "anonymous");
  EXPECT_EQ(lines[0]["resource"], name);
}

TEST_F(ServerAccessTest, OneCallerMayMakeSoManyCallsASecondAndLeavesOthersTheirs) {
  const std::string ann = AddToken("ann", "viewer"), bob = AddToken("bob", "viewer");
  auto settings = TokenSettings();
  settings.push_back("auth.max_calls_per_second=1");
  StartServer(settings);
  Answered last = Answered::OK;
  const absl::Time deadline = absl::Now() + absl::Minutes(1);
  while (last == Answered::OK && absl::Now() < deadline) last = CodeOfList(channel_, {ann});
  EXPECT_EQ(last, Answered::RESOURCE_EXHAUSTED);
  EXPECT_EQ(CodeOfList(channel_, {bob}), Answered::OK);
  EXPECT_EQ(CallRaw(channel_, "/grpc.health.v1.Health/Check", {}).status.error_code(), Answered::OK);
}

TEST_F(ServerAccessTest, OneCallerMayHaveSoManyCallsUnderWay) {
  const std::string ann = AddToken("ann", "operator"), bob = AddToken("bob", "viewer");
  auto settings = TokenSettings();
  settings.push_back("auth.max_concurrent_calls=1");
  StartServer(settings);
  const auto as_ann = [&] {
    auto context = std::make_unique<grpc::ClientContext>();
    context->AddMetadata("authorization", ann);
    return context;
  };
  v1::Job job;
  ASSERT_TRUE(jobs_->CreateJob(as_ann().get(), Request(), &job).ok());
  v1::WatchJobRequest watch;
  watch.set_name(job.name());
  const absl::Time deadline = absl::Now() + absl::Minutes(1);
  std::unique_ptr<grpc::ClientContext> held;
  std::unique_ptr<grpc::ClientReader<v1::JobEvent>> reader;
  const auto begins = [&] {
    reader = nullptr;
    held = as_ann();
    reader = jobs_->WatchJob(held.get(), watch);
    v1::JobEvent event;
    if (reader->Read(&event)) return true;
    reader->Finish();
    return false;
  };
  while (!begins()) ASSERT_LT(absl::Now(), deadline);  // The call before may still be winding down.
  const auto refused = CallRaw(channel_, "/mae.v1.JobService/ListJobs", {ann}).status;
  EXPECT_EQ(refused.error_code(), Answered::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("auth.max_concurrent_calls"));
  EXPECT_EQ(CodeOfList(channel_, {bob}), Answered::OK);
  held->TryCancel();
  reader->Finish();
  while (CodeOfList(channel_, {ann}) != Answered::OK) ASSERT_LT(absl::Now(), deadline);
}

}  // namespace
}  // namespace mae
