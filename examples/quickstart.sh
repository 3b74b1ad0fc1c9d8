#!/usr/bin/env bash
# From a fresh clone to delivered messages: installs what is missing (Debian 12), builds hilum, runs the small hospital beside
# this script, sends it five messages and shows what became of them.
#   examples/quickstart.sh          leaves nothing running
#   examples/quickstart.sh --keep   leaves the engine and the laboratory running
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
keep=no
case "${1:-}" in
  "") ;;
  --keep) keep=yes ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

# shellcheck source=tests/packages.sh
. tests/packages.sh
need build

if [ ! -x build/release/hilum ]; then echo "building hilum: a few minutes the first time ..."; fi
mkdir -p build
if ! { cmake --preset release && cmake --build --preset release --target hilum; } >build/quickstart.log 2>&1; then
  tail -n 40 build/quickstart.log
  exit 1
fi
export PATH="$root/build/release:$PATH"

# A copy to play with, so that the example in the tree stays as it is.
place=$root/build/small-hospital
rm -rf "$place"
cp -r examples/small-hospital "$place"
cd "$place"

# Ports that are taken here give way to the next free ones.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 10)); done
  echo "$port"
}
in_port=$(free_port 2575) lab_port=$(free_port 2576) admin_port=$(free_port 8080)
sed -i "s/127.0.0.1:2575/127.0.0.1:$in_port/; s/127.0.0.1:2576/127.0.0.1:$lab_port/; s/127.0.0.1:8080/127.0.0.1:$admin_port/" hilum.yaml
export HILUM_ADMIN=127.0.0.1:$admin_port

started=()
stop() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  for process in "${started[@]}"; do wait "$process" 2>/dev/null || true; done
}
trap stop EXIT

show() {
  printf '\n$ %s\n' "$*"
  "$@"
}
wait_for() { # SECONDS COMMAND...: until it succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@" 2>/dev/null; do
    if [ $SECONDS -ge $end ]; then
      echo "waited in vain for: $*"
      tail -n 20 engine.log
      exit 1
    fi
    sleep 0.1
  done
}

show hilum check hilum.yaml

# The laboratory: a receiver that acknowledges and keeps what it gets.
hilum listen "$lab_port" --out lab >lab.log &
started+=($!)
printf '\n$ hilum run hilum.yaml\n'
hilum run hilum.yaml >engine.out 2>engine.log &
started+=($!)
wait_for 10 grep ready engine.out

show hilum send --to "127.0.0.1:$in_port" messages/*.hl7
delivered() { [ "$(find lab archive -name '*.hl7' 2>/dev/null | wc -l)" -ge 8 ]; }
wait_for 10 delivered
# The index follows a moment behind.
indexed() { [ "$(hilum messages list | grep -c 'ADM.*:delivered$')" = 5 ]; }
wait_for 10 indexed

show hilum queues list
show hilum messages list
printf '\nThree reached the laboratory, changed by the route:\n'
for file in lab/*.hl7; do
  printf '  %s  ' "$file"
  hilum eval "MSH-10 & ' for ' & MSH-5 & ': ' & PID-5.1 & ', ward ' & PV1-3.1" "$file"
done
printf '\nAll five are in the archive, byte for byte as they came:\n'
for file in archive/*.hl7; do printf '  %s\n' "$file"; done
for message in messages/*.hl7; do
  id=$(hilum eval MSH-10 "$message")
  cmp "$message" archive/*-"$id".hl7
done
printf '\nADM0004 was filtered from the laboratory (a discharge), and ADM0005 is held for a person: its ward is not in the table.\n'
show hilum messages show "$(hilum messages list --control-id ADM0005 --json | sed -n 's/.*"message": *\([0-9]*\).*/\1/p' | head -n 1)"

cat <<END

Where to look ($place):
  hilum.yaml                     the configuration that just ran
  lab/ archive/                  what was delivered
  data/journal/                  every message, before it was acknowledged (docs/journal.md)
  engine.log                     what the engine says
  curl http://$HILUM_ADMIN/metrics
  docs/configuration.md          all listeners, steps and destinations
END
if [ "$keep" = yes ]; then
  trap - EXIT
  cat <<END

Still running; in another terminal:
  export PATH=$root/build/release:\$PATH HILUM_ADMIN=$HILUM_ADMIN
  hilum send --to 127.0.0.1:$in_port $place/messages/01_admit.hl7
  hilum queues list
Stop them with: kill ${started[*]}
END
fi
