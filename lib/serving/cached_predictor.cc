#include "serving/cached_predictor.h"

#include <string>
#include <type_traits>
#include <utility>

#include "absl/time/clock.h"
#include "base/file_digest.h"

namespace mae {
namespace {

/// A key of all that an answer depends on but the model. Every part has a length that follows from what was
/// added before, so that two requests have one key only if they are the same.
class RequestKey {
 public:
  explicit RequestKey(char method) { Add(method); }

  template <typename Number>
  void Add(Number number) {
    static_assert(std::is_arithmetic_v<Number>);
    digest_.Append({reinterpret_cast<const char*>(&number), sizeof(number)});
  }

  template <typename Number>
  void AddAll(const std::vector<Number>& numbers) {
    Add(numbers.size());
    digest_.Append({reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)});
  }
  void AddAll(const std::vector<bool>& flags) {
    Add(flags.size());
    for (const bool flag : flags) Add(flag);
  }

  void AddInputs(const std::vector<PredictorInput>& inputs) {
    Add(inputs.size());
    for (const auto& input : inputs) {
      Add(input.index());
      if (const auto* picture = std::get_if<Picture>(&input)) {
        Add(picture->height);
        Add(picture->width);
        Add(picture->channels);
        AddAll(picture->pixels);
      } else {
        AddAll(std::get<FloatTensor>(input).shape);
        AddAll(std::get<FloatTensor>(input).values);
      }
    }
  }

  std::string Finish() { return digest_.Finish().sha256; }

 private:
  DigestStream digest_;
};

class CachedPredictor final : public Predictor {
 public:
  CachedPredictor(std::unique_ptr<Predictor> predictor, std::shared_ptr<ResponseCache> cache,
                  std::function<void(const CacheLookup&)> record)
      : predictor_(std::move(predictor)), cache_(std::move(cache)), record_(std::move(record)) {}
  ~CachedPredictor() override { cache_->DropAllOf(owner_); }

  const ModelConfig& config() const override { return predictor_->config(); }

  absl::StatusOr<std::vector<ReconstructionResult>> Reconstruct(
      const std::vector<PredictorInput>& inputs, const ReconstructOptions& options,
      const RequestContext& context) const override {
    return Answer<std::vector<ReconstructionResult>>(
        'r', inputs,
        [&](RequestKey& key) {
          // By name, so that a new option can't be left out of the key.
          const auto& [mask_kind, mask_ratios, seed, hidden, statistics, pictures, tensors] = options;
          key.Add(static_cast<int>(mask_kind));
          key.AddAll(mask_ratios);
          key.Add(seed);
          key.AddAll(hidden);
          key.Add(statistics ? static_cast<int>(*statistics) : -1);
          key.Add(pictures);
          key.Add(tensors);
        },
        [&] { return predictor_->Reconstruct(inputs, options, context); });
  }

  absl::StatusOr<std::vector<std::vector<float>>> Classify(const std::vector<PredictorInput>& inputs,
                                                           const RequestContext& context) const override {
    return Answer<std::vector<std::vector<float>>>(
        'c', inputs, [](RequestKey&) {}, [&] { return predictor_->Classify(inputs, context); });
  }

  absl::StatusOr<FloatTensor> Embed(const std::vector<PredictorInput>& inputs, const EmbedOptions& options,
                                    const RequestContext& context) const override {
    return Answer<FloatTensor>(
        'e', inputs,
        [&](RequestKey& key) {
          const auto& [pool, l2_normalize] = options;
          key.Add(static_cast<int>(pool));
          key.Add(l2_normalize);
        },
        [&] { return predictor_->Embed(inputs, options, context); });
  }

  // Not kept: maps are looked at, not asked for again and again.
  absl::StatusOr<AttentionMaps> Attention(const std::vector<PredictorInput>& inputs, bool pictures,
                                          const RequestContext& context) const override {
    return predictor_->Attention(inputs, pictures, context);
  }

 private:
  template <typename Kind, typename AddOptions, typename Run>
  absl::StatusOr<Kind> Answer(char method, const std::vector<PredictorInput>& inputs,
                              const AddOptions& add_options, const Run& run) const {
    const absl::Time began = absl::Now();
    RequestKey request(method);
    add_options(request);
    request.AddInputs(inputs);
    const std::string key = request.Finish();
    if (const auto found = cache_->Find(owner_, key)) {
      Kind answer = std::get<Kind>(*found);
      if (record_) record_({true, absl::Now() - began});
      return answer;
    }
    if (record_) record_({false, absl::Now() - began});
    absl::StatusOr<Kind> answer = run();
    if (answer.ok()) cache_->Put(owner_, key, *answer);
    return answer;
  }

  const std::unique_ptr<Predictor> predictor_;
  const std::shared_ptr<ResponseCache> cache_;
  const std::function<void(const CacheLookup&)> record_;
  const int64_t owner_ = cache_->NewOwner();
};

}  // namespace

std::unique_ptr<Predictor> WithResponseCache(std::unique_ptr<Predictor> predictor,
                                             std::shared_ptr<ResponseCache> cache,
                                             std::function<void(const CacheLookup&)> record) {
  return std::make_unique<CachedPredictor>(std::move(predictor), std::move(cache), std::move(record));
}

}  // namespace mae
