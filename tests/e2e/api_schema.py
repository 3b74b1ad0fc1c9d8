"""Holds what the ops API answers against engine/ops/openapi.yaml: as much of JSON Schema as that document uses. A member
that the document does not name is an error here, so that it does not fall behind."""

import os
import re

import yaml

import hilum_e2e as e2e

with open(os.path.join(e2e.ROOT, 'engine', 'ops', 'openapi.yaml')) as f:
    DOCUMENT = yaml.safe_load(f)

TYPES = {'object': dict, 'array': list, 'string': str, 'integer': int, 'number': (int, float), 'boolean': bool}
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z')


def resolved(node):
    while '$ref' in node:
        target = DOCUMENT
        for part in node['$ref'].removeprefix('#/').split('/'):
            target = target[part]
        node = target
    return node


def properties(schema):
    """Of an object, those of its parts too; and which are required."""
    known, required = dict(schema.get('properties', {})), list(schema.get('required', []))
    for part in schema.get('allOf', []):
        more, needed = properties(resolved(part))
        known.update(more)
        required += needed
    return known, required


def check(value, schema, where='', whole=True):
    schema = resolved(schema)
    kind = schema.get('type', 'object' if 'allOf' in schema else None)
    if kind:
        right = isinstance(value, TYPES[kind]) and (kind == 'boolean' or not isinstance(value, bool))
        e2e.check(right, f'{where}: {value!r} is no {kind}')
    if 'enum' in schema:
        e2e.check(value in schema['enum'], f'{where}: {value!r} is none of {schema["enum"]}')
    if schema.get('format') == 'date-time':
        e2e.check(TIME.fullmatch(value), f'{where}: {value!r} is no time')
    if kind == 'array':
        for i, item in enumerate(value):
            check(item, schema['items'], f'{where}[{i}]')
    if kind == 'object':
        known, required = properties(schema)
        others = schema.get('additionalProperties')
        for name in required:
            e2e.check(name in value, f'{where}: {name} is missing')
        for name, member in value.items():
            e2e.check(name in known or others, f'{where}: the document does not know {name}')
            check(member, known.get(name, others), f'{where}.{name}')


def reply(method, path, value, status=200):
    """`path` as the document writes it: /api/v1/queues/{name}."""
    answer = resolved(DOCUMENT['paths'][path][method.lower()]['responses'][str(status)])
    check(value, answer['content']['application/json']['schema'], f'{method} {path}')
