#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every property of the runtime specification's schema stands in docs/oci.md exactly once,
with its state and a test that exists."""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FILES = {"b": "test_bundle", "l": "test_bundle_linux", "m": "test_bundle_mounts"}
STATES = {"works", "refused", "ignored"}


class Schema:
    def __init__(self, folder):
        self.folder = folder
        self.documents = {}
        self.properties = []

    def load(self, name):
        if name not in self.documents:
            path = self.folder / name
            self.documents[name] = json.loads(path.read_text()) if path.exists() else None
        return self.documents[name]

    def follow(self, reference, name):
        """What a $ref means; None for a document of another platform."""
        where, _, pointer = reference.partition("#")
        where = where or name
        value = self.load(where)
        for key in pointer.split("/"):
            if key and value is not None:
                value = value[key]
        return value, where

    def walk(self, schema, name, path):
        parts = list(schema.get("allOf", [])) + list(schema.get("anyOf", []))
        inner = [(part, name, path) for part in parts]
        if "$ref" in schema:
            target, where = self.follow(schema["$ref"], name)
            if target is not None:
                inner.append((target, where, path))
        for key, value in schema.get("properties", {}).items():
            inner.append((value, name, f"{path}.{key}" if path else key))
        for value in self.of_any_key(schema):
            inner.append((value, name, f"{path}.*"))
        if "items" in schema:
            inner.append((schema["items"], name, f"{path}[]"))
        for entry in inner:
            self.walk(*entry)
        if not inner and path not in self.properties:
            self.properties.append(path)

    @staticmethod
    def of_any_key(schema):
        more = schema.get("additionalProperties")
        return ([more] if isinstance(more, dict) else []) + list(
            schema.get("patternProperties", {}).values()
        )


def expand(text):
    """a.{b,c}.d as a.b.d and a.c.d."""
    match = re.search(r"\{([^{}]*)\}", text)
    if not match:
        return [text]
    before, after = text[: match.start()], text[match.end() :]
    return [one for word in match[1].split(",") for one in expand(before + word + after)]


def rows_of(page):
    inside = False
    for line in page.splitlines():
        if line.startswith("| member |"):
            inside = True
        elif inside and not line.startswith("|"):
            return
        elif inside and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def check_test(cell):
    letter, _, name = cell.partition(": ")
    if letter not in FILES:
        return f"'{cell}' names no test"
    source = (ROOT / "tests" / "unit" / f"{FILES[letter]}.c").read_text()
    return None if f"TEST({name})" in source else f"{FILES[letter]}.c has no test {name}"


def unknown_to_the_reader(properties):
    """Those that the list of what is passed over would call unknown."""
    source = (ROOT / "plan" / "from_oci_unknown.c").read_text()
    unlisted = re.compile(
        r"^(annotations|linux\.(netDevices|seccomp|sysctl|intelRdt|memoryPolicy)"
        r"|linux\.resources\.(unified|rdma))\."
    )
    for one in properties:
        key = one.rsplit(".", 1)[-1].rstrip("[]")
        if not unlisted.match(one) and f'"{key}" }}' not in source:
            yield one


def main():
    schema = Schema(HERE / "schema")
    schema.walk(schema.load("config-schema.json"), "config-schema.json", "")
    listed, complaints = {}, []
    for cells in rows_of((ROOT / "docs" / "oci.md").read_text()):
        members = [m for text in re.findall(r"`([^`]+)`", cells[0]) for m in expand(text)]
        complaint = check_test(cells[3])
        if complaint:
            complaints.append(complaint)
        if cells[1] not in STATES:
            complaints.append(f"{cells[0]}: '{cells[1]}' is no state")
        for member in members:
            if member in listed:
                complaints.append(f"{member} is there twice")
            listed[member] = cells[1]
    complaints += [f"{one} is missing" for one in schema.properties if one not in listed]
    complaints += [f"{one} is no property" for one in listed if one not in schema.properties]
    complaints += [
        f"{one}: plan/from_oci_unknown.c does not know it"
        for one in unknown_to_the_reader(schema.properties)
    ]
    for complaint in complaints:
        print(f"docs/oci.md: {complaint}")
    return 1 if complaints or len(schema.properties) < 100 else 0


sys.exit(main())
