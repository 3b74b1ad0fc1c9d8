# shellcheck shell=bash
# What the examples that run by one command share; sourced by their run.sh, with `root` set to the repository.

# Builds hilum where it is missing, and puts it on the PATH; HILUM_BIN names another one.
demo_build() {
  # shellcheck source=tests/packages.sh
  . "$root/tests/packages.sh"
  need build examples
  mkdir -p "$root/build"
  if [ -z "${HILUM_BIN:-}" ] && [ ! -x "$root/build/release/hilum" ]; then
    echo "building hilum: a few minutes the first time ..."
    if ! (cd "$root" && cmake --preset release && cmake --build --preset release --target hilum) >"$root/build/example.log" 2>&1; then
      tail -n 40 "$root/build/example.log"
      exit 1
    fi
  fi
  PATH=$(dirname "${HILUM_BIN:-$root/build/release/hilum}"):$PATH
}

# Goes to a copy of an example to play with, so that the one in the tree stays as it is: NAME.
demo_copy() {
  local place=$root/build/$1
  rm -rf "$place"
  cp -r "$root/examples/$1" "$place"
  cd "$place"
}

# A port that is taken here gives way to the next free one: sets the variable $1, and writes it into hilum.yaml in place of $2.
demo_port() {
  local port=$2
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 10)); done
  sed -i "s/127.0.0.1:$2/127.0.0.1:$port/" hilum.yaml
  printf -v "$1" %s "$port"
}

# Starts a process that ends with the script: LOG COMMAND...
demo_started=()
demo_start() {
  local log=$1
  shift
  "$@" >"$log.out" 2>"$log.log" &
  demo_started+=($!)
}
demo_stop() {
  for process in "${demo_started[@]}"; do kill "$process" 2>/dev/null || true; done
  for process in "${demo_started[@]}"; do wait "$process" 2>/dev/null || true; done
}
trap demo_stop EXIT

# Until the command succeeds: SECONDS COMMAND...
demo_wait() {
  local end=$((SECONDS + $1))
  shift
  until "$@" 2>/dev/null; do
    if [ $SECONDS -ge $end ]; then
      echo "waited in vain for: $*"
      tail -n 20 ./*.log
      exit 1
    fi
    sleep 0.1
  done
}
