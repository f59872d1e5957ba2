#!/usr/bin/env bash
# kernel_benchmark in short: a line with a time for each operator that its source names, whatever the time. Argument: the program.
set -euo pipefail
source=$(dirname "$0")/../../tools/kernel_benchmark.cc
lines=$("$1" --benchmark_min_time=0.0001 --benchmark_filter=/192/17/ 2>&1) || {
  grep -q "no AVX-512 bfloat16" <<< "$lines" && exit 77
  echo "FAILED: $lines" >&2; exit 1
}
operators=$(grep -oP '^BENCHMARK\(\K\w+' "$source")
[ "$(wc -l <<< "$operators")" -gt 1 ] || { echo "FAILED: $source names no operators" >&2; exit 1; }
for operator in $operators; do
  grep -qE "^$operator/192/17/\S+ +[0-9.]+ us" <<< "$lines" || { echo "FAILED: no time of $operator in: $lines" >&2; exit 1; }
done
