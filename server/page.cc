#include "server/page.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr absl::string_view kTokenPrefix = "after:";

}  // namespace

absl::StatusOr<Page> ParsePage(int32_t page_size, const std::string& page_token, int64_t default_size,
                               int64_t max_size) {
  if (page_size < 0) {
    return InvalidField("page_size", absl::StrCat("is ", page_size, "; give 0 (the default, ", default_size,
                                                  ") or 1 to ", max_size));
  }
  Page page;
  page.size = page_size == 0 ? default_size : std::min<int64_t>(page_size, max_size);
  if (page_token.empty()) return page;
  std::string decoded;
  if (!absl::WebSafeBase64Unescape(page_token, &decoded) || !absl::StartsWith(decoded, kTokenPrefix)) {
    return InvalidField("page_token", "is not a next_page_token of this list; leave it empty to start over");
  }
  page.after = decoded.substr(kTokenPrefix.size());
  return page;
}

std::string NextPageToken(const std::string& last_key) {
  return absl::WebSafeBase64Escape(absl::StrCat(kTokenPrefix, last_key));
}

}  // namespace mae
