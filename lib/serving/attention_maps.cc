#include "serving/attention_maps.h"

#include "serving/reconstruction_picture.h"

namespace mae {

AttentionMaps MapsOf(const FloatTensor& weights, const std::vector<float>& batch, const ModelConfig& config,
                     bool pictures) {
  const auto rows = config.encoder().grid_rows(), cols = config.encoder().grid_cols();
  const auto images = weights.shape[0], heads = weights.shape[1], patches = rows * cols;
  AttentionMaps maps{{{images, heads, rows, cols}, {}}, {{images, rows, cols}, {}}, {}};
  maps.mean.values.resize(static_cast<size_t>(images * patches));
  for (int64_t map = 0; map < images * heads; ++map) {
    const float* weight = weights.values.data() + map * (1 + patches) + 1;
    maps.heads.values.insert(maps.heads.values.end(), weight, weight + patches);
    float* mean = maps.mean.values.data() + map / heads * patches;
    for (int64_t p = 0; p < patches; ++p) mean[p] += weight[p] / static_cast<float>(heads);
  }
  const auto stride = static_cast<int64_t>(batch.size()) / images;
  for (int64_t i = 0; pictures && i < images; ++i) {
    maps.images.push_back(DrawPlanes(batch.data() + i * stride, config));
  }
  return maps;
}

}  // namespace mae
