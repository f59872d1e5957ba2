// What each kernel of lib/kernels takes on one thread, at the widths of ViT-Tiny/4 and ViT-B/4 and their
// decoders:
//
//   kernel_benchmark [--benchmark_filter=REGEX] [--benchmark_repetitions=N]
//
// Arguments of a row: width, tokens an image, heads, images. Products say GFLOP/s beside the time.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include "kernels/adamw_update.h"
#include "kernels/attention.h"
#include "kernels/attention_gradient.h"
#include "kernels/cpu_features.h"
#include "kernels/layer_norm.h"
#include "kernels/layer_norm_gradient.h"
#include "kernels/packed_linear.h"
#include "kernels/row_scaling.h"
#include "kernels/weight_gradient.h"

namespace {

using mae::AlignedArray;

std::vector<float> NormalValues(int64_t count) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

AlignedArray<uint16_t> NormalBf16(int64_t count) {
  const auto values = NormalValues(count);
  AlignedArray<uint16_t> rounded(values.size());
  mae::ScaleToBf16(values.data(), 1, count, nullptr, rounded.data());
  return rounded;
}

// Activations and the MLP's first layer of one block.
struct Block {
  explicit Block(const benchmark::State& state)
      : dim(state.range(0)), tokens(state.range(1)), heads(state.range(2)), images(state.range(3)) {}

  const int64_t dim, tokens, heads, images;
  const int64_t rows = images * tokens, hidden = 4 * dim;
  const std::vector<float> residual = NormalValues(rows * dim), weight = NormalValues(hidden * dim),
                           bias = NormalValues(hidden);
  const AlignedArray<uint16_t> narrow = NormalBf16(rows * dim), wide = NormalBf16(rows * hidden),
                               qkv = NormalBf16(rows * 3 * dim);
  AlignedArray<uint16_t> to = AlignedArray<uint16_t>(static_cast<size_t>(rows * hidden)),
                         beside = AlignedArray<uint16_t>(static_cast<size_t>(rows * hidden));
  std::vector<float> floats = std::vector<float>(static_cast<size_t>(rows * dim)),
                     weight_gradient = std::vector<float>(weight.size()),
                     bias_gradient = std::vector<float>(bias.size());
  mae::WorkTeam alone;
};

template <typename Run>
void Measure(benchmark::State& state, double products, const Run& run) {
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  if (products == 0) return;
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * products, benchmark::Counter::kIsIterationInvariantRate);
}

double Products(const Block& block) { return static_cast<double>(block.rows * block.dim * block.hidden); }

void PackWeight(benchmark::State& state) {
  Block block(state);
  mae::PackedLinear linear(block.hidden, block.dim);
  Measure(state, 0, [&] { linear.SetWeight(block.weight.data(), block.bias.data(), 0, block.hidden); });
}

void PackTransposedWeight(benchmark::State& state) {
  Block block(state);
  mae::PackedLinear linear(block.dim, block.hidden);
  Measure(state, 0, [&] { linear.SetTransposed(block.weight.data(), 0, block.hidden); });
}

void Linear(benchmark::State& state) {
  Block block(state);
  const mae::PackedLinear linear(block.weight.data(), block.bias.data(), block.hidden, block.dim);
  Measure(state, Products(block),
          [&] { linear.Forward(block.narrow.data(), block.rows, block.alone, block.to.data()); });
}

void LinearAndGelu(benchmark::State& state) {
  Block block(state);
  const mae::PackedLinear linear(block.weight.data(), block.bias.data(), block.hidden, block.dim);
  Measure(state, Products(block), [&] {
    linear.ForwardGelu(block.narrow.data(), block.rows, block.alone, block.beside.data(), block.to.data());
  });
}

void LinearAndResidual(benchmark::State& state) {
  Block block(state);
  const mae::PackedLinear linear(block.weight.data(), nullptr, block.dim, block.hidden);
  Measure(state, Products(block), [&] {
    linear.ForwardResidual(block.wide.data(), block.rows, block.alone, block.residual.data(), nullptr,
                           block.floats.data());
  });
}

void InputGradient(benchmark::State& state) {
  Block block(state);
  mae::PackedLinear linear(block.dim, block.hidden);
  linear.SetTransposed(block.weight.data(), 0, block.hidden);
  Measure(state, Products(block),
          [&] { linear.Forward(block.wide.data(), block.rows, block.alone, block.to.data()); });
}

