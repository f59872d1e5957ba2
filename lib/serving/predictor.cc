#include "serving/predictor.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "checkpoint/model_folder.h"
#include "models/asked_mask.h"
#include "models/make_module.h"
#include "models/masked_autoencoder.h"
#include "models/pixel_planes.h"
#include "models/reconstruction_loss.h"
#include "models/vision_transformer.h"
#include "nn/packed_blocks.h"
#include "runtime/device.h"
#include "runtime/device_pass.h"
#include "runtime/precision.h"
#include "runtime/torch_status.h"
#include "serving/attention_maps.h"
#include "serving/config_check.h"
#include "serving/finite_answers.h"
#include "serving/input_batch.h"
#include "serving/precision_check.h"
#include "serving/reconstruction_picture.h"

namespace mae {
namespace {

absl::Status CantDo(const ModelConfig& config, absl::string_view method, absl::string_view need) {
  return absl::FailedPreconditionError(
      absl::StrCat(method, " needs ", need, "; this model is a ", config.kind_name()));
}

FloatTensor ToFloatTensor(const torch::Tensor& tensor) {
  const auto values = tensor.to(torch::kCPU, torch::kFloat32).contiguous();
  const float* data = values.data_ptr<float>();
  return {values.sizes().vec(), {data, data + values.numel()}};
}

// CheckFinite of a tensor's values, which are looked at where they lie if they lie there as float32 rows.
absl::Status CheckFiniteTensor(const std::vector<PredictorInput>& inputs, const torch::Tensor& answer) {
  const auto values = answer.to(torch::kCPU, torch::kFloat32).contiguous();
  return CheckFinite(inputs, {values.data_ptr<float>(), static_cast<size_t>(values.numel())});
}

// What one forward pass gave, on the CPU.
struct Rebuilt {
  torch::Tensor loss;         // [B]
  torch::Tensor mask;         // [B, L]
  torch::Tensor ids_restore;  // [B, L] int32
  torch::Tensor pred;         // [B, L, P*P*C]
  torch::Tensor planes;       // [B, C, H, W]
};

// @param pred [B, L, P*P*C] float32.
Rebuilt RebuiltFrom(const torch::Tensor& pred, const torch::Tensor& images, const Mask& mask,
                    PixelStatistics statistics, const MaskedAutoencoderOptions& options) {
  const auto patches = Patchify(images, options.encoder.patch_size);
  const auto errors = ReconstructionErrors(pred, patches, options.norm_pix_loss);
  const auto counted = mask.num_hidden() > 0 ? mask.mask : torch::ones_like(mask.mask);
  return {((errors * counted).sum(1) / counted.sum(1)).cpu(), mask.mask.cpu().contiguous(),
          mask.ids_restore.to(torch::kCPU, torch::kInt).contiguous(), pred.cpu(),
          PixelPlanes(pred, patches, mask.mask, statistics, options)};
}

// @param options with pixel_statistics chosen.
ReconstructionResult ResultOf(const Rebuilt& rebuilt, int64_t i, const float* original,
                              const ModelConfig& config, const ReconstructOptions& options) {
  ReconstructionResult result;
  result.image = i;
  result.pixel_statistics = *options.pixel_statistics;
  result.loss = rebuilt.loss[i].item<double>();
  const auto patches = rebuilt.mask.size(1);
  const float* mask = rebuilt.mask.data_ptr<float>() + i * patches;
  for (int64_t p = 0; p < patches; ++p) result.hidden.push_back(mask[p] != 0);
  result.mask_ratio =
      static_cast<double>(std::count(mask, mask + patches, 1.0F)) / static_cast<double>(patches);
  const int32_t* ids = rebuilt.ids_restore.data_ptr<int32_t>() + i * patches;
  result.ids_restore.assign(ids, ids + patches);
  const float* planes = rebuilt.planes.data_ptr<float>() + i * rebuilt.planes.stride(0);
  if (options.tensors) {
    result.prediction = ToFloatTensor(rebuilt.pred[i]);
    result.pixels = PixelsOf(planes, config);
  }
  if (options.pictures) DrawReconstruction(original, planes, config, result);
  return result;
}

// LibTorch tells a new thread how many OpenMP threads it has with its first parallel operation; products
// before that would be split, and so rounded, otherwise than those of all later passes. Asking for the number
// tells it.
void BeginOnThisThread() { (void)at::get_num_threads(); }

// What requests share a batch by: the answer that each image's row is.
enum Kind : int64_t { kLogits, kMeanEmbedding, kTokenEmbedding, kPatchEmbeddings, kKinds };

BatchQueue::Rows ToRows(const torch::Tensor& tensor) {
  const auto values = tensor.to(torch::kCPU, torch::kFloat32).flatten(1).contiguous();
  const float* data = values.data_ptr<float>();
  BatchQueue::Rows rows;
  for (int64_t i = 0; i < values.size(0); ++i, data += values.size(1)) {
    rows.emplace_back(data, data + values.size(1));
  }
  return rows;
}

// Each vector of `width` values to length 1.
void NormalizeL2(std::vector<float>& values, int64_t width) {
  for (auto vector = values.begin(); vector != values.end(); vector += width) {
    double squares = 0;
    std::for_each(vector, vector + width,
                  [&](float value) { squares += static_cast<double>(value) * value; });
    const double norm = std::max(std::sqrt(squares), 1e-12);
    std::for_each(vector, vector + width, [&](float& value) { value = static_cast<float>(value / norm); });
  }
}

absl::Status CheckDrawable(const EncoderOptions& encoder) {
  if (encoder.channels == 1 || encoder.channels == 3) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("pictures: images of ", encoder.channels,
                                                    " channels can't be drawn; ask for tensors instead"));
}

Kind KindOf(EmbeddingPool pool) {
  if (pool == EmbeddingPool::kPatches) return kPatchEmbeddings;
  return pool == EmbeddingPool::kClassToken ? kTokenEmbedding : kMeanEmbedding;
}

class LoadedPredictor : public Predictor {
 public:
  LoadedPredictor(ModelConfig config, torch::Device device, InferencePrecision precision)
      : config_(std::move(config)), device_(device), precision_(precision) {}

