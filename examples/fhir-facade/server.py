#!/usr/bin/env python3
"""A FHIR server in miniature, so that the example runs where there is none: it keeps what is put into memory, reads it back and
searches it by identifier. No more than run.sh needs; python3 server.py PORT."""

import http.server
import json
import sys
import urllib.parse

BASE = '/fhir'
kept = {}  # "Patient/1": the versions of it


def outcome(code, text):
    return {'resourceType': 'OperationOutcome', 'issue': [{'severity': 'error', 'code': code, 'diagnostics': text}]}


def put(path, resource):
    versions = kept.setdefault(path, [])
    resource['meta'] = {**resource.get('meta', {}), 'versionId': str(len(versions) + 1)}
    versions.append(resource)
    return 201 if len(versions) == 1 else 200


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def reply(self, status, resource, **headers):
        data = json.dumps(resource).encode()
        self.send_response(status)
        for name, value in {'Content-Type': 'application/fhir+json', 'Content-Length': len(data), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def base(self):
        return f'http://{self.headers["Host"]}{BASE}'

    def path_and_query(self):
        url = urllib.parse.urlsplit(self.path)
        return url.path.removeprefix(BASE).strip('/'), urllib.parse.parse_qs(url.query)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get('Content-Length') or 0)))

    def do_GET(self):
        path, query = self.path_and_query()
        if path in kept:
            return self.reply(200, kept[path][-1], ETag=f'W/"{len(kept[path])}"')
        if '/' in path:
            return self.reply(404, outcome('not-found', 'there is no such resource'))
        wanted = query.get('identifier', [''])[0].split('|')[-1]
        found = {at: versions[-1] for at, versions in kept.items() if at.startswith(path + '/')
                 and (not wanted or any(i.get('value') == wanted for i in versions[-1].get('identifier', [])))}
        entry = [{'fullUrl': f'{self.base()}/{at}', 'resource': resource} for at, resource in found.items()]
        return self.reply(200, {'resourceType': 'Bundle', 'type': 'searchset', 'total': len(entry),
                                'link': [{'relation': 'self', 'url': f'http://{self.headers["Host"]}{self.path}'}],
                                **({'entry': entry} if entry else {})})

    def do_PUT(self):
        path, _ = self.path_and_query()
        resource = self.body()
        status = put(path, resource)
        version = len(kept[path])
        self.reply(status, resource, ETag=f'W/"{version}"', Location=f'{self.base()}/{path}/_history/{version}')

    def do_POST(self):
        """A transaction of puts; references by urn:uuid lead to what was made of the entry."""
        text = json.dumps(self.body())
        for entry in json.loads(text)['entry']:
            if entry.get('fullUrl', '').startswith('urn:'):
                text = text.replace('"' + entry['fullUrl'] + '"', '"' + entry['request']['url'] + '"')
        entries = []
        for entry in json.loads(text)['entry']:
            path = entry['request']['url']
            status = put(path, entry['resource'])
            entries.append({'response': {'status': str(status), 'location': f'{self.base()}/{path}/_history/{len(kept[path])}'}})
        self.reply(200, {'resourceType': 'Bundle', 'type': 'transaction-response', 'entry': entries})

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
