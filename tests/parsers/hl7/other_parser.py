"""What python3-hl7 (Debian) reads in every single message of the public collection: file, path, raw value in hex, by tabs.

For other_parser_test.cpp, which compares it with what Hilum reads. Exit 3: python3-hl7 is not installed."""

import csv
import os
import sys

try:
    import hl7
except ImportError:
    sys.exit(3)


def leaves(path, repetition):
    """Components and subcomponents of a repetition; a level that was not split is the value itself."""
    if isinstance(repetition, str):
        yield path, repetition
        return
    for n, component in enumerate(repetition, 1):
        whole = isinstance(component, str)
        at = path if whole and len(repetition) == 1 else f'{path}.{n}'
        if whole:
            yield at, component
        else:
            for m, subcomponent in enumerate(component, 1):
                yield (at if len(component) == 1 else f'{at}.{m}'), subcomponent


def paths(message):
    seen = {}
    for segment in message:
        name = str(segment[0])
        seen[name] = seen.get(name, 0) + 1
        if len(name) != 3 or not name.isalnum() or not name.isupper():
            continue  # no segment name: no path leads there
        for number in range(1, len(segment)):
            of = f'{name}[{seen[name]}]-{number}'
            if name in ('MSH', 'FHS', 'BHS') and number < 3:
                yield of, str(segment[number])
                continue
            for repetition, value in enumerate(segment[number], 1):
                yield from leaves(f'{of}[{repetition}]', value)


def main(folder):
    out = sys.stdout.buffer
    with open(os.path.join(folder, 'manifest.csv'), newline='') as f:
        rows = [r for r in csv.DictReader(f) if r['class'] == 'single']
    for row in rows:
        with open(os.path.join(folder, row['path']), 'rb') as f:
            text = f.read().decode('latin-1')
        text = text[text.index('MSH'):].replace('\r\n', '\r').replace('\n', '\r').strip('\r')
        try:
            message = hl7.parse(text)
        except Exception as e:  # it refuses some that are right
            out.write(f'{row["path"]}\trefused\t{type(e).__name__.encode().hex()}\n'.encode())
            continue
        for path, value in paths(message):
            out.write(f'{row["path"]}\t{path}\t{value.encode("latin-1").hex()}\n'.encode())


main(sys.argv[1])
