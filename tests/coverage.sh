#!/usr/bin/env bash
# How many lines of parsers/hl7 its unit tests run: a table by file, and the total, which must be above 95 %.
#   tests/coverage.sh           with the public message collection, where it is there
#   tests/coverage.sh --alone   without it: what the tests' own examples reach
set -euo pipefail
cd "$(dirname "$0")/.."

at_least=95
skip=()
case "${1:-}" in
  "") ;;
  # By their names, which say what they read.
  --alone) skip=(-tce='*collection*,samples:*,values agree*') ;;
  *) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

# shellcheck source=tests/packages.sh
. tests/packages.sh
need build tests coverage

mkdir -p build
if ! { cmake --preset coverage && cmake --build --preset coverage -j "${HILUM_JOBS:-$(nproc)}" --target test_parsers; } \
  >build/coverage.log 2>&1; then
  tail -n 40 build/coverage.log
  echo "the coverage build failed: build/coverage.log"
  exit 1
fi
# Counts of an earlier run would be added to.
find build/coverage -name '*.gcda' -delete
build/coverage/tests/test_parsers --minimal "${skip[@]}"
gcovr --root . --object-directory build/coverage --filter 'parsers/hl7/' --fail-under-line "$at_least"
