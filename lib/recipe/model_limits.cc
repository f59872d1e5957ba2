#include "recipe/model_limits.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "options/class_match.h"
#include "options/model_limits.h"
#include "options/parameter_count.h"
#include "recipe/from_model.h"
#include "recipe/recipe_proto.h"

namespace mae {
namespace {

std::vector<int64_t> DivisorsOf(int64_t number) {
  std::vector<int64_t> divisors;
  for (int64_t i = 1; i <= number; ++i) {
    if (number % i == 0) divisors.push_back(i);
  }
  return divisors;
}

bool Within(int64_t value, int64_t high) { return value >= 1 && value <= high; }

// The sides of the image against the patch. Sizes outside their own limits are reported elsewhere.
void CheckGrid(const EncoderOptions& encoder, const std::string& path, ViolationList& violations) {
  const int64_t patch = encoder.patch_size;
  if (!Within(encoder.image_height, kMaxImageSide) || !Within(encoder.image_width, kMaxImageSide) ||
      patch < 1)
    return;
  const auto fitting = absl::StrJoin(DivisorsOf(std::gcd(encoder.image_height, encoder.image_width)), ", ");
  const auto check = [&](const char* field, int64_t side) {
    if (side % patch != 0)
      violations.Add(path + field, absl::StrCat("is ", side, "; must be a multiple of patch_size ", patch,
                                                ": set patch_size to one of ", fitting));
  };
  check("image_height", encoder.image_height);
  check("image_width", encoder.image_width);
  if (encoder.num_patches() > kMaxPatches)
    violations.Add(path + "patch_size",
                   absl::StrCat("is ", patch, ", which makes ", encoder.num_patches(),
                                " patches an image; at most ", kMaxPatches, ": use a larger patch"));
}

// One transformer stack: encoder or decoder.
void CheckStack(int64_t dim, int64_t depth, int64_t heads, bool sincos, const std::string& path,
                ViolationList& violations) {
  violations.Between(path + "embed_dim", dim, kMinWidth, kMaxWidth);
  violations.Between(path + "depth", depth, 1, kMaxDepth);
  violations.Between(path + "num_heads", heads, 1, kMaxWidth);
  if (!Within(dim, kMaxWidth) || !Within(heads, kMaxWidth)) return;
  if (dim % heads != 0)
    violations.Add(path + "num_heads",
                   absl::StrCat("is ", heads, "; must divide embed_dim ", dim, ": set it to one of ",
                                absl::StrJoin(DivisorsOf(dim), ", ")));
  if (sincos && dim % 4 != 0)
    violations.Add(path + "embed_dim",
                   absl::StrCat("is ", dim, "; must be a multiple of 4 for the sin-cos position embedding"));
}

void CheckDataset(const DatasetInfo& dataset, const EncoderOptions& encoder, bool is_resized,
                  const std::string& path, ViolationList& violations) {
  const auto check = [&](const char* field, int64_t value, int64_t wanted, const char* other_remedy) {
    if (value != wanted)
      violations.Add(path + field,
                     absl::StrCat("is ", value, ", but the images of dataset ", dataset.name, " have ",
                                  wanted, ": leave it unset to follow the dataset", other_remedy));
  };
  if (!is_resized) {
    const char* resize = ", or set augmentation.random_resized_crop to resize them";
    check("image_height", encoder.image_height, dataset.height, resize);
    check("image_width", encoder.image_width, dataset.width, resize);
  }
  check("channels", encoder.channels, dataset.channels, "");
}

// Weights only fit a model of the same shapes; equal widths with other heads would fit and mean something
// else. Another image size is no obstacle: the position embedding is resampled.
void CheckSameShapes(const EncoderOptions& encoder, const EncoderOptions& pretrained, const std::string& from,
                     ViolationList& violations) {
  const auto check = [&](const char* field, double value, double wanted, const char* remedy) {
    if (value != wanted)
      violations.Add(absl::StrCat("finetune.model.", field),
                     absl::StrCat("is ", value, ", but ", from, " has ", wanted, ": ", remedy));
  };
  const auto count = [&](const char* field, int64_t value, int64_t wanted, const char* remedy) {
    check(field, static_cast<double>(value), static_cast<double>(wanted), remedy);
  };
  const char* images = "start from a model of such images, or take another dataset";
  const char* unset = "leave it and preset unset to follow the model, or start from another model";
  count("channels", encoder.channels, pretrained.channels, images);
  count("patch_size", encoder.patch_size, pretrained.patch_size, unset);
  count("embed_dim", encoder.embed_dim, pretrained.embed_dim, unset);
  count("depth", encoder.depth, pretrained.depth, unset);
  count("num_heads", encoder.num_heads, pretrained.num_heads, unset);
  check("mlp_ratio", encoder.mlp_ratio, pretrained.mlp_ratio, unset);
  if (encoder.qkv_bias != pretrained.qkv_bias)
    violations.Add("finetune.model.qkv_bias",
                   absl::StrCat("is ", encoder.qkv_bias ? "true" : "false", ", but ", from, " has ",
                                pretrained.qkv_bias ? "true" : "false", ": ", unset));
}

void CheckMask(const MaskedAutoencoderOptions& model, ViolationList& violations) {
  const std::string field = "pretrain.mask_ratio";
  const double ratio = model.mask_ratio;
  if (!std::isfinite(ratio)) return;
  if (ratio <= 0 || ratio >= 1)
    return violations.Add(field, absl::StrCat("is ", ratio, "; must be above 0 and below 1"));
  if (model.encoder.patch_size < 1) return;
  const int64_t patches = model.encoder.num_patches();
  const int64_t visible = model.visible_patches();
  if (visible < 1 || visible >= patches)
    violations.Add(field, absl::StrCat("is ", ratio, ", which leaves ", visible, " of ", patches,
                                       " patches visible; at least 1 must stay and 1 be hidden: ",
                                       visible < 1 ? "use a smaller ratio" : "use a larger ratio",
                                       " or a smaller patch_size"));
}

// Only of sizes within their limits: the products of others may overflow.
template <typename Model>
void CheckParameters(const Model& model, const std::string& path, ViolationList& violations) {
  if (!violations.empty()) return;
  const int64_t count = ParameterCount(model);
  if (count > kMaxParameters)
    violations.Add(
        path + "embed_dim",
        absl::StrCat("is ", model.encoder.embed_dim, ", which makes a model of ", count,
                     " parameters; at most ", kMaxParameters, ": use a smaller embed_dim or depth"));
}

void CheckPretrain(const MaskedAutoencoderOptions& model, ViolationList& violations) {
  const auto& decoder = model.decoder;
  CheckStack(decoder.embed_dim, decoder.depth, decoder.num_heads, /*sincos=*/true, "pretrain.model.decoder.",
             violations);
  CheckMask(model, violations);
  CheckParameters(model, "pretrain.model.", violations);
}

void CheckClasses(const std::string& field, const DatasetInfo& dataset, int64_t classes,
                  ViolationList& violations) {
  const auto labels = static_cast<int64_t>(dataset.labels.size());
  violations.Between(field, classes, 1, kMaxClasses);
  if (classes >= 1 && classes < labels)
    violations.Add(field, absl::StrCat("is ", classes, ", but dataset ", dataset.name, " has ", labels,
                                       " classes: set it to ", labels, " or more, or leave it unset"));
}

void CheckFinetune(const RecipeContext& context, const v1::FinetuneSpec& spec,
                   const VisionTransformerOptions& model, ViolationList& violations) {
  if (spec.model().has_decoder())
    violations.Add("finetune.model.decoder", "is set, but a classifier has no decoder: leave it out");
  violations.Between("finetune.drop_path", model.drop_path, 0.0, 1.0, /*below_high=*/true);
  CheckClasses("finetune.num_classes", context.dataset, model.num_classes, violations);
  if (!spec.from_model().empty() && context.from_model.has_value())
    CheckSameShapes(model.encoder, context.from_model->encoder(), spec.from_model(), violations);
  CheckParameters(model, "finetune.model.", violations);
}

// The images of the dataset against the model that looks at them.
void CheckSource(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations) {
  if (!context.from_model.has_value() || FromModelOf(spec).empty()) return;
  const auto& encoder = context.from_model->encoder();
  const auto check = [&](const char* what, int64_t value, int64_t wanted) {
    if (value != wanted)
      violations.Add("data.dataset", absl::StrCat("is ", context.dataset.name, ", whose images have ", what,
                                                  " ", value, ", but ", FromModelOf(spec), " takes ", wanted,
                                                  ": take another dataset, or another model"));
  };
  if (!context.dataset.encoded && !spec.augmentation().has_random_resized_crop()) {
    check("height", context.dataset.height, encoder.image_height);
    check("width", context.dataset.width, encoder.image_width);
  }
  check("channels", context.dataset.channels, encoder.channels);
}

void CheckKnnProbe(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations) {
  const int64_t images =
      spec.data().train_images() > 0 ? spec.data().train_images() : context.dataset.train_images;
  violations.Between("knn_probe.neighbors", int64_t{spec.knn_probe().neighbors()}, 1,
                     std::max<int64_t>(1, images));
  violations.Positive("knn_probe.temperature", spec.knn_probe().temperature());
}

void CheckEvaluate(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations) {
  if (!context.from_model.has_value() || context.from_model->is_autoencoder()) return;
  const auto match = MatchClasses(context.dataset.labels, context.from_model->labels,
                                  std::get<VisionTransformerOptions>(context.from_model->model).num_classes);
  if (!match.ok())
    violations.Add("evaluate.from_model",
                   absl::StrCat("is ", spec.evaluate().from_model(), "; ", match.status().message()));
}

// Encoded images are resized without it, and those that fit need it not.
void CheckMeasuredCrop(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations) {
  if (!context.from_model.has_value() || !spec.augmentation().has_random_resized_crop()) return;
  const auto& encoder = context.from_model->encoder();
  const bool fits =
      context.dataset.height == encoder.image_height && context.dataset.width == encoder.image_width;
  if (context.dataset.encoded || fits)
    violations.Add(
        "augmentation.random_resized_crop",
        absl::StrCat("is set, but ", KindNameOf(spec),
                     " varies no images, and these need no resizing to the model's size: leave it out"));
}

void CheckProbe(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations) {
  CheckSource(context, spec, violations);
  if (!TrainsModel(spec)) CheckMeasuredCrop(context, spec, violations);
  if (spec.has_linear_probe())
    CheckClasses("linear_probe.num_classes", context.dataset, spec.linear_probe().num_classes(), violations);
  if (spec.has_knn_probe()) CheckKnnProbe(context, spec, violations);
  if (spec.has_evaluate()) CheckEvaluate(context, spec, violations);
}

}  // namespace

void CheckEncoder(const EncoderOptions& encoder, const std::string& path, ViolationList& violations) {
  violations.Between(path + "channels", encoder.channels, 1, kMaxChannels);
  violations.Between(path + "image_height", encoder.image_height, 1, kMaxImageSide);
  violations.Between(path + "image_width", encoder.image_width, 1, kMaxImageSide);
  violations.Between(path + "patch_size", encoder.patch_size, 1, kMaxImageSide);
  CheckGrid(encoder, path, violations);
  const bool sincos = encoder.position_embedding == PositionEmbedding::kSinCos;
  CheckStack(encoder.embed_dim, encoder.depth, encoder.num_heads, sincos, path, violations);
  violations.Between(path + "mlp_ratio", encoder.mlp_ratio, kMinMlpRatio, kMaxMlpRatio);
  violations.Positive(path + "layer_norm_eps", encoder.layer_norm_eps);
}

void CheckModel(const RecipeContext& context, const v1::JobSpec& spec, ViolationList& violations) {
  const auto options = OptionsFromSpec(spec);
  if (!options.ok()) return;
  if (!spec.has_pretrain() && !spec.has_finetune()) return CheckProbe(context, spec, violations);
  const std::string path = absl::StrCat(options->kind_name(), ".model.");
  CheckEncoder(options->encoder(), path, violations);
  CheckDataset(context.dataset, options->encoder(),
               context.dataset.encoded || options->augmentation.random_resized_crop.has_value(), path,
               violations);
  if (const auto* pretrain = std::get_if<PretrainOptions>(&options->kind)) {
    CheckPretrain(pretrain->model, violations);
  } else {
    CheckFinetune(context, spec.finetune(), std::get<FinetuneOptions>(options->kind).model, violations);
  }
}

}  // namespace mae
