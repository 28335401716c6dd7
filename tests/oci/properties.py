#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every property of the runtime specification's schema stands in docs/oci.md exactly once,
with its state and a test that exists; and `sbx-oci features` says the same as that page."""

import json
import os
import pathlib
import re
import subprocess
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


def rows_of(page, head="member"):
    inside = False
    for line in page.splitlines():
        if line.startswith(f"| {head} |"):
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


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def mount_options(page):
    """Those of the page's table, where "with `r`" and "with an `r` in front" add more."""
    found, before = set(), []
    for cells in rows_of(page, "words"):
        own = [word for word in words(cells[0]) if word != "r"]
        if cells[0].startswith("the same with an"):
            own = [f"r{word}" for word in before]
        elif "and with `r`" in cells[0]:
            own += [f"r{word}" for word in own]
        elif "with `ro`" in cells[0]:
            own = ["remount"]
        found.update(own)
        before = own
    return found


def annotations(page):
    """Those that are obeyed, by the beginning that they have in common."""
    for cells in rows_of(page, "annotation"):
        if cells[1] != "refused" and not cells[1].startswith("listed as ignored"):
            yield from (word.removesuffix("NAME") for word in words(cells[0]))


def differing_features(page, listed, features):
    linux = features["linux"]
    built_in = features["annotations"]["sbx.options"].split()
    works = {member for member, state in listed.items() if state == "works"}
    hooks = {member.split(".")[1].rstrip("[]") for member in works if member.startswith("hooks.")}
    pairs = [
        ("hooks", set(features["hooks"]), hooks),
        ("mountOptions", set(features["mountOptions"]), mount_options(page)),
        (
            "annotations",
            set(features["potentiallyUnsafeConfigAnnotations"]),
            set(annotations(page)),
        ),
        ("memoryPolicy", "memoryPolicy" in linux, "linux.memoryPolicy.mode" in works),
    ]
    for name, switch, member in [
        ("intelRdt", linux["intelRdt"]["enabled"], "linux.intelRdt.closID"),
        ("netDevices", linux["netDevices"]["enabled"], "linux.netDevices.*.name"),
        ("idmap", linux["mountExtensions"]["idmap"]["enabled"], "mounts[].uidMappings[].hostID"),
        ("rdma", linux["cgroup"]["rdma"], "linux.resources.rdma.*.hcaHandles"),
    ]:
        pairs.append((name, switch, member in works))
    for name, member in [
        ("seccomp", "linux.seccomp.defaultAction"),
        ("apparmor", "process.apparmorProfile"),
        ("selinux", "process.selinuxLabel"),
    ]:
        pairs.append((name, linux[name]["enabled"], member in works and name in built_in))
    for name, told, written in pairs:
        if told != written:
            if isinstance(told, set):
                told, written = sorted(told - written), sorted(written - told)
            yield f"features, {name}: sbx-oci has {told}, the page {written}"


def features_of(program):
    said = subprocess.run([program, "features"], stdout=subprocess.PIPE, check=True, timeout=60)
    return json.loads(said.stdout)


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
    page = (ROOT / "docs" / "oci.md").read_text()
    features = features_of(os.environ["SBX_OCI"])
    complaints += differing_features(page, listed, features)
    for complaint in complaints:
        print(f"docs/oci.md: {complaint}")
    return 1 if complaints or len(schema.properties) < 100 else 0


sys.exit(main())