  void MakePasses(int64_t max_batch) {
    for (size_t kind = 0; kind < passes_.size(); ++kind) {
      passes_[kind] = DevicePass::Make(device_, max_batch, [this, kind](const torch::Tensor& images) {
        const auto autocast = Autocast();
        return kind == kLogits ? Logits(images) : Pool(images, static_cast<int64_t>(kind));
      });
    }
  }

  // From here on calls share the model; before, each runs by itself.
  void Share(const Batching& batching) {
    auto options = batching.options;
    if (packed_) {
      const auto together = PackedBlocks::ImagesTogether(1 + config_.encoder().num_patches());
      options.max_batch = std::min(options.max_batch, together * at::get_num_threads());
      std::erase_if(options.preferred, [&](int64_t size) { return size > options.max_batch; });
    }
    max_batch_ = options.max_batch;
    const auto forward = [this](int64_t kind, std::vector<float>& values, int64_t images) {
      return Forward(kind, values, images);
    };
    queue_ = std::make_unique<BatchQueue>(options, *batching.threads, forward, batching.record);
  }

  // Builds the module that the config describes, with the weights of the folder. Throws as LibTorch does.
  absl::Status LoadWeights(const std::filesystem::path& folder, WorkQueue* helpers) {
    const auto module = MakeModule(config_);
    autoencoder_ = std::dynamic_pointer_cast<MaskedAutoencoderImpl>(module);
    classifier_ = std::dynamic_pointer_cast<VisionTransformerImpl>(module);
    MAE_ASSIGN_OR_RETURN(const auto file, ReadSafetensors(folder / "model.safetensors"));
    MAE_RETURN_IF_ERROR(LoadState(file.tensors, *module));
    // Casts of weights that need a gradient would be cached for all threads, and recorded passes would read
    // them.
    for (auto& parameter : module->parameters()) parameter.set_requires_grad(false);
    module->to(device_);
    module->eval();
    if (device_.is_cpu() && precision_ != InferencePrecision::kFp32) Pack(helpers);
    return absl::OkStatus();
  }

