#!/usr/bin/env bash
# A facade in front of a FHIR server, from nothing to answers: builds hilum if it is not there, starts a small server and the facade,
# sends what partners send, and shows what came of it. Leaves nothing running.
#   examples/fhir-facade/run.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"

hilum=${HILUM_BIN:-$root/build/release/hilum}
if [ ! -x "$hilum" ]; then
  echo "building hilum: a few minutes the first time ..."
  # shellcheck source=tests/packages.sh
  . tests/packages.sh
  need build
  mkdir -p build
  if ! { cmake --preset release && cmake --build --preset release --target hilum; } >build/fhir-facade.log 2>&1; then
    tail -n 40 build/fhir-facade.log
    exit 1
  fi
fi
for tool in curl python3; do
  command -v "$tool" >/dev/null || { echo "$tool is needed: apt-get install $tool"; exit 1; }
done

# A copy to play with, so that the example in the tree stays as it is.
place=$(mktemp -d)
cp -r "$here"/. "$place"
cd "$place"

# Ports that are taken here give way to the next free ones.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 10)); done
  echo "$port"
}
facade_port=$(free_port 8188) server_port=$(free_port 8189) admin_port=$(free_port 8190)
sed -i "s/127.0.0.1:8188/127.0.0.1:$facade_port/; s/127.0.0.1:8189/127.0.0.1:$server_port/; s/127.0.0.1:8190/127.0.0.1:$admin_port/" hilum.yaml
base=http://127.0.0.1:$facade_port/fhir

started=()
stop() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  for process in "${started[@]}"; do wait "$process" 2>/dev/null || true; done
  rm -rf "$place"
}
trap stop EXIT

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
ask() { # WHAT CURL-ARGUMENTS...: status and body
  printf '\n%s\n' "$1"
  shift
  curl --silent --show-error --max-time 20 --header 'Content-Type: application/fhir+json' --write-out '\n  -> HTTP %{http_code}\n' "$@"
}
send() { # WHAT FILE PATH
  ask "$1" --data-binary "@messages/$2" "$base$3"
}

"$hilum" test .
python3 server.py "$server_port" &
started+=($!)
"$hilum" run hilum.yaml >engine.out 2>engine.log &
started+=($!)
wait_for 10 grep -q ready engine.out
wait_for 10 curl --silent --output server.out "http://127.0.0.1:$server_port/fhir/Patient"

send 'A patient: the server keeps it without the phone number.' patient.json /Patient
ask 'Found by the number; what leads to the server leads here.' "$base/Patient?identifier=P7001"
send 'No patient by R4: refused here, with the places.' invalid.json /Patient
send 'A transaction: results of two patients.' results.json ''
ask 'The note of the first result is gone, for the record of its patient is restricted; the second one stayed out.' "$base/Observation"
ask 'Nothing is deleted through this door.' --request DELETE "$base/Patient/7001"
ask 'Nor is anything served here but patients, encounters and observations.' "$base/Medication/1"

printf '\nWhat the facade has done, as its operator sees it:\n'
indexed() { [ "$("$hilum" messages list --admin "127.0.0.1:$admin_port" | grep -c partners_in)" = 6 ]; }
wait_for 10 indexed
"$hilum" messages list --admin "127.0.0.1:$admin_port"
