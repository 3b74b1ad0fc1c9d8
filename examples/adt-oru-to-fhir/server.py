#!/usr/bin/env python3
"""A FHIR server in miniature, so that the example runs where there is none: it keeps what transactions put in memory, and finds it by
type and identifier. No more than run.sh needs; python3 server.py PORT."""

import http.server
import json
import sys
import urllib.parse

BASE = '/fhir/'
kept = {}  # "Patient/1": the resource
transactions = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/fhir+json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        kind = url.path.removeprefix(BASE)
        if kind == 'transactions':  # no FHIR: how many have come, for run.sh to wait for
            return self.reply(200, len(transactions))
        wanted = urllib.parse.parse_qs(url.query).get('identifier', [''])[0]
        found = [r for at, r in kept.items() if at.startswith(kind + '/')
                 and (not wanted or any(i.get('value') == wanted for i in r.get('identifier', [])))]
        self.reply(200, {'resourceType': 'Bundle', 'type': 'searchset', 'total': len(found), 'entry': [{'resource': r} for r in found]})

    def do_POST(self):
        """A transaction of puts; references by urn:uuid lead to what the entry of that fullUrl becomes."""
        text = self.rfile.read(int(self.headers.get('Content-Length') or 0)).decode()
        for entry in json.loads(text)['entry']:
            text = text.replace('"reference":"' + entry['fullUrl'] + '"', '"reference":"' + entry['request']['url'] + '"')
        answers = []
        for entry in json.loads(text)['entry']:
            at = entry['request']['url']
            answers.append({'response': {'status': '200' if at in kept else '201', 'location': f'{at}/_history/1'}})
            kept[at] = entry['resource']
        transactions.append(answers)
        self.reply(200, {'resourceType': 'Bundle', 'type': 'transaction-response', 'entry': answers})

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
