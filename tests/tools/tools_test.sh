#!/usr/bin/env bash
# The scripts of tools/: what they refuse, and that clones share a cache without touching each other's folders. Argument: the folder of
# the built programs.
set -euo pipefail
bin=$(realpath "$1")
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }

refused() {  # WORDS COMMAND…: exits with 2 and says so
  local words=$1; shift
  local code=0
  "$@" > "$scratch/out" 2>&1 || code=$?
  [ $code = 2 ] || fail "$* ended with $code, wanted 2"
  grep -qF -- "$words" "$scratch/out" || fail "$* did not say '$words'"
}

refused "unknown argument 'more'" tools/demo --out "$scratch/demo" more
refused "unknown argument 'more'" tools/demo "--out=$scratch/demo" more
refused "needs a folder" tools/demo --out
refused "unknown option '--gpu'" tools/setup --gpu
refused "unknown argument 'more'" tools/interop-check more
refused "unknown argument 'more'" tools/serving-trials more
refused "unknown peer 'other'" tools/bench-serving --peer other
refused "unknown argument 'more'" tools/bench-training more
refused "unknown argument 'more'" tools/bench-data more
refused "unknown argument 'more'" tools/bench-ranks more
refused "unknown argument 'more'" tools/soak more
refused "unknown argument 'more'" tools/chaos more
refused "unknown model 'huge'" tools/bench-training --models tiny,huge
refused "unknown target 'other'" tools/fuzz other
refused "must be a number from 1 up, not 'soon'" tools/fuzz --seconds soon

# What tools/docker-rehearsal would empty must be its own. Without a PATH it goes no further than that, for root too.
rehearsal() { env PATH="$scratch/none" /usr/bin/python3 -B tools/docker-rehearsal --work "$scratch/work" "$@"; }
taken() {  # exits with 1, for want of root or of tools
  code=0; rehearsal > "$scratch/out" 2>&1 || code=$?
  [ $code = 1 ] && grep -qE "needs root|no debootstrap" "$scratch/out" || fail "$1: $(cat "$scratch/out")"
}
taken "a folder to be made"
mkdir "$scratch/work"
taken "an empty folder"
echo precious > "$scratch/work/thesis"
refused "holds files that are not a rehearsal's" rehearsal
refused "holds files that are not a rehearsal's" rehearsal --only-run
[ -e "$scratch/work/thesis" ] || fail "a refused folder was emptied"
touch "$scratch/work/.mae-docker-rehearsal"
taken "a folder of an earlier rehearsal"

# The table of tools/bench-serving: medians over the rounds, and of the peer's settings the one with more images a second.
line() { printf '%-36sconcurrency %s  images/s %s  p50 %s ms  p95 %s ms  p99 %s ms  refused 0 (p99 0.00 ms)\n' "$1 " "${@:2}"; }
for rate in 10 40 30; do
  for batch in 1 64; do
    for how in alone "as served"; do line "model $how, batch $batch" 1 "$rate" 1 2 3; done
    for threads in 1 2; do line "eager PyTorch, batch $batch, threads $threads" 1 $((rate * threads)) 1 2 3; done
  done
  for concurrency in 1 8 64; do
    for format in pixels PNG; do line "mae_server, $format" $concurrency $((concurrency + rate)) "$rate" 5 6; done
    line "Triton, instances x threads 1x2" $concurrency $((10 * rate)) 15 25 12
    line "Triton, instances x threads 2x1" $concurrency $((9 * rate)) 16 26 36
  done
done | python3 tools/triton-peer/table.py > "$scratch/table"
for row in "| eager PyTorch, batch 64, threads 2 | 60 |" "| mae_server, pixels, 8 at a time | 38 | 30.0 ms | 5.0 ms | 6.0 ms |" \
    "| Triton, instances x threads 1x2, 64 at a time | 300 | 15.0 ms | 25.0 ms | 12.0 ms |" \
    "1 at a time: 0.10 times the images/s of Triton, 2.00 times its p50, 0.50 times its p99; p99 is 0.20 times p50"; do
  grep -qF "$row" "$scratch/table" || fail "no '$row' in the table: $(cat "$scratch/table")"
done

# That of tools/bench-training: medians, and shares of what matrix products reach.
for rate in 100 400 300; do
  printf '%-44s  images/s %s.00  steps 3  data 1.0 ms  forward 2.5 ms  backward 3.0 ms  optimizer 4.0 ms  peak 50 MiB\n' \
    "tiny, mae_trainer bf16" $((2 * rate)) "tiny, PyTorch eager bf16" "$rate" "tiny, PyTorch eager bf16, plain attention" $((rate * 3 / 2))
  printf '%-44s  GFLOP/s %s.0\n' "tiny, bf16 matrix products" $((4 * rate))
done | python3 -B tools/training-peer/table.py > "$scratch/table"
for row in "decoder 128 x 4 x 4, batch 128, 111.2 GFLOP a step; bf16 matrix products reach 1200 GFLOP/s" \
    "| mae_trainer bf16 | 600.0 | 213 | 1.0 | 2.5 | 3.0 | 4.0 | 50 | 521 | 43 % |" \
    "mae_trainer bf16: 2.00 times the best of PyTorch's modes (PyTorch eager bf16)" \
    "mae_trainer bf16: 1.33 times the best with plain attention besides (PyTorch eager bf16, plain attention)" \
    "mae_trainer bf16: 2.00 times the images/s of PyTorch eager bf16, 1.00 times its memory"; do
  grep -qF "$row" "$scratch/table" || fail "no '$row' in the table: $(cat "$scratch/table")"