void InputGradientThroughGelu(benchmark::State& state) {
  Block block(state);
  mae::PackedLinear linear(block.weight.data(), nullptr, block.hidden, block.dim);
  Measure(state, Products(block), [&] {
    linear.BackwardGelu(block.narrow.data(), block.rows, block.alone, block.wide.data(), block.to.data(),
                        block.beside.data());
  });
}

void WeightGradient(benchmark::State& state) {
  Block block(state);
  mae::PairedInputs inputs(block.rows, block.dim);
  inputs.Resize(block.rows);
  Measure(state, Products(block), [&] {
    for (int64_t p = 0; p < inputs.panels(); ++p) inputs.Set(p, block.narrow.data());
    mae::WeightGradient(block.wide.data(), block.hidden, 0, block.hidden, inputs, /*add=*/true,
                        block.weight_gradient.data(), block.bias_gradient.data());
  });
}

void LayerNorm(benchmark::State& state) {
  Block block(state);
  Measure(state, 0, [&] {
    mae::LayerNormToBf16(block.residual.data(), block.rows, block.dim, block.weight.data(), block.bias.data(),
                         1e-6F, block.alone, block.to.data());
  });
}

void LayerNormGradient(benchmark::State& state) {
  Block block(state);
  Measure(state, 0, [&] {
    mae::LayerNormGradient(block.residual.data(), block.narrow.data(), block.rows, block.dim,
                           block.weight.data(), 1e-6F, block.residual.data(), block.floats.data(),
                           block.weight_gradient.data(), block.bias_gradient.data());
  });
}

void Attention(benchmark::State& state) {
  Block block(state);
  mae::BlockAttention attention(block.tokens, block.heads, block.dim / block.heads, /*members=*/1);
  Measure(state, 0, [&] {
    for (int64_t i = 0; i < block.images; ++i) {
      const auto at = i * block.tokens * block.dim;
      attention.Forward(block.qkv.data() + 3 * at, block.tokens, block.alone, block.to.data() + at);
    }
  });
}

void AttentionGradient(benchmark::State& state) {
  Block block(state);
  mae::AttentionGradient attention(block.tokens, block.heads, block.dim / block.heads);
  Measure(state, 0, [&] {
    for (int64_t i = 0; i < block.images; ++i) {
      const auto at = i * block.tokens * block.dim;
      attention.Backward(block.qkv.data() + 3 * at, block.tokens, 0, block.narrow.data() + at,
                         block.to.data() + 3 * at);
    }
  });
}

// Of a block's widest weight.
void AdamWUpdate(benchmark::State& state) {
  Block block(state);
  std::vector<float> mean(block.weight), square(block.weight.size()), average(block.weight), weight(mean);
  const mae::AdamWElements elements = {weight.data(), block.weight.data(), mean.data(), square.data(),
                                       average.data()};
  const mae::AdamWFactors factors = {.step_size = 1e-4F, .epsilon = 1e-8F, .average_share = 0.01F};
  Measure(state, 0, [&] { mae::AdamWUpdate(factors, elements, static_cast<int64_t>(block.weight.size())); });
}

// Some 256 rows: ViT-Tiny/4 and ViT-B/4 with 16 of 64 patches visible, their decoders, and ViT-Tiny/4 served.
void Shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({192, 17, 3, 15})->Args({128, 65, 4, 4})->Args({768, 17, 12, 15})->Args({512, 65, 16, 4});
  benchmark->Args({192, 65, 3, 4})->Unit(benchmark::kMicrosecond);
}

BENCHMARK(PackWeight)->Apply(Shapes);
BENCHMARK(PackTransposedWeight)->Apply(Shapes);
BENCHMARK(Linear)->Apply(Shapes);
BENCHMARK(LinearAndGelu)->Apply(Shapes);
BENCHMARK(LinearAndResidual)->Apply(Shapes);
BENCHMARK(InputGradient)->Apply(Shapes);
BENCHMARK(InputGradientThroughGelu)->Apply(Shapes);
BENCHMARK(WeightGradient)->Apply(Shapes);
BENCHMARK(LayerNorm)->Apply(Shapes);
BENCHMARK(LayerNormGradient)->Apply(Shapes);
BENCHMARK(Attention)->Apply(Shapes);
BENCHMARK(AttentionGradient)->Apply(Shapes);
BENCHMARK(AdamWUpdate)->Apply(Shapes);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (!mae::HasAvx512Bf16()) {
    fprintf(stderr,
            "kernel_benchmark: this processor has no AVX-512 bfloat16; the kernels do not run on it\n");
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
}
