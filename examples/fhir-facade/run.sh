#!/usr/bin/env bash
# A facade in front of a FHIR server, from nothing to answers: builds hilum if it is not there, starts a small server and the facade,
# sends what partners send, and shows what came of it. Leaves nothing running.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=examples/demo.sh
. "$root/examples/demo.sh"
demo_build
demo_copy fhir-facade
demo_port facade_port 8188
demo_port server_port 8189
demo_port admin_port 8190
base=http://127.0.0.1:$facade_port/fhir

ask() { # WHAT CURL-ARGUMENTS...: status and body
  printf '\n%s\n' "$1"
  shift
  curl --silent --show-error --max-time 20 --header 'Content-Type: application/fhir+json' --write-out '\n  -> HTTP %{http_code}\n' "$@"
}
send() { # WHAT FILE PATH
  ask "$1" --data-binary "@messages/$2" "$base$3"
}

hilum test .
demo_start server python3 server.py "$server_port"
demo_start engine hilum run hilum.yaml
demo_wait 10 grep -q ready engine.out
demo_wait 10 curl --silent --output server.out "http://127.0.0.1:$server_port/fhir/Patient"

send 'A patient: the server keeps it without the phone number.' patient.json /Patient
ask 'Found by the number; what leads to the server leads here.' "$base/Patient?identifier=P7001"
send 'No patient by R4: refused here, with the places.' invalid.json /Patient
send 'A transaction: results of two patients.' results.json ''
ask 'The note of the first result is gone, for the record of its patient is restricted; the second one stayed out.' "$base/Observation"
ask 'Nothing is deleted through this door.' --request DELETE "$base/Patient/7001"
ask 'Nor is anything served here but patients, encounters and observations.' "$base/Medication/1"

printf '\nWhat the facade has done, as its operator sees it:\n'
indexed() { [ "$(hilum messages list --admin "127.0.0.1:$admin_port" | grep -c partners_in)" = 6 ]; }
demo_wait 10 indexed
hilum messages list --admin "127.0.0.1:$admin_port"