  const ModelConfig& config() const override { return config_; }

  absl::StatusOr<std::vector<ReconstructionResult>> Reconstruct(
      const std::vector<PredictorInput>& inputs, const ReconstructOptions& asked,
      const RequestContext& context) const override {
    if (!autoencoder_)
      return CantDo(config_, "Reconstruct", "a masked_autoencoder (the result of a pretraining)");
    const auto& model = autoencoder_->options();
    MAE_RETURN_IF_ERROR(CheckMask(asked, model));
    ReconstructOptions options = asked;
    MAE_ASSIGN_OR_RETURN(options.pixel_statistics, ChoosePixelStatistics(asked.pixel_statistics, model));
    if (options.pictures) MAE_RETURN_IF_ERROR(CheckDrawable(model.encoder));
    MAE_ASSIGN_OR_RETURN(auto batch, NormalizedBatch(inputs, config_));
    const auto count = static_cast<int64_t>(inputs.size());
    MAE_ASSIGN_OR_RETURN(const auto rebuilt, RebuildAlone(batch, count, options, context));
    return CatchTorch("Reconstruct", [&]() -> absl::StatusOr<std::vector<ReconstructionResult>> {
      for (const auto& one : rebuilt) {
        for (const auto& answer : {one.loss, one.pred, one.planes})
          MAE_RETURN_IF_ERROR(CheckFiniteTensor(inputs, answer));
      }
      const auto stride = static_cast<int64_t>(batch.size()) / count;
      std::vector<ReconstructionResult> results;
      for (int64_t i = 0; i < count; ++i) {
        for (const auto& one : rebuilt) {
          results.push_back(ResultOf(one, i, batch.data() + i * stride, config_, options));
        }
      }
      return results;
    });
  }

  absl::StatusOr<std::vector<std::vector<float>>> Classify(const std::vector<PredictorInput>& inputs,
                                                           const RequestContext& context) const override {
    if (!classifier_ || classifier_->options().num_classes == 0) {
      return CantDo(config_, "Classify", "a vision_transformer with a head (the result of a fine-tuning)");
    }
    return RowsOf(kLogits, inputs, context);
  }

  absl::StatusOr<FloatTensor> Embed(const std::vector<PredictorInput>& inputs, const EmbedOptions& options,
                                    const RequestContext& context) const override {
    MAE_ASSIGN_OR_RETURN(const auto rows, RowsOf(KindOf(options.pool), inputs, context));
    const auto& encoder = config_.encoder();
    FloatTensor embeddings{{static_cast<int64_t>(rows.size()), encoder.embed_dim}, {}};
    if (options.pool == EmbeddingPool::kPatches)
      embeddings.shape.insert(embeddings.shape.begin() + 1, encoder.num_patches());
    for (const auto& row : rows) embeddings.values.insert(embeddings.values.end(), row.begin(), row.end());
    if (options.l2_normalize) NormalizeL2(embeddings.values, encoder.embed_dim);
    return embeddings;
  }

