#include "interop/name_rules.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mae {
namespace {

struct Renaming {
  std::string_view theirs, ours;
};

constexpr std::string_view kVit = "vit.";
constexpr std::string_view kQkv = ".attn.qkv.";

// Outside of blocks; a name that ends with a dot stands for .weight and .bias. Without "vit.".
constexpr Renaming kOutside[] = {{"embeddings.cls_token", "cls_token"},
                                 {"embeddings.position_embeddings", "pos_embed"},
                                 {"embeddings.patch_embeddings.projection.", "patch_embed.proj."},
                                 {"layernorm.", "norm."},
                                 {"decoder.mask_token", "mask_token"},
                                 {"decoder.decoder_pos_embed", "decoder_pos_embed"},
                                 {"decoder.decoder_embed.", "decoder_embed."},
                                 {"decoder.decoder_norm.", "decoder_norm."},
                                 {"decoder.decoder_pred.", "decoder_pred."},
                                 {"classifier.", "head."}};
// The first of each kind is what is written.
constexpr Renaming kStacks[] = {{"encoder.layer.", "blocks."},
                                {"layers.", "blocks."},
                                {"decoder.decoder_layers.", "decoder_blocks."},
                                {"decoder.decoder_encoder.layer.", "decoder_blocks."}};
// In a block: of 4.x and of files, and what 5.x has for them in memory. Parts of qkv carry their number.
constexpr Renaming kInside[] = {{"layernorm_before.", "norm1."},
                                {"attention.attention.query.", "attn.qkv.0."},
                                {"attention.attention.key.", "attn.qkv.1."},
                                {"attention.attention.value.", "attn.qkv.2."},
                                {"attention.output.dense.", "attn.proj."},
                                {"layernorm_after.", "norm2."},
                                {"intermediate.dense.", "mlp.fc1."},
                                {"output.dense.", "mlp.fc2."}};
constexpr Renaming kInsideOf5[] = {{"attention.q_proj.", "attn.qkv.0."},
                                   {"attention.k_proj.", "attn.qkv.1."},
                                   {"attention.v_proj.", "attn.qkv.2."},
                                   {"attention.o_proj.", "attn.proj."},
                                   {"mlp.fc1.", "mlp.fc1."},
                                   {"mlp.fc2.", "mlp.fc2."}};

// `name` with the prefix `from` of a rule as its `to`.
template <size_t N>
std::optional<std::string> Renamed(std::string_view name, const Renaming (&rules)[N],
                                   std::string_view Renaming::*from, std::string_view Renaming::*to) {
  for (const auto& rule : rules) {
    const std::string_view prefix = rule.*from;
    const bool whole = prefix.ends_with('.') ? name.starts_with(prefix) : name == prefix;
    if (whole) return std::string(rule.*to) + std::string(name.substr(prefix.size()));
  }
  return std::nullopt;
}

std::string_view WithoutVit(std::string_view theirs) {
  if (theirs.starts_with(kVit)) theirs.remove_prefix(kVit.size());
  return theirs;
}

// "3.norm1.weight" is block 3 and "norm1.weight".
bool SplitBlock(std::string_view name, std::string_view stack, std::string_view& number,
                std::string_view& inner) {
  if (!name.starts_with(stack)) return false;
  name.remove_prefix(stack.size());
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return false;
  number = name.substr(0, dot + 1), inner = name.substr(dot + 1);
  return true;
}

std::optional<std::string> OfficialInBlock(std::string_view theirs) {
  std::string_view number, inner;
  for (const auto& stack : kStacks) {
    if (!SplitBlock(theirs, stack.theirs, number, inner)) continue;
    auto name = Renamed(inner, kInside, &Renaming::theirs, &Renaming::ours);
    if (!name) name = Renamed(inner, kInsideOf5, &Renaming::theirs, &Renaming::ours);
    if (name) return absl::StrCat(std::string(stack.ours), std::string(number), *name);
  }
  return std::nullopt;
}

std::optional<std::string> TheirsInside(std::string_view inner, const NameSpelling& spelling) {
  if (spelling.attention_of_5) {
    if (auto name = Renamed(inner, kInsideOf5, &Renaming::ours, &Renaming::theirs)) return name;
  }
  return Renamed(inner, kInside, &Renaming::ours, &Renaming::theirs);
}

std::string WithVit(const std::string& theirs, const NameSpelling& spelling) {
  const bool bare = theirs.starts_with("decoder.") || theirs.starts_with("classifier.");
  return bare || !spelling.vit_prefix ? theirs : absl::StrCat(std::string(kVit), theirs);
}

// The spelling of a stack among the names; empty: as it is written here.
std::string_view StackIn(const std::vector<std::string>& theirs, std::string_view official) {
  for (const auto& stack : kStacks) {
    const bool found =
        stack.ours == official && std::any_of(theirs.begin(), theirs.end(), [&](const std::string& name) {
          return WithoutVit(name).starts_with(stack.theirs);
        });
    if (found) return stack.theirs;
  }
  return {};
}

}  // namespace

