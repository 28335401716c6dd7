#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a table of the built-in policies' texts, without programs.

texts.py OUTPUT NAME.sbx...: what the program of the build that compiles them reads them
from (policy/readers.h: builtins). A text's third line says what it is for.
"""

import sys
from pathlib import Path


def quoted(text):
    if '"' in text or "\\" in text:
        sys.exit(f"{text}: a title with quotes")
    return f'"{text}"'


def rows(paths):
    for number, path in enumerate(paths):
        data = path.read_bytes()
        about = data.decode().splitlines()[2].lstrip("# ")
        yield number, path.stem, about, data


def source(paths):
    yield '#include "policy/readers.h"\n\n#include <stddef.h>\n\n'
    table = list(rows(paths))
    for number, _, _, data in table:
        yield f"static const char text_{number}[] = {{\n"
        for i in range(0, len(data), 24):
            yield "\t" + " ".join(f"{byte}," for byte in data[i : i + 24]) + "\n"
        yield "\t0,\n};\n\n"
    yield "const struct builtin builtins[] = {\n"
    for number, name, about, data in table:
        yield f"\t{{ {quoted(name)}, {quoted(about)}, text_{number}, {len(data)}, 0, NULL, 0 }},\n"
    yield "\t{ NULL, NULL, NULL, 0, 0, NULL, 0 },\n};\n"


def main():
    output, *paths = map(Path, sys.argv[1:])
    output.write_text("".join(source(paths)))


main()
