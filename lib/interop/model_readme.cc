#include "interop/model_readme.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace mae {
namespace {

// On one line, with nothing that Markdown or YAML would read as more than text.
std::string Plain(absl::string_view text) {
  std::string plain;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) {
      plain += ' ';
      continue;
    }
    if (absl::string_view("\\`*_[]<>|#").find(c) != absl::string_view::npos) plain += '\\';
    plain += c;
  }
  return plain;
}

std::string OrNone(absl::string_view text, absl::string_view none) {
  return text.empty() ? std::string(none) : Plain(text);
}

std::string FrontMatter(ExportFormat format, const ModelConfig& config) {
  const char* library = format == ExportFormat::kHuggingFace ? "transformers"
                        : format == ExportFormat::kTimm      ? "timm"
                                                             : "pytorch";
  const auto* classifier = std::get_if<VisionTransformerOptions>(&config.model);
  const bool classifies = classifier != nullptr && classifier->num_classes > 0;
  return absl::StrCat("---\nlibrary_name: ", library,
                      "\npipeline_tag: ", classifies ? "image-classification" : "image-feature-extraction",
                      "\nlicense: other\ntags:\n- vision\n- masked-autoencoder\n---\n\n");
}

std::string Architecture(const ModelConfig& config) {
  const auto& e = config.encoder();
  std::string text = absl::StrFormat(
      "Images of %dx%d pixels and %d channels in patches of %d; encoder %d wide, %d deep, %d heads; "
      "LayerNorm "
      "epsilon %g.",
      e.image_height, e.image_width, e.channels, e.patch_size, e.embed_dim, e.depth, e.num_heads,
      e.layer_norm_eps);
  if (const auto* mae = std::get_if<MaskedAutoencoderOptions>(&config.model)) {
    absl::StrAppend(&text, " Decoder ", mae->decoder.embed_dim, " wide, ", mae->decoder.depth, " deep, ",
                    mae->decoder.num_heads, " heads; mask ratio ", mae->mask_ratio, "; predicts ",
                    mae->norm_pix_loss ? "patches normalised by their own mean and variance." : "pixels.");
    return text;
  }
  const auto& classifier = std::get<VisionTransformerOptions>(config.model);
  return absl::StrCat(
      text, " ", classifier.num_classes, " classes over ",
      classifier.pooling == Pooling::kMean ? "the mean of the patch tokens." : "the class token.");
}

std::string Provenance(const ModelConfig& config, const ModelStory& story) {
  const ModelCard& card = story.card;
  return absl::StrCat("| | |\n| --- | --- |\n| model | ", Plain(story.name), " |\n| made | ",
                      Plain(story.made), " |\n| recipe | ", OrNone(card.recipe, "-"), " |\n| dataset | ",
                      OrNone(card.dataset, "-"), " |\n| job | ", OrNone(card.job, "-"), " |\n| parent | ",
                      OrNone(card.parent, "none"), " |\n| source | ", OrNone(card.source, "trained here"),
                      " |\n| parameters | ", card.parameters, " |\n| pixel mean, std (0..1) | ",
                      absl::StrJoin(config.mean, " "), ", ", absl::StrJoin(config.std_dev, " "),
                      " |\n| sha256 of the weights as stored | ", card.sha256, " |\n\n");
}

std::string MetricsSection(const ModelStory& story) {
  if (story.card.metrics.empty()) return "## Metrics\n\nNone are known.\n\n";
  std::string text = "## Metrics\n\nThe last value of each.\n\n| metric | value |\n| --- | --- |\n";
  for (const auto& [name, value] : story.card.metrics) {
    absl::StrAppend(&text, "| ", Plain(name), " | ", absl::StrFormat("%.6g", value), " |\n");
  }
  return text + "\n";
}

std::string CurvesSection(const ModelStory& story) {
  if (story.curves.empty()) return "";
  std::string text = "## Curves\n\nStep: value.\n\n";
  for (const auto& [name, points] : story.curves) {
    absl::StrAppend(&text, "- ", Plain(name), ": ",
                    absl::StrJoin(points, ", ",
                                  [](std::string* out, const auto& point) {
                                    absl::StrAppend(out, point.first, ": ",
                                                    absl::StrFormat("%.5g", point.second));
                                  }),
                    "\n");
  }
  return text + "\n";
}

std::string TimmUse(const ModelConfig& config) {
  constexpr double kTimmEps = 1e-6;
  const double eps = config.encoder().layer_norm_eps;
  std::string text =
      "```python\nimport timm\nmodel = timm.create_model('local-dir:FOLDER', pretrained=True)\n```\n";
  if (eps != kTimmEps) {
    absl::StrAppend(&text, "\ntimm builds LayerNorms with an epsilon of 1e-06, this model has ", eps,
                    ": pass `norm_layer=functools.partial(torch.nn.LayerNorm, eps=", eps, ")`.\n");
  }
  return text;
}

std::string HowToUse(ExportFormat format, const ModelConfig& config) {
  switch (format) {
    case ExportFormat::kHuggingFace: {
      const auto* classifier = std::get_if<VisionTransformerOptions>(&config.model);
      const char* type = classifier == nullptr         ? "ViTMAEForPreTraining"
                         : classifier->num_classes > 0 ? "ViTForImageClassification"
                                                       : "ViTModel";
      return absl::StrCat("```python\nfrom transformers import ", type, "\nmodel = ", type,
                          ".from_pretrained('FOLDER')\n```\n");
    }
    case ExportFormat::kTimm:
      return TimmUse(config);
    case ExportFormat::kPth:
      return "```python\nimport torch\nstate = torch.load('checkpoint.pth', "
             "weights_only=True)['model']\n```\n";
    case ExportFormat::kOfficial:
      break;
  }
  return "```python\nfrom safetensors.torch import load_file\nstate = load_file('model.safetensors')\n```\n";
}

}  // namespace

std::string ModelReadme(ExportFormat format, const ModelConfig& config, const ModelStory& story) {
  const char* kind = config.is_autoencoder() ? "Masked Autoencoder" : "Vision Transformer";
  std::string text = absl::StrCat(FrontMatter(format, config), "# ", Plain(story.name), "\n\nA ", kind, ". ",
                                  Architecture(config), "\n\n", Provenance(config, story));
  if (!config.labels.empty()) {
    absl::StrAppend(&text, "Classes: ", Plain(absl::StrJoin(config.labels, ", ")), ".\n\n");
  }
  absl::StrAppend(&text, MetricsSection(story), CurvesSection(story), "## Use\n\n", HowToUse(format, config),
                  "\n## Licence\n\n", OrNone(story.card.license, "Not stated."), "\n");
  return text;
}

}  // namespace mae