done

# That of tools/bench-ranks.
for rate in 100 400 300; do
  printf '%-14s  images/s %s.0  steps 3  peak 50 MiB\n' "together 1" $rate "alone 1" $rate "together 2" $((rate * 3 / 2)) "alone 2" $rate "alone 2" $rate
done | python3 -B tools/training-peer/ranks_table.py > "$scratch/table"
grep -qF "| 2 | 450 | 1.50 | 600 | 25 % |" "$scratch/table" || fail "tools/bench-ranks printed $(cat "$scratch/table")"

# That of tools/bench-data.
for rate in 100 400 300; do
  for format in folder tar; do
    printf '%-52s  images/s %s.0\n' "$format, 2 workers, lib/data" "$rate" "$format, 2 workers, DataLoader" $((rate / 2)) \
      "$format, 2 workers, lib/data, decoded images kept" $((3 * rate))
  done
done | python3 -B tools/data-peer/table.py > "$scratch/table"
grep -qF "| tar | 2 | 300 | 150 | 2.00 | 900 |" "$scratch/table" || fail "tools/bench-data printed $(cat "$scratch/table")"

# Its side of ours, on 20 black images of CIFAR-10's format.
mkdir "$scratch/cifar"
for name in data_batch_{1..5} test_batch; do head -c $((4 * 3073)) /dev/zero > "$scratch/cifar/$name.bin"; done
"$bin/data_load" --data "$scratch/cifar" --size 32 --batch 8 --workers 2 > "$scratch/out" || fail "data_load: $(cat "$scratch/out")"
grep -qE '^  images/s [0-9]+\.[0-9]$' "$scratch/out" || fail "data_load printed $(cat "$scratch/out")"

# Their Python: a venv that was not made to its end is none, and MAE_TRAINING_PYTHON may be found in PATH.
venv=$(unset MAE_TRAINING_PYTHON; MAE_DEPS_DIR=$scratch/half bash -c '. tools/training-peer/python.sh; echo "$training_venv"')
mkdir -p "$venv/bin"
cp "$(type -P true)" "$venv/bin/python"
short_data() { code=0; MAE_DEPS_DIR=$scratch/half tools/bench-data --bin "$bin" --short > "$scratch/out" 2>&1 || code=$?; }
(unset MAE_TRAINING_PYTHON; short_data; [ $code = 77 ] && grep -q "no whole $venv" "$scratch/out") || fail "half a venv: $(cat "$scratch/out")"
(export MAE_TRAINING_PYTHON=no-such-python; short_data; [ $code = 1 ] && grep -q no-such-python "$scratch/out") || fail "no Python: $(cat "$scratch/out")"
# The program true makes no pictures: data_load is what fails.
(export MAE_TRAINING_PYTHON=true; short_data; [ $code = 1 ] && grep -q data_load: "$scratch/out") || fail "a Python in PATH: $(cat "$scratch/out")"

# A cache with the folder of another clone's pins, and one of ours beside it under the hash of its pins.
cache=$scratch/cache
for folder in libtorch-2.15.0-cpu googleapis-protos-1.76.0 arrow-26.0.1; do
  mkdir -p "$cache/$folder" "$cache/$folder-0badcafe"
  echo "other pins" > "$cache/$folder/.complete"
done
cp tools/libtorch-cpu.txt "$cache/libtorch-2.15.0-cpu-0badcafe/.complete"
cp tools/protos.txt "$cache/googleapis-protos-1.76.0-0badcafe/.complete"
cp tools/arrow.txt "$cache/arrow-26.0.1-0badcafe/.complete"
before=$(ls "$cache")
unset Torch_DIR
MAE_DEPS_DIR=$cache tools/setup || fail "tools/setup with its folders there already"
[ "$(ls "$cache")" = "$before" ] || fail "tools/setup changed a cache that had all it needs"
grep -q "other pins" "$cache/libtorch-2.15.0-cpu/.complete" || fail "another clone's folder was touched"

# cmake finds the same folder.
cat > "$scratch/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(find NONE)
set(MAE_DEPS_DIR "$cache")
include("$PWD/cmake/pinned_folder.cmake")
mae_pinned_folder(found libtorch-2.15.0-cpu "$PWD/tools/libtorch-cpu.txt")
message(STATUS "found \${found}")
CMAKE
cmake -S "$scratch" -B "$scratch/build" > "$scratch/cmake" || fail "cmake found no folder of these pins"
grep -q "found $cache/libtorch-2.15.0-cpu-0badcafe\$" "$scratch/cmake" || fail "cmake took another folder"

# While one runs, the next waits and says so.
exec 8> "$cache/.lock"
flock 8
MAE_DEPS_DIR=$cache tools/setup 2> "$scratch/waiting" &
until grep -q "waiting for another tools/setup" "$scratch/waiting" 2>/dev/null; do
  kill -0 $! 2>/dev/null || fail "a second tools/setup did not wait"
done
flock -u 8
wait $! || fail "the tools/setup that waited"
echo "all passed"
