// Who may call what, tried: every RPC of the running server by every kind of caller, over TLS.
#include "server/rpc_roles.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <cstdlib>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/access_fixture.h"

namespace mae {
namespace {

using Answered = grpc::StatusCode;

constexpr char kReflect[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
constexpr char kHealth[] = "grpc.health.v1.Health";                // is served, but not described
constexpr int kFileContainingSymbol = 4, kListServices = 7;        // fields of a ServerReflectionRequest
constexpr int kFileDescriptorResponse = 4, kServicesResponse = 6;  // and of the response

// The messages of the reflection service are in no package: they are read as fields by number.
std::vector<std::string> FieldsOf(const std::string& bytes, int number) {
  google::protobuf::Empty message;
  std::vector<std::string> found;
  if (!message.ParseFromString(bytes)) return found;
  const auto& fields = message.GetReflection()->GetUnknownFields(message);
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    if (field.number() == number && field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      found.push_back(field.length_delimited());
  }
  return found;
}

std::string RequestWith(int number, const std::string& text) {
  google::protobuf::Empty message;
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(number, text);
  return message.SerializeAsString();
}

class RpcRolesTest : public AccessTest {
 protected:
  struct Asking {
    std::string who;
    std::optional<Role> role;  ///< nothing: nobody that the server knows
    std::shared_ptr<grpc::Channel> channel;
    std::vector<std::string> authorizations;
  };

  void SetUp() override {
    for (const Role role : kAllRoles) {
      const std::string name(RoleName(role));
      tokens_[role] = AddToken("token-" + name, name);
      certificates_[role] = authority_.Issue({.common_name = "certificate-" + name});
      settings_.push_back(absl::StrCat("auth.certificates.certificate-", name, "=", name));
    }
    expired_ = AddToken("expired", "admin", absl::Now() - absl::Hours(1));
    WriteSecret("clients.pem", authority_.pem());
    for (const auto& more : {TokenSettings(), TlsSettings(authority_.Issue({.dns_name = kHost}))})
      settings_.insert(settings_.end(), more.begin(), more.end());
    settings_.push_back(absl::StrCat("tls.client_ca=", (temp_ / "clients.pem").string()));
    StartServer(settings_);
  }

  std::vector<Asking> Everybody() const {
    const auto plain = TlsChannel();
    const auto stranger = authority_.Issue({.common_name = "stranger"});
    std::vector<Asking> all = {
        {"no token", std::nullopt, plain, {}},
        {"a token that is none", std::nullopt, plain, {"Bearer mae_0123456789"}},
        {"an empty token", std::nullopt, plain, {"Bearer "}},
        {"another scheme", std::nullopt, plain, {"Basic " + tokens_.at(Role::kAdmin).substr(7)}},
        {"an expired token", std::nullopt, plain, {expired_}},
        {"two tokens", std::nullopt, plain, {tokens_.at(Role::kAdmin), tokens_.at(Role::kAdmin)}},
        {"a certificate without a role", std::nullopt, TlsChannel(&stranger), {}},
        {"a bad token beside an admin's certificate",
         std::nullopt,
         TlsChannel(&certificates_.at(Role::kAdmin)),
         {"Bearer mae_0123456789"}}};
    for (const Role role : kAllRoles) {
      all.push_back(
          {absl::StrCat("token of ", std::string(RoleName(role))), role, plain, {tokens_.at(role)}});
      all.push_back({absl::StrCat("certificate of ", std::string(RoleName(role))),
                     role,
                     TlsChannel(&certificates_.at(role)),
                     {}});
    }
    return all;
  }

  std::vector<std::string> MethodsOf(const std::string& service) const {
    const auto answer = Reflect(RequestWith(kFileContainingSymbol, service));
    std::vector<std::string> paths;
    for (const std::string& files : FieldsOf(answer, kFileDescriptorResponse)) {
      for (const std::string& bytes : FieldsOf(files, 1)) {
        google::protobuf::FileDescriptorProto file;
        EXPECT_TRUE(file.ParseFromString(bytes));
        for (const auto& described : file.service()) {
          if (absl::StrCat(file.package(), ".", described.name()) != service) continue;
          for (const auto& method : described.method())
            paths.push_back(absl::StrCat("/", service, "/", method.name()));
        }
      }
    }
    return paths;
  }

  // Every method that the server says it has.
  std::set<std::string> AllMethods() const {
    std::set<std::string> paths = {absl::StrCat("/", kHealth, "/Check"),
                                   absl::StrCat("/", kHealth, "/Watch")};
    for (const std::string& services : FieldsOf(Reflect(RequestWith(kListServices, "")), kServicesResponse)) {
      for (const std::string& service : FieldsOf(services, 1)) {
        const std::string name = FieldsOf(service, 1).at(0);
        const auto methods = MethodsOf(name);
        EXPECT_TRUE(name == kHealth || !methods.empty()) << name;
        paths.insert(methods.begin(), methods.end());
      }
    }
    return paths;
  }

  std::string Reflect(const std::string& request) const {
    return CallRaw(TlsChannel(), kReflect, {tokens_.at(Role::kViewer)}, request).bytes;
  }

  std::map<Role, std::string> tokens_;
  std::map<Role, IssuedCertificate> certificates_;
  std::string expired_;
  std::vector<std::string> settings_;
};

Answered Expected(const RpcRule& rule, const std::optional<Role>& role) {
  if (rule.is_open) return Answered::OK;
  if (!role) return Answered::UNAUTHENTICATED;
  return rule.roles.Has(*role) ? Answered::OK : Answered::PERMISSION_DENIED;
}

// Of the protocol, and not done here.
const std::set<std::string_view> kNotDone = {"/inference.GRPCInferenceService/SystemSharedMemoryStatus",
                                             "/inference.GRPCInferenceService/SystemSharedMemoryRegister",
                                             "/inference.GRPCInferenceService/SystemSharedMemoryUnregister",
                                             "/inference.GRPCInferenceService/CudaSharedMemoryStatus",
                                             "/inference.GRPCInferenceService/CudaSharedMemoryRegister",
                                             "/inference.GRPCInferenceService/CudaSharedMemoryUnregister",
                                             "/inference.GRPCInferenceService/TraceSetting",
                                             "/inference.GRPCInferenceService/LogSettings"};

// OK for what the service itself says to an empty request; a code that it has no reason for stays what it is.
Answered LetIn(std::string_view path, const grpc::Status& status) {
  switch (status.error_code()) {
    case Answered::INVALID_ARGUMENT:
    case Answered::NOT_FOUND:
    case Answered::FAILED_PRECONDITION:
      return Answered::OK;
    case Answered::UNIMPLEMENTED:
      return kNotDone.contains(path) ? Answered::OK : status.error_code();
    default:
      return status.error_code();
  }
}

TEST_F(RpcRolesTest, EveryMethodOfTheServerIsInTheTableAndTheTableHasNoOther) {
  const std::set<std::string> methods = AllMethods();
  EXPECT_GT(methods.size(), 40U);
  for (const std::string& path : methods) EXPECT_NE(FindRpcRule(path), nullptr) << path << " has no role";
  for (const RpcRule& rule : RpcRules())
    EXPECT_TRUE(methods.contains(std::string(rule.path))) << rule.path << " is no method";
}

// docs/security.md has what this prints.
TEST_F(RpcRolesTest, EveryMethodIsOpenToItsRolesAndToNobodyElse) {
  std::map<std::string, std::map<std::string, bool>> seen;  // path, column
  for (const Asking& asking : Everybody()) {
    const std::string column = asking.role ? std::string(RoleName(*asking.role)) : "anybody";
    for (const RpcRule& rule : RpcRules()) {
      const std::string path(rule.path);
      const Answered answered = LetIn(path, CallRaw(asking.channel, path, asking.authorizations).status);
      EXPECT_EQ(answered, Expected(rule, asking.role)) << path << " by " << asking.who;
      const bool let_in = answered == Answered::OK;
      EXPECT_EQ(seen[path].emplace(column, let_in).first->second, let_in) << path << " by " << asking.who;
    }
  }
  std::string table =
      "| RPC | anybody | viewer | inference | operator | admin |\n|---|---|---|---|---|---|\n";
  for (const RpcRule& rule : RpcRules()) {
    const std::string path(rule.path);
    absl::StrAppend(&table, "| `", path.substr(1), "` |");
    for (const char* column : {"anybody", "viewer", "inference", "operator", "admin"})
      absl::StrAppend(&table, seen[path][column] ? " yes |" : " – |");
    absl::StrAppend(&table, "\n");
  }
  const char* const root = std::getenv("MAE_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "run it by ctest";
  const auto page = ReadFile(std::filesystem::path(root) / "docs/security.md");
  ASSERT_THAT(page, IsOk());
  EXPECT_TRUE(absl::StrContains(*page, table)) << "docs/security.md is to have this table:\n" << table;
}

TEST_F(RpcRolesTest, APathThatIsInNoTableIsRefused) {
  const auto channel = TlsChannel();
  const std::string admin = tokens_.at(Role::kAdmin);
  for (const char* path : {"/mae.v1.JobService/Nothing", "/nothing", "/", "/mae.v1.JobService/GetJob/",
                           "/mae.v1.jobservice/GetJob", "/grpc.health.v1.Health/List"}) {
    EXPECT_EQ(CallRaw(channel, path, {}).status.error_code(), Answered::UNAUTHENTICATED) << path;
    EXPECT_EQ(CallRaw(channel, path, {admin}).status.error_code(), Answered::UNIMPLEMENTED) << path;
  }
}

TEST_F(RpcRolesTest, ACertificateOfAnotherAuthorityGetsNoConnection) {
  const TestAuthority other;
  const auto stranger = other.Issue({.common_name = "certificate-admin"});
  EXPECT_EQ(CodeOfList(TlsChannel(&stranger), {}), Answered::UNAVAILABLE);
  EXPECT_EQ(CodeOfList(TlsChannel(&stranger), {tokens_.at(Role::kAdmin)}), Answered::UNAVAILABLE);
  const auto expired = authority_.Issue({.common_name = "certificate-admin", .lasts = -absl::Hours(1)});
  EXPECT_EQ(CodeOfList(TlsChannel(&expired), {}), Answered::UNAVAILABLE);
}

TEST_F(RpcRolesTest, WhoIsRefusedLearnsNoReasonAndWhoLacksARoleLearnsWhich) {
  std::set<std::string> words;
  for (const Asking& asking : Everybody()) {
    const auto status = CallRaw(asking.channel, "/mae.v1.JobService/CreateJob", asking.authorizations).status;
    if (!asking.role) words.insert(status.error_message());
    if (asking.role != Role::kViewer) continue;
    EXPECT_THAT(status.error_message(), testing::HasSubstr("operator or admin"));
    EXPECT_THAT(status.error_message(), testing::HasSubstr("viewer"));
  }
  EXPECT_EQ(words.size(), 1U) << "the same for whatever is not right";
}

}  // namespace
}  // namespace mae
