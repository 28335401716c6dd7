#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes policy/tables_data.h's tables of the lists beside this file.

generate.py DIR OUTPUT: one C source of constants. Strings lie in one array and rows hold
offsets into it, so that nothing is relocated when a program starts.
"""

import re
import sys
from pathlib import Path

ABIS = ["x86_64", "x32", "i386", "aarch64", "arm"]
X32_BIT = 0x40000000
NO_NUMBER = 0xFFFFFFFF
CALL_PLACES = 4096
KINDS = {
    "n": "ARGUMENT_NUMBER",
    "p": "ARGUMENT_POINTER",
    "fd": "ARGUMENT_FD",
    "w": "ARGUMENT_WORD",
    "f": "ARGUMENT_FLAGS",
}


class Mistake(Exception):
    pass


def lines_of(path):
    """The words of each line of a list, without comments."""
    for line in path.read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            yield words


class Words:
    """All strings, one behind the other; offset 0 is the empty one."""

    def __init__(self):
        self.text = b"\0"
        self.known = {"": 0}

    def at(self, word):
        if word not in self.known:
            self.known[word] = len(self.text)
            self.text += word.encode() + b"\0"
        return self.known[word]


def read_calls(path):
    calls = {}
    for name, *numbers in lines_of(path):
        if len(numbers) == 1:
            numbers *= len(ABIS)
        if len(numbers) != len(ABIS) or name in calls:
            raise Mistake(f"{path}: {name}: one or {len(ABIS)} numbers, once")
        calls[name] = [NO_NUMBER if n == "-" else int(n, 0) for n in numbers]
        if calls[name][1] != NO_NUMBER:
            calls[name][1] |= X32_BIT
    return calls


def read_arguments(path, calls, families):
    rows = {}
    for name, *words in lines_of(path):
        if name not in calls or name in rows:
            raise Mistake(f"{path}: {name}: no call, or there already")
        rows[name] = [read_argument(path, name, word, families) for word in words]
    return rows


def read_argument(path, call, word, families):
    match = re.fullmatch(r"(\w+)=(fd|[nNpwWfF])(?::(\w+))?", word)
    if not match:
        raise Mistake(f"{path}: {call}: {word} is no argument")
    name, kind, family = match.groups()
    if (family or "") not in ("", *families) or (kind in "wWfF") != bool(family):
        raise Mistake(f"{path}: {call}: {word}: the family is missing or unknown")
    wide = kind.isupper() or kind == "p"
    return name, KINDS[kind.lower()], wide, family or ""


def read_constants(path):
    families, constants = {}, {}
    family = None
    for name, *values in lines_of(path):
        if name.startswith("["):
            family = families.setdefault(name.strip("[]"), [])
            continue
        if family is None or name in constants or len(values) not in (1, 2):
            raise Mistake(f"{path}: {name}: no family, there already, or no value")
        if len(values) == 1:
            values *= 2
        constants[name] = [None if v == "-" else int(v, 0) for v in values]
        family.append(name)
    return families, constants


def read_groups(path, calls):
    """@NAME VERSION WHAT…, then lines of calls and groups until the next such line."""
    groups, titles = {}, {}
    members = None
    for line in path.read_text().splitlines():
        if line.startswith("@"):
            name, version, what = line.split(None, 2)
            members = groups.setdefault((name, int(version)), [])
            titles[name] = what
        elif members is not None:
            members += line.split("#")[0].split()
    groups[("@known", 1)] = sorted(calls)
    titles["@known"] = "every call that has a name here"
    resolved = {key: resolve(path, groups, calls, key, ()) for key in groups}
    return resolved, titles


def resolve(path, groups, calls, key, above):
    if key in above:
        raise Mistake(f"{path}: {key[0]} contains itself")
    found = {}
    for member in groups[key]:
        if member.startswith("@"):
            inner = (member, key[1])
            if inner not in groups:
                raise Mistake(f"{path}: {key[0]}: there is no {member}")
            found.update(dict.fromkeys(resolve(path, groups, calls, inner, (*above, key))))
        elif member in calls:
            found[member] = None
        else:
            raise Mistake(f"{path}: {key[0]}: there is no call {member}")
    return sorted(found)


def array(declaration, rows, per_line=1):
    lines = [
        "\t" + " ".join(f"{row}," for row in rows[i : i + per_line])
        for i in range(0, len(rows), per_line)
    ]
    return f"{declaration} = {{\n" + "\n".join(lines) + "\n};\n"


def places_of(names, size):
    """An open hash of rows from 1 by name: tables.c, find_call()."""
    places = [0] * size
    for row, name in enumerate(names, 1):
        place = 2166136261
        for byte in name.encode():
            place = (place ^ byte) * 16777619 & 0xFFFFFFFF
        while places[place % size]:
            place += 1
        places[place % size] = row
    return places


def call_tables(calls, arguments, words):
    names = sorted(calls)
    rows, argument_rows = [], []
    for name in names:
        given = arguments.get(name, [])
        numbers = ", ".join(hex(n) for n in calls[name])
        rows.append(
            f"{{ {words.at(name)}, {{ {numbers} }}, {len(argument_rows)}, {len(given)} }}"
        )
        argument_rows += [
            f"{{ {words.at(n)}, {words.at(f)}, {kind}, {int(wide)} }}"
            for n, kind, wide, f in given
        ]
    yield array("const struct call_row table_calls[]", rows)
    yield f"const size_t table_call_count = {len(rows)};\n"
    yield array("const uint16_t table_call_places[CALL_PLACE_COUNT]", places_of(names, CALL_PLACES), 16)
    yield f"_Static_assert(CALL_PLACE_COUNT == {CALL_PLACES}, \"two sizes of one table\");\n"
    yield array("const struct argument_row table_arguments[]", argument_rows)
    yield f"_Static_assert({len(argument_rows)} <= TABLE_ARGUMENTS, \"raise TABLE_ARGUMENTS\");\n"
    starts, numbers, by_number = [0], [], []
    for abi in range(len(ABIS)):
        shown = {}
        for row, name in enumerate(names):
            number = calls[name][abi]
            if number != NO_NUMBER:
                shown.setdefault(number, row)
        for number in sorted(shown):
            numbers.append(hex(number))
            by_number.append(shown[number])
        starts.append(len(numbers))
    yield array("const uint16_t table_abi_starts[]", starts, 6)
    yield array("const uint32_t table_numbers[]", numbers, 12)
    yield array("const uint16_t table_by_number[]", by_number, 16)


def constant_tables(families, constants, words):
    names = sorted(constants)
    rows = []
    for name in names:
        x86, arm = constants[name]
        on = (x86 is not None) | (arm is not None) << 1
        rows.append(f"{{ {words.at(name)}, {on}, {{ {x86 or 0:#x}, {arm or 0:#x} }} }}")
    yield array("const struct constant_row table_constants[]", rows)
    yield f"const size_t table_constant_count = {len(rows)};\n"
    position = {name: row for row, name in enumerate(names)}
    members, family_rows = [], []
    for family in sorted(families):
        family_rows.append(f"{{ {words.at(family)}, {len(members)}, {len(families[family])} }}")
        members += [position[name] for name in families[family]]
    yield array("const struct family_row table_families[]", family_rows)
    yield f"const size_t table_family_count = {len(family_rows)};\n"
    yield array("const uint16_t table_family_members[]", members, 16)


def group_tables(groups, titles, calls, words):
    names = sorted(calls)
    position = {name: row for row, name in enumerate(names)}
    rows, members = [], []
    for (name, version), group in sorted(groups.items()):
        rows.append(f"{{ {words.at(name)}, {version}, {len(members)}, {len(group)} }}")
        members += [position[call] for call in group]
    yield array("const struct group_row table_groups[]", rows)
    yield f"const size_t table_group_count = {len(rows)};\n"
    yield array("const uint16_t table_group_members[]", members, 16)
    # Each list of members ends with a NULL.
    needed = len(members) + len(rows)
    yield f"_Static_assert({needed} <= TABLE_MEMBERS, \"raise TABLE_MEMBERS\");\n"
    title_rows = [f'{{ "{name}", "{titles[name]}" }}' for name in sorted(titles)]
    yield array("const struct group_title table_titles[]", [*title_rows, "{ NULL, NULL }"])


def source(folder):
    words = Words()
    calls = read_calls(folder / "calls")
    families, constants = read_constants(folder / "constants")
    arguments = read_arguments(folder / "arguments", calls, families)
    groups, titles = read_groups(folder / "groups", calls)
    yield "/* Made by policy/tables/generate.py; to change it, change the lists there. */\n"
    yield '#include "policy/tables_data.h"\n\n'
    yield from call_tables(calls, arguments, words)
    yield from constant_tables(families, constants, words)
    yield from group_tables(groups, titles, calls, words)
    yield array("const char table_words[]", list(words.text), 24)


def main():
    folder, output = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        output.write_text("".join(source(folder)))
    except Mistake as mistake:
        sys.exit(str(mistake))


main()
