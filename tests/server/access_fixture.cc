#include "tests/server/access_fixture.h"

#include <grpcpp/generic/generic_stub.h>
#include <sys/stat.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "server/token_table.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

constexpr char kListJobs[] = "/mae.v1.JobService/ListJobs";

// Waits for the one operation under way; whether it was done.
bool Done(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices)
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

}  // namespace

RawAnswer CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                  const std::vector<std::string>& authorizations, const std::string& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  for (const std::string& header : authorizations) context.AddMetadata("authorization", header);
  grpc::CompletionQueue queue;
  const auto call = grpc::GenericStub(channel).PrepareCall(&context, path, &queue);
  const grpc::Slice slice(request);
  grpc::ByteBuffer sent(&slice, 1), got;
  RawAnswer answer;
  call->StartCall(nullptr);
  bool goes_on = Done(queue);
  if (goes_on) {
    call->WriteLast(sent, {}, nullptr);
    goes_on = Done(queue);
  }
  call->Read(&got, nullptr);
  const bool has_answer = Done(queue);
  if (has_answer) {
    answer.bytes = TextOf(got);
    context.TryCancel();  // A watch has no end of its own.
  }
  call->Finish(&answer.status, nullptr);
  Done(queue);
  if (has_answer) answer.status = grpc::Status::OK;
  return answer;
}

void AccessTest::WriteSecret(const std::string& name, const std::string& text) const {
  ASSERT_THAT(WriteFileDurably(temp_ / name, text), IsOk());
  ASSERT_EQ(chmod((temp_ / name).c_str(), 0600), 0);
}

std::string AccessTest::AddToken(const std::string& name, const std::string& role, absl::Time expires) {
  const auto made = MakeToken(name, role, expires);
  EXPECT_THAT(made, IsOk());
  if (!made.ok()) return "";
  tokens_ += made->entry;
  WriteSecret("tokens.yaml", tokens_);
  return absl::StrCat("Bearer ", made->token);
}

std::vector<std::string> AccessTest::TokenSettings() const {
  return {absl::StrCat("auth.tokens=", TokensPath())};
}

std::vector<std::string> AccessTest::TlsSettings(const IssuedCertificate& issued) const {
  WriteSecret("server.pem", issued.certificate);
  WriteSecret("server.key", issued.key);
  return {absl::StrCat("tls.certificate=", (temp_ / "server.pem").string()),
          absl::StrCat("tls.key=", (temp_ / "server.key").string())};
}

std::shared_ptr<grpc::Channel> AccessTest::TlsChannel(const IssuedCertificate* shown) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = authority_.pem();
  if (shown != nullptr) {
    options.pem_cert_chain = shown->certificate;
    options.pem_private_key = shown->key;
  }
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(kHost);
  // Each makes a connection, and so a handshake, of its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(server_->address(), grpc::SslCredentials(options), arguments);
}

grpc::StatusCode AccessTest::CodeOfList(const std::shared_ptr<grpc::Channel>& channel,
                                        const std::vector<std::string>& authorizations) {
  return CallRaw(channel, kListJobs, authorizations).status.error_code();
}

}  // namespace mae