std::optional<std::string> OfficialNameOf(std::string_view theirs) {
  theirs = WithoutVit(theirs);
  const auto outside = Renamed(theirs, kOutside, &Renaming::theirs, &Renaming::ours);
  return outside ? outside : OfficialInBlock(theirs);
}

std::optional<std::string> HuggingFaceNameOf(std::string_view official, const NameSpelling& spelling) {
  if (const auto outside = Renamed(official, kOutside, &Renaming::ours, &Renaming::theirs)) {
    return WithVit(*outside, spelling);
  }
  for (const std::string_view stack : {"blocks.", "decoder_blocks."}) {
    std::string_view number, inner;
    if (!SplitBlock(official, stack, number, inner)) continue;
    const auto name = TheirsInside(inner, spelling);
    if (name) return absl::StrCat(HuggingFaceBlocks(stack, spelling), std::string(number), *name);
  }
  return std::nullopt;
}

std::string HuggingFaceBlocks(std::string_view official, const NameSpelling& spelling) {
  const bool decoder = official.starts_with("decoder_");
  const std::string_view asked = decoder ? spelling.decoder_blocks : spelling.encoder_blocks;
  const std::string_view written = decoder ? kStacks[2].theirs : kStacks[0].theirs;
  return WithVit(std::string(asked.empty() ? written : asked), spelling);
}

NameSpelling SpellingOf(const std::vector<std::string>& theirs) {
  const auto any = [&](auto holds) { return std::any_of(theirs.begin(), theirs.end(), holds); };
  NameSpelling spelling;
  spelling.vit_prefix = any([](const std::string& name) { return name.starts_with(kVit); });
  spelling.encoder_blocks = StackIn(theirs, "blocks.");
  spelling.decoder_blocks = StackIn(theirs, "decoder_blocks.");
  spelling.attention_of_5 = any([](const std::string& name) {
    return absl::StrContains(name, ".attention.q_proj.") || absl::StrContains(name, ".attention.o_proj.");
  });
  return spelling;
}

bool TakeQkvPart(std::string& official, size_t& part) {
  const auto at = official.find(kQkv);
  if (at == std::string::npos || at + kQkv.size() + 1 >= official.size()) return false;
  const size_t digit = at + kQkv.size();
  if (official[digit] < '0' || official[digit] > '2' || official[digit + 1] != '.') return false;
  part = static_cast<size_t>(official[digit] - '0');
  official.erase(digit, 2);
  return true;
}

std::string WithQkvPart(const std::string& official, size_t part) {
  const auto at = official.find(kQkv);
  if (at == std::string::npos) return official;
  std::string third = official;
  return third.insert(at + kQkv.size(), absl::StrCat(part, "."));
}

bool IsQkv(std::string_view official) { return official.find(kQkv) != std::string_view::npos; }

}  // namespace mae