  absl::StatusOr<AttentionMaps> Attention(const std::vector<PredictorInput>& inputs, bool pictures,
                                          const RequestContext& context) const override {
    if (pictures) MAE_RETURN_IF_ERROR(CheckDrawable(config_.encoder()));
    MAE_ASSIGN_OR_RETURN(auto batch, NormalizedBatch(inputs, config_));
    const auto count = static_cast<int64_t>(inputs.size());
    const auto stride = static_cast<int64_t>(batch.size()) / count;
    FloatTensor weights;
    for (int64_t first = 0; first < count; first += max_batch_) {
      const auto images = std::min(max_batch_, count - first);
      MAE_ASSIGN_OR_RETURN(const auto part, AttentionAlone(batch.data() + first * stride, images, context));
      weights.shape = part.shape;
      weights.values.insert(weights.values.end(), part.values.begin(), part.values.end());
    }
    weights.shape[0] = count;
    MAE_RETURN_IF_ERROR(CheckFinite(inputs, weights.values));
    return MapsOf(weights, batch, config_, pictures);
  }

 private:
  void Pack(WorkQueue* helpers) {
    const auto format = precision_ == InferencePrecision::kInt8 ? WeightFormat::kInt8 : WeightFormat::kBf16;
    packed_ = autoencoder_ ? autoencoder_->Pack(format, helpers) : classifier_->Pack(format, helpers);
  }

  // On a GPU, products run in bfloat16 while it lives, if they are to.
  AutocastScope Autocast() const {
    const bool bf16 = !device_.is_cpu() && precision_ != InferencePrecision::kFp32;
    return {device_, bf16 ? Precision::kBf16 : Precision::kFp32};
  }

  absl::StatusOr<BatchQueue::Rows> RowsOf(Kind kind, const std::vector<PredictorInput>& inputs,
                                          const RequestContext& context) const {
    MAE_ASSIGN_OR_RETURN(auto batch, NormalizedBatch(inputs, config_));
    const auto count = static_cast<int64_t>(inputs.size());
    auto rows = queue_ ? queue_->Run(kind, std::move(batch), count, context) : Forward(kind, batch, count);
    if (rows.ok()) MAE_RETURN_IF_ERROR(CheckFinite(inputs, *rows));
    return rows;
  }

  absl::StatusOr<BatchQueue::Rows> Forward(int64_t kind, std::vector<float>& values, int64_t count) const {
    return CatchTorch(kind == kLogits ? "Classify" : "Embed", [&] {
      BeginOnThisThread();
      const c10::InferenceMode inference;
      return ToRows(passes_[static_cast<size_t>(kind)]->Run(OnHost(values.data(), count)));
    });
  }

  // What `run` gives with LibTorch, as a batch of its own. @param images that it is worth.
  template <typename Answer, typename RunModel>
  absl::StatusOr<Answer> Alone(const char* what, int64_t images, const RequestContext& context,
                               const RunModel& run) const {
    absl::StatusOr<Answer> answer = absl::InternalError("not run");
    const auto work = [&] {
      answer = CatchTorch(what, [&]() -> Answer {
        BeginOnThisThread();
        const c10::InferenceMode inference;
        return run();
      });
    };
    if (!queue_) {
      work();
    } else {
      MAE_RETURN_IF_ERROR(queue_->RunAlone(work, images, context));
    }
    return answer;
  }

  // [count, heads, 1+L] of one pass.
  absl::StatusOr<FloatTensor> AttentionAlone(float* batch, int64_t count,
                                             const RequestContext& context) const {
    return Alone<FloatTensor>("Attention", count, context, [&] {
      const auto autocast = Autocast();
      const auto images = OnHost(batch, count).to(device_);
      return ToFloatTensor(autoencoder_ ? autoencoder_->ClassTokenAttention(images)
                                        : classifier_->ClassTokenAttention(images));
    });
  }

  // Predictions of every patch, float32.
  torch::Tensor Predict(const torch::Tensor& images, const Mask& mask) const {
    const auto autocast = Autocast();
    return autoencoder_->Decode(autoencoder_->Encode(images, mask), mask.ids_restore).to(torch::kFloat32);
  }

