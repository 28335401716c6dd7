# SPDX-License-Identifier: Apache-2.0
"""The table that people read, and the same as JSON."""
import json
import sys

TITLES = {
    "start": "start: /bin/true, all namespaces (ms)",
    "binds": "binds: 50 more binds on a host with 200 more mounts (ms)",
    "crun": "crun: /bin/true on a host without cgroups (ms)",
    "memory": "memory: launcher and init around an idle command (PSS, kB)",
    "crowd": "crowd: all alive at one moment, from the first start to the last end (ms)",
    "libc": "libc: the start of a static program (ms)",
}
BUSY = 0.5
MEASURED = ("sbx", "floor")


def print_json(result, _lacks):
    json.dump(result, sys.stdout, indent=2)
    print()


def print_text(result, lacks):
    print(f"kernel {result['kernel']}, {result['cores']} cores, load {result['load']:.1f}")
    if result["load"] > BUSY * result["cores"]:
        print("the machine is busy: believe the ratios at p10 before those of medians")
    for name, scene in result["scenes"].items():
        print(f"\n{TITLES[name]}")
        if "failed" in scene:
            print(f"  not measured: {scene['failed']}")
            continue
        PRINTERS[name](scene, lacks)
    print_goals(result["goals"])


def measured_rows(scene):
    """Those with figures; says of the others why they have none."""
    for name, row in scene["rows"].items():
        if "failed" in row:
            print(f"  {name:<18}  not measured: {row['failed']}")
        else:
            yield name, row


def print_row(cells):
    print("  " + f"{cells[0]:<18}" + "".join(f"{cell:>12}" for cell in cells[1:]))


def number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def pair_ratio(scene, program, reference, figure, lacks):
    """As text; "-" where the two are not compared."""
    rows = scene["rows"]
    if program == reference or figure not in rows.get(program, {}):
        return "-"
    if lacks(scene["facts"], program, reference):
        return "-"
    return number(rows[program][figure] / rows[reference][figure])


def print_pairs(scene, lacks):
    """Says by name which pairs are not compared, and what the others do less."""
    for program in MEASURED:
        for reference in scene["rows"]:
            if not scene["facts"].get(program) or not scene["facts"].get(reference):
                continue
            missing = lacks(scene["facts"], program, reference)
            if missing:
                print(f"  {program} is not compared with {reference}: "
                      f"{program} lacks {', '.join(missing)}")
    for reference in scene["rows"]:
        facts = scene["facts"]
        if facts.get("sbx") and facts.get(reference) and lacks(facts, reference, "sbx"):
            print(f"  {reference} does less than sbx: it lacks "
                  f"{', '.join(lacks(facts, reference, 'sbx'))}")


def print_starts(scene, lacks):
    print_row(["", "p10", "p50", "p90", "cpu", "sbx / it", "floor / it"])
    for name, row in measured_rows(scene):
        print_row([name, *(number(row[figure], 3) for figure in ("p10", "p50", "p90", "cpu")),
                   *(pair_ratio(scene, program, name, "p50", lacks)
                     for program in MEASURED)])
    print_pairs(scene, lacks)


def print_memory(scene, _lacks):
    print_row(["", "median", "most", "processes"])
    for name, row in measured_rows(scene):
        print_row([name, row["kb"], row["most"], " + ".join(map(str, row["parts"]))])


def print_crowd(scene, lacks):
    print_row(["", "alive", "each", "one alone", "each / one", "sbx / it"])
    for name, row in measured_rows(scene):
        print_row([name, row["alive"], number(row["each"], 3), number(row["alone"], 3),
                   number(row["each"] / row["alone"]),
                   pair_ratio(scene, "sbx", name, "each", lacks)])


def print_libc(scene, _lacks):
    for name, row in scene["rows"].items():
        print_row([name, number(row["start"], 3)])
        if "cpuid" in row:
            print(f"  of that {row['cpuid']:.3f} for {row['cpuids']} CPUID instructions of "
                  f"{row['cpuid_ns']:.0f} ns, which a virtual machine traps")


def print_goals(goals):
    print(f"\n  {'goals':<40}{'median':>10}{'p10':>10}{'goal':>14}{'met':>6}")
    for goal in goals:
        digits = 0 if goal["unit"] else 2
        met = "-" if goal["measured"] is None else "yes" if goal["met"] else "NO"
        limit = f"<= {goal['limit']:.{digits}f} {goal['unit']}".strip()
        print(f"  {goal['goal']:<40}{number(goal['measured'], digits):>10}"
              f"{number(goal['p10']):>10}{limit:>14}{met:>6}")


PRINTERS = {"start": print_starts, "binds": print_starts, "crun": print_starts,
            "memory": print_memory,
            "crowd": print_crowd, "libc": print_libc}
