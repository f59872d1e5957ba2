#include "server/token_table.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "serving/model_name.h"

namespace mae {
namespace {

constexpr size_t kHashDigits = 64, kMaxTokenBytes = 512;
constexpr int kRandomBytes = 32;

absl::Status FaultyKey(absl::string_view key, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(key, ": ", what));
}

absl::Status SetTokenRole(const std::string& text, TokenEntry& entry) {
  const auto role = RoleNamed(text);
  if (!role)
    return FaultyKey("role", absl::StrCat("'", text, "'; give viewer, inference, operator or admin"));
  entry.caller.role = *role;
  return absl::OkStatus();
}

absl::Status SetTokenHash(const std::string& text, TokenEntry& entry) {
  if (text.size() != kHashDigits || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    return FaultyKey("sha256", "give 64 hex digits in lower case, as `mae_server make-token` prints them");
  entry.sha256 = text;
  return absl::OkStatus();
}

absl::Status SetTokenExpiry(const std::string& text, TokenEntry& entry) {
  std::string reason;
  if (absl::ParseTime(absl::RFC3339_full, text, &entry.expires, &reason)) return absl::OkStatus();
  return FaultyKey("expires", absl::StrCat("'", text, "'; give a time as 2026-12-31T00:00:00Z"));
}

absl::Status SetTokenKey(const std::string& key, const std::string& value, TokenEntry& entry) {
  if (key == "role") return SetTokenRole(value, entry);
  if (key == "sha256") return SetTokenHash(value, entry);
  if (key == "expires") return SetTokenExpiry(value, entry);
  if (key != "name") return FaultyKey(key, "is unknown: use name, role, sha256 and expires");
  entry.caller.identity = value;
  return CheckName("name", value);
}

absl::StatusOr<TokenEntry> TokenEntryFrom(const YAML::Node& node) {
  if (!node.IsMap()) return absl::InvalidArgumentError("give an entry with name, role and sha256");
  TokenEntry entry;
  std::set<std::string> seen;
  for (const auto& pair : node) {
    const auto key = pair.first.as<std::string>();
    if (!seen.insert(key).second) return FaultyKey(key, "is there twice");
    MAE_RETURN_IF_ERROR(SetTokenKey(key, pair.second.as<std::string>(), entry));
  }
  for (const char* needed : {"name", "role", "sha256"}) {
    if (!seen.contains(needed)) return FaultyKey(needed, "is missing");
  }
  return entry;
}

// What no entry shows by itself.
class Neighbours {
 public:
  absl::Status Check(const TokenEntry& entry) {
    const auto [role, is_new] = roles_.emplace(entry.caller.identity, entry.caller.role);
    if (!is_new && role->second != entry.caller.role)
      return FaultyKey("role", absl::StrCat("'", entry.caller.identity, "' has another in an entry before"));
    if (!hashes_.insert(entry.sha256).second) return FaultyKey("sha256", "is that of an entry before");
    if (hashes_.size() <= TokenTable::kMostTokens) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("at most ", TokenTable::kMostTokens, " are taken"));
  }

 private:
  std::map<std::string, Role> roles_;
  std::set<std::string> hashes_;
};

absl::StatusOr<std::vector<TokenEntry>> TokenEntriesFrom(const YAML::Node& root) {
  if (!root.IsSequence())
    return absl::InvalidArgumentError("give a list with an entry for each token, or [] for none");
  std::vector<TokenEntry> entries;
  Neighbours neighbours;
  for (const YAML::Node& node : root) {
    auto entry = TokenEntryFrom(node);
    const absl::Status fits = entry.ok() ? neighbours.Check(*entry) : entry.status();
    if (!fits.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("entry at line ", node.Mark().line + 1, ": ", std::string(fits.message())));
    }
    entries.push_back(*std::move(entry));
  }
  return entries;
}

}  // namespace

absl::StatusOr<TokenTable> TokenTable::Parse(const std::string& yaml, const std::string& source) {
  try {
    auto entries = TokenEntriesFrom(YAML::Load(yaml));
    if (!entries.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(source, ": ", std::string(entries.status().message())));
    }
    TokenTable table;
    table.entries_ = *std::move(entries);
    return table;
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": ", error.what()));
  }
}

std::optional<Caller> TokenTable::Find(std::string_view token, absl::Time now) const {
  if (token.empty() || token.size() > kMaxTokenBytes) return std::nullopt;
  const std::string hash = Sha256Hex(token);
  const TokenEntry* found = nullptr;
  for (const TokenEntry& entry : entries_) {
    const bool is_same = CRYPTO_memcmp(entry.sha256.data(), hash.data(), kHashDigits) == 0;
    found = is_same ? &entry : found;
  }
  if (found == nullptr || now >= found->expires) return std::nullopt;
  return found->caller;
}

absl::StatusOr<FreshToken> MakeToken(const std::string& name, const std::string& role, absl::Time expires) {
  TokenEntry checked;
  MAE_RETURN_IF_ERROR(SetTokenKey("name", name, checked));
  MAE_RETURN_IF_ERROR(SetTokenKey("role", role, checked));
  std::string random(kRandomBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), kRandomBytes) != 1)
    return absl::InternalError("this machine has no random numbers to give");
  FreshToken fresh;
  fresh.token = absl::StrCat("mae_", absl::WebSafeBase64Escape(random));
  fresh.entry =
      absl::StrCat("- name: ", name, "\n  role: ", role, "\n  sha256: ", Sha256Hex(fresh.token), "\n");
  if (expires != absl::InfiniteFuture()) {
    absl::StrAppend(&fresh.entry,
                    "  expires: ", absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", expires, absl::UTCTimeZone()),
                    "\n");
  }
  return fresh;
}

}  // namespace mae
