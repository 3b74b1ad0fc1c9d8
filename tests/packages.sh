# shellcheck shell=bash disable=SC2034
# What a bare Debian 12 needs, said once; sourced by tests/run.sh and examples/quickstart.sh.
#   need build          a compiler, the libraries, and the time zones that routes may name
#   need build tests    also what the tests and sanitizer builds use
#   need examples       what the examples that run by one command show with
#   need coverage       what tests/coverage.sh reads the counts with
# Installs with apt-get, as root or by sudo, and only when something is missing.

packages_build="g++ cmake ninja-build ccache pkg-config libboost1.81-dev rapidjson-dev libyaml-cpp-dev libsqlite3-dev
  libssl-dev libre2-dev libpugixml-dev libspdlog-dev libfmt-dev libcli11-dev liblua5.4-dev libpq-dev zlib1g-dev tzdata"
packages_tests="doctest-dev libbenchmark-dev python3 python3-hl7 python3-yaml postgresql clang clang-format libclang-rt-14-dev"
packages_examples="curl python3"
packages_coverage="gcovr"

need() {
  local missing="" list package
  for list in "$@"; do
    local name="packages_$list"
    for package in ${!name}; do
      dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' || missing="$missing $package"
    done
    if [ "$list" = tests ]; then
      command -v node >/dev/null || missing="$missing nodejs"
      command -v npm >/dev/null || missing="$missing npm"
    fi
  done
  [ -z "$missing" ] && return 0
  if ! command -v apt-get >/dev/null; then
    echo "please install:$missing (names as in Debian 12)" >&2
    return 1
  fi
  local sudo=""
  [ "$(id -u)" = 0 ] || sudo=sudo
  echo "installing:$missing" >&2
  $sudo apt-get update -q >&2
  # shellcheck disable=SC2086
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
}