  // One for each ratio.
  absl::StatusOr<std::vector<Rebuilt>> RebuildAlone(std::vector<float>& batch, int64_t count,
                                                    const ReconstructOptions& options,
                                                    const RequestContext& context) const {
    const auto& model = autoencoder_->options();
    const auto ratios = RatiosOf(options, model);
    const auto worth = count * static_cast<int64_t>(ratios.size());
    return Alone<std::vector<Rebuilt>>("Reconstruct", worth, context, [&] {
      const auto images = OnHost(batch.data(), count).to(device_);
      std::vector<Rebuilt> all;
      for (const double ratio : ratios) {
        const auto mask = MakeMask(options, model, ratio, count, device_);
        all.push_back(RebuiltFrom(Predict(images, mask), images, mask, *options.pixel_statistics, model));
      }
      return all;
    });
  }

  // On a CPU the head reads one image at a time: the kernels of a product of few rows go by their number, and
  // an image's logits must not. (The other products have a row a token, enough for it to be no matter.)
  torch::Tensor Logits(const torch::Tensor& images) const {
    const auto features = classifier_->Features(images);
    if (!device_.is_cpu()) return classifier_->Classify(features);
    std::vector<torch::Tensor> rows;
    for (int64_t i = 0; i < features.size(0); ++i)
      rows.push_back(classifier_->Classify(features.slice(0, i, i + 1)));
    return torch::cat(rows);
  }

  // A view of the batch.
  torch::Tensor OnHost(float* batch, int64_t count) const {
    const auto& encoder = config_.encoder();
    return torch::from_blob(batch, {count, encoder.channels, encoder.image_height, encoder.image_width});
  }

  torch::Tensor Pool(const torch::Tensor& images, int64_t kind) const {
    const auto pool = [kind](const torch::Tensor& tokens) {
      if (kind == kTokenEmbedding) return tokens.select(1, 0);
      return kind == kPatchEmbeddings ? tokens.slice(1, 1) : tokens.slice(1, 1).mean(1);
    };
    if (autoencoder_) return pool(autoencoder_->Tokens(images));
    const auto tokens = classifier_->Tokens(images);
    if (classifier_->options().pooling == Pooling::kToken) return pool(classifier_->Normalize(tokens));
    return kind == kMeanEmbedding ? classifier_->Normalize(pool(tokens)) : pool(tokens);
  }

  const ModelConfig config_;
  const torch::Device device_;
  const InferencePrecision precision_;
  // One of the two. Never changed after LoadWeights, so that forward passes may run side by side.
  std::shared_ptr<MaskedAutoencoderImpl> autoencoder_;
  std::shared_ptr<VisionTransformerImpl> classifier_;
  std::array<std::unique_ptr<DevicePass>, kKinds> passes_;
  int64_t max_batch_ = BatchOptions().max_batch;
  bool packed_ = false;                ///< its blocks are PackedBlocks
  std::unique_ptr<BatchQueue> queue_;  ///< null: every call runs by itself
};

}  // namespace

absl::StatusOr<std::unique_ptr<Predictor>> Predictor::Load(const std::filesystem::path& folder,
                                                           const std::string& device,
                                                           InferencePrecision precision,
                                                           const Batching& batching) {
  MAE_ASSIGN_OR_RETURN(auto config, ReadModelConfig(folder));
  MAE_RETURN_IF_ERROR(CheckModelConfig(config));
  MAE_ASSIGN_OR_RETURN(const auto place, ResolveDevice(device));
  MAE_RETURN_IF_ERROR(CheckPrecisionRuns(precision, place, HasFastBf16(place)));
  return CatchTorch(
      absl::StrCat("loading ", folder.string()), [&]() -> absl::StatusOr<std::unique_ptr<Predictor>> {
        auto predictor =
            std::make_unique<LoadedPredictor>(std::move(config), torch::Device(place), precision);
        MAE_RETURN_IF_ERROR(predictor->LoadWeights(folder, batching.threads));
        predictor->MakePasses(batching.options.max_batch);
        if (batching.threads != nullptr) predictor->Share(batching);
        return predictor;
      });
}

}  // namespace mae
