#!/usr/bin/env bash
# A portal's FHIR resources reach two systems that speak HL7 v2: tests the routes, starts the two receivers and the engine, posts a
# registration and an order, and shows what came. Builds hilum where it is missing; leaves nothing running.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=examples/demo.sh
. "$root/examples/demo.sh"
demo_build
demo_copy fhir-to-mllp
demo_port portal 2671
demo_port pas 2681
demo_port lab 2682
demo_port admin 8087

printf '$ hilum test .\n'
hilum test .
demo_start pas hilum listen "$pas" --out pas
demo_start lab hilum listen "$lab" --out lab
demo_start engine hilum run hilum.yaml
demo_wait 10 grep -q ready engine.out

post() { # PATH FILE
  printf '\n$ curl --data-binary @%s http://127.0.0.1:%s/fhir%s\n' "$2" "$portal" "$1"
  curl -sS -H 'Content-Type: application/fhir+json' --data-binary "@$2" -w '\nHTTP %{http_code}\n' "http://127.0.0.1:$portal/fhir$1"
}
post /Patient messages/patient.json
post "" messages/order.json
delivered() { [ "$(find pas lab -name '*.hl7' | wc -l)" -eq 2 ]; }
demo_wait 10 delivered
for system in pas lab; do
  printf '\nWhat the %s got:\n' "$system"
  for file in "$system"/*.hl7; do tr '\r' '\n' <"$file"; done
done
