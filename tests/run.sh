#!/usr/bin/env bash
# Everything that can be tested, in one command, on a bare Debian 12 or wherever the packages are:
#   tests/run.sh           sanitizers, fuzzing, unit and end-to-end tests in their short form
#   tests/run.sh --quick   the release build and its tests only
#   tests/run.sh --long    the numbers of the reliability programme (more than a day; HILUM_SOAK_MINUTES shortens the soak)
# The last lines are ctest's own for the release build.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=short
case "${1:-}" in
  "") ;;
  --quick) mode=quick ;;
  --long) mode=long ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
jobs=${HILUM_JOBS:-$(nproc)}
begin=$SECONDS
step() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - begin)); }

# shellcheck source=tests/packages.sh
. tests/packages.sh
need build tests examples

step "HL7 and FHIR peers and examples not written here"
(cd tests/e2e/clients && npm ci --loglevel=error) || echo "not installed: e2e_clients and e2e_fhir_peers will say that they skip"
(cd tests/fhir && npm ci --loglevel=error) || echo "not installed: the tests of FHIR's examples will say that they skip"

if [ "$mode" = long ]; then
  export HILUM_LONG=1
else
  export HILUM_SOAK_MINUTES=${HILUM_SOAK_MINUTES:-0.4}  # what it is for takes hours; that it works, this long
fi
ulimit -n "$(ulimit -Hn)"

# Builds preset $1: the targets that follow, or all.
build() {
  local preset=$1
  shift
  step "$preset: build"
  mkdir -p build
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"}; } \
    >"build/$preset.log" 2>&1; then
    grep -E -A 20 'error|FAILED|CMake Error' "build/$preset.log" | head -n 80
    echo "the $preset build failed: build/$preset.log"
    exit 1
  fi
}

if [ "$mode" != quick ]; then
  # ThreadSanitizer of g++ 12 can't place its memory when the kernel randomizes addresses widely.
  fixed_addresses=""
  if setarch -R true 2>/dev/null; then fixed_addresses="setarch -R"; fi

  build asan test_parsers test_routes test_engine hilum load sink
  step "asan, ubsan: tests"
  UBSAN_OPTIONS=print_stacktrace=1 ctest --preset asan --no-label-summary -j "$jobs" \
    -R '^(parsers|routes|engine|e2e_flow|e2e_bad_peers|e2e_enrich)$'

  build tsan test_engine
  step "tsan: tests"
  $fixed_addresses ctest --preset tsan --no-label-summary -R '^engine$'

  mapfile -t targets < <(find tests/fuzz -maxdepth 1 -name 'fuzz_*.cpp' -printf '%f\n' | sed 's/\.cpp$//' | sort)
  build fuzz "${targets[@]}"
  step "fuzz: corpora, then new inputs"
  ctest --preset fuzz --no-label-summary -j "$jobs" -R '^fuzz_corpus_'
  # The short form tries the same inputs every time, so that a finding belongs to the change that made it.
  seconds=5 seed=1
  if [ "$mode" = long ]; then seconds=600 seed=0; fi
  fuzz_one() {
    local name=$1 found
    found=$(mktemp -d)
    echo "$name: $seconds s"
    if ! "build/fuzz/tests/fuzz/$name" -max_total_time="$seconds" -seed="$seed" -rss_limit_mb=1024 -timeout=10 -print_final_stats=0 \
      -artifact_prefix="build/fuzz/$name-" "$found" "tests/fuzz/corpus/${name#fuzz_}" >"build/fuzz/$name.log" 2>&1; then
      tail -n 40 "build/fuzz/$name.log"
      echo "$name found something: build/fuzz/$name-*"
      return 1
    fi
    rm -rf "$found"
  }
  export -f fuzz_one
  export seconds seed
  printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz_one "$1"' _ {}
fi

if [ "$mode" = long ]; then
  step "coverage of parsers/hl7"
  tests/coverage.sh
fi

build release
step "release: tests"
ctest --preset release --no-label-summary -j "$jobs"
