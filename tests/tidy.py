"""Holds what docs/architecture.md promises of the tree: include direction, doors of third-party libraries, formatting, size."""

import collections
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOMS = ('parsers', 'routes', 'engine')
LINES_MAX = 500

# A room may include itself and what stands here.
MAY_INCLUDE = {'parsers': {'parsers'}, 'routes': {'parsers', 'routes'}, 'engine': set(ROOMS)}

# Inside engine/: folders that may not know each other.
STRANGERS = [('engine/listeners/', 'engine/destinations/'), ('engine/destinations/', 'engine/listeners/'),
             ('engine/store/', 'engine/listeners/'), ('engine/store/', 'engine/destinations/'), ('engine/store/', 'engine/flow/'),
             ('engine/net/', 'engine/(?!net/|ops/)'), ('engine/listeners/', 'engine/delivery/')]

# Who may include which library.
DOORS = {
    r'yaml-cpp/.*': r'routes/config/yaml\.cpp',
    r'pugixml\.hpp': r'parsers/hl7/(igamt|xml.*)\.cpp',
    r'libpq-fe\.h': r'engine/outside/postgres_query\.cpp',
    r'sqlite3\.h': r'engine/store/(sqlite|index)\.(cpp|h)',
    r'rapidjson/.*': r'parsers/(json|fhir/json_reader)\.cpp',
    r'zlib\.h': r'parsers/gzip\.cpp',
    r're2/.*': r'routes/expression/regex\.cpp',
    r'(lua|lualib|lauxlib)\.h': r'routes/steps/lua_machine\.cpp',
    r'(spdlog|fmt)/.*': r'engine/ops/log\.cpp',
    r'CLI/.*': r'engine/cli/command_line\.cpp',
    r'openssl/.*': r'(engine/net/.*|parsers/uuid)\.cpp',
    r'boost/(asio|beast).*': r'engine/.*',
    r'thread|mutex|condition_variable|atomic|sys/.*|unistd\.h|fcntl\.h|netinet/.*': r'engine/.*',
    r'fstream|iostream|filesystem|cstdio': r'(routes/(config|tables)|engine)/.*',
}

FORBIDDEN = [(re.compile(r'\b(TODO|FIXME|XXX|HACK)\b'), 'unfinished work'),
             (re.compile(r'(?<![\w.])/(work|root|home/\w+)/'), 'a path of one machine')]

findings = []


def found(path, line, what):
    findings.append(f'{path}:{line}: {what}')


def files():
    for base, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in ('.git', 'build', 'node_modules', 'data', '__pycache__', 'corpus')
                            or os.path.relpath(os.path.join(base, f), ROOT) == os.path.join('tests', 'data'))
        for name in sorted(n for n in names if n != '.git'):  # a file in a worktree
            yield os.path.relpath(os.path.join(base, name), ROOT)


def room_of(path):
    return path.split('/', 1)[0]


def check_includes(path, lines):
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        target = match.group(2)
        if match.group(1) == '"':
            if room_of(target) not in ROOMS or not os.path.exists(os.path.join(ROOT, target)):
                found(path, number, f'"{target}" is no file of ours; name headers from the root of the tree')
            elif room_of(target) not in MAY_INCLUDE[room_of(path)]:
                found(path, number, f'{room_of(path)}/ may not include {room_of(target)}/ ({target})')
            for here, there in STRANGERS:
                if path.startswith(here) and re.match(there, target):
                    found(path, number, f'{here} may not include {target}')
            included.add(target)
        else:
            for library, door in DOORS.items():
                if re.fullmatch(library, target) and not re.fullmatch(door, path):
                    found(path, number, f'<{target}> may only be included by {door}')


def check_formatting(paths):
    tool = shutil.which('clang-format')
    version = subprocess.run([tool, '--version'], capture_output=True, text=True).stdout if tool else ''
    if 'version 14.' not in version:
        print(f'formatting not checked: needs clang-format 14, here is {version.strip() or "none"}')
        return
    done = subprocess.run([tool, '--dry-run', '-Werror', *paths], cwd=ROOT, capture_output=True, text=True)
    places = collections.Counter(re.findall(r'^(\S+?):\d+:\d+: error', done.stderr, re.M))
    for path, count in sorted(places.items()):
        findings.append(f'{path}: not as .clang-format wants it ({count} places); run clang-format -i')


included = set()
sources = []
headers = []
for path in files():
    try:
        with open(os.path.join(ROOT, path), encoding='utf-8') as f:
            text = f.read()
    except (UnicodeDecodeError, FileNotFoundError):
        continue
    lines = text.splitlines()
    is_source = path.endswith(('.cpp', '.h', '.ipp'))
    if is_source and room_of(path) in (*ROOMS, 'tests'):
        sources.append(path)
    if is_source and room_of(path) == 'examples':
        included.update(re.findall(r'#include <(parsers/[^>]+)>', text))  # the installed library
    if is_source and room_of(path) in ROOMS:
        check_includes(path, lines)
        if len(lines) > LINES_MAX:
            found(path, LINES_MAX, f'{len(lines)} lines; a file is one idea, at most {LINES_MAX}')
        if not path.endswith('.cpp'):
            headers.append(path)
            if path.endswith('.h') and '#pragma once' not in text:
                found(path, 1, 'no #pragma once')
    if path != os.path.relpath(os.path.abspath(__file__), ROOT) and not path.startswith('tests/data/') and path != 'LICENSE':
        for number, line in enumerate(lines, 1):
            for pattern, what in FORBIDDEN:
                if match := pattern.search(line):
                    found(path, number, f'{what}: {match.group(0)}')

for header in headers:
    if header not in included:
        found(header, 1, 'nobody includes this header')
check_formatting([s for s in sources if not s.endswith('.ipp')])

print('\n'.join(findings))
print(f'{len(sources)} source files, {len(findings)} findings')
sys.exit(1 if findings else 0)
