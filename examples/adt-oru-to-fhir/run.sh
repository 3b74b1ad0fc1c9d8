#!/usr/bin/env bash
# A hospital's ADT and laboratory feeds reach a FHIR server: tests the routes, starts a small server and the engine, sends messages as the
# two systems would, and shows what the server has then. Builds hilum where it is missing; leaves nothing running.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=examples/demo.sh
. "$root/examples/demo.sh"
demo_build
demo_copy adt-oru-to-fhir
demo_port adt 2691
demo_port lab 2692
demo_port server_port 8289
demo_port admin_port 8290
base=http://127.0.0.1:$server_port/fhir

printf '$ hilum test .\n'
hilum test .
demo_start server python3 server.py "$server_port"
demo_start engine hilum run hilum.yaml
demo_wait 10 grep -q ready engine.out
demo_wait 10 curl --silent --output server.out "$base/Patient"

send() { # PORT FILE
  printf '\n$ hilum send --to 127.0.0.1:%s %s\n' "$1" "$2"
  hilum send --to "127.0.0.1:$1" "$2"
}
transactions() { [ "$(curl --silent "$base/transactions")" = "$1" ]; }
ask() { # WHAT PATH
  printf '\n%s\n' "$1"
  curl --silent --show-error --max-time 20 "$base/$2"
  printf '\n'
}
send "$adt" messages/admit.hl7
demo_wait 10 transactions 1
send "$lab" messages/results.hl7
demo_wait 10 transactions 2
send "$adt" messages/update.hl7
demo_wait 10 transactions 3
send "$adt" messages/merge.hl7
demo_wait 10 transactions 4
ask 'The patient, after four messages with one id: the new name, and the number that it replaces.' 'Patient?identifier=M4711'
ask 'The number that was replaced.' 'Patient?identifier=M9999'
ask 'The visit: where the patient is now.' Encounter
ask 'The results.' Observation

send "$adt" messages/unknown-segment.hl7
printf '\nWhat the engine has done, as its operator sees it; the last message has a segment that nobody has looked at:\n'
indexed() { [ "$(hilum messages list --admin "127.0.0.1:$admin_port" | grep -c _in)" = 5 ]; }
demo_wait 10 indexed
hilum messages list --admin "127.0.0.1:$admin_port"
hilum messages show 5 --admin "127.0.0.1:$admin_port"
