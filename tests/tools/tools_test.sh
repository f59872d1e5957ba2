#!/usr/bin/env bash
# The scripts of tools/: what they refuse, and that clones share a cache without touching each other's folders.
set -euo pipefail
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
