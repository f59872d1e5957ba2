#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Single tensor names of Hugging Face transformers against those of the public MAE code ("official"). A part
/// of `qkv`, which transformers keeps in three, carries its number: "blocks.0.attn.qkv.1.weight" is the
/// key's. Pure.
namespace mae {

/// Which of its spellings transformers wrote; the first that is written here is the default.
struct NameSpelling {
  bool vit_prefix = true;           ///< "vit." in front of the encoder's names
  std::string_view encoder_blocks;  ///< empty: "encoder.layer."
  std::string_view decoder_blocks;  ///< empty: "decoder.decoder_layers."
  bool attention_of_5 = false;      ///< "attention.q_proj." for "attention.attention.query."
};

/// Nothing for a name that no model of transformers known here has.
std::optional<std::string> OfficialNameOf(std::string_view theirs);
/// Nothing for a name that transformers has no place for (fc_norm).
std::optional<std::string> HuggingFaceNameOf(std::string_view official, const NameSpelling& spelling = {});
/// "blocks." or "decoder_blocks." as transformers spells it.
std::string HuggingFaceBlocks(std::string_view official, const NameSpelling& spelling);

/// As the names show it.
NameSpelling SpellingOf(const std::vector<std::string>& theirs);

/// "blocks.0.attn.qkv.1.bias" becomes "blocks.0.attn.qkv.bias", part 1. False: no part of qkv.
bool TakeQkvPart(std::string& official, size_t& part);
/// The reverse; `official` as it is if it is no qkv.
std::string WithQkvPart(const std::string& official, size_t part);
bool IsQkv(std::string_view official);

}  // namespace mae
