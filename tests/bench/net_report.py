# SPDX-License-Identifier: Apache-2.0
"""The table of ./net that people read, the same as JSON, and what was aimed at."""
import json
import statistics
import sys

# Measure, which of its figures, how it is headed.
COLUMNS = (("up", "rate", "up"), ("down", "rate", "down"), ("in", "rate", "in"),
           ("out", "rate", "out"), ("up", "cpu", "cpu up"), ("down", "cpu", "cpu down"),
           ("in", "cpu", "cpu in"), ("out", "cpu", "cpu out"))
SMALL = (("rtt", "p50", "rtt"), ("rtt", "p99", "rtt p99"), ("port rtt", "p50", "port rtt"),
         ("conns", "per_s", "conn/s"), ("port conns", "per_s", "port conn/s"),
         ("dns", "p50", "dns"), ("dns", "p99", "dns p99"))
SLIRP, JUMBO = "slirp4netns-1500", "slirp4netns-65520"

# What, measure, figure, against, limit; a limit below 1 is the most, the others the least.
RATIOS = (
    ("upload against slirp4netns at 1500", "up", "rate", SLIRP, 4),
    ("download against slirp4netns at 1500", "down", "rate", SLIRP, 4),
    ("upload against slirp4netns at 65520", "up", "rate", JUMBO, 1.5),
    ("download against slirp4netns at 65520", "down", "rate", JUMBO, 1.3),
    ("CPU for a GB up against the same", "up", "cpu", JUMBO, 1 / 3),
    ("CPU for a GB down against the same", "down", "cpu", JUMBO, 1 / 3),
    ("published port in against the same", "in", "rate", JUMBO, 1.5),
    ("published port out against the same", "out", "rate", JUMBO, 1.5),
)
# No worse than either; the machine's noise is allowed for.
NOISE = 0.05
NO_WORSE = (("round trip", "rtt", "p50"), ("connections a second", "conns", "per_s"),
            ("published connections a second", "port conns", "per_s"))
READY_MS, IDLE_KB, LOADED_KB = 5, 4096, 10240


def print_json(result):
    json.dump(result, sys.stdout, indent=2)
    print()


def values(row, measure, figure):
    return [sample[figure] for sample in row.get(measure, []) if sample]


def median(row, measure, figure):
    found = values(row, measure, figure)
    return statistics.median(found) if found else None


def ratio(rows, one, other, measure, figure):
    """The median of the ratios of each round, and the least and the most of them."""
    pairs = zip(rows.get(one, {}).get(measure, []), rows.get(other, {}).get(measure, []))
    found = [a[figure] / b[figure] for a, b in pairs if a and b and b[figure]]
    return (statistics.median(found), min(found), max(found)) if found else None


def goal(what, measured, limit, least=False, unit=""):
    met = measured is not None and (measured >= limit if least else measured <= limit)
    return {"goal": what, "measured": measured, "limit": limit, "least": least,
            "unit": unit, "met": met}


def judge_speed(rows):
    found = []
    for what, measure, figure, other, limit in RATIOS:
        got = ratio(rows, "sbx", other, measure, figure)
        found.append(goal(what, got and got[0], limit, least=limit >= 1))
    for what, measure, figure in NO_WORSE:
        for other in (SLIRP, JUMBO, "pasta"):
            got = ratio(rows, "sbx", other, measure, figure)
            least = figure == "per_s"
            found.append(goal(f"{what} against {other}", got and got[0],
                              1 - NOISE if least else 1 + NOISE, least=least))
    return found


def middle(row, kind):
    found = [one for one in row.get(kind, []) if one is not None]
    return statistics.median(found) if found else None


def judge_start(rows):
    ours, none = middle(rows.get("sbx", {}), "now"), middle(rows.get("sbx-none", {}), "now")
    more = ours - none if ours is not None and none is not None else None
    return [goal("a start with the network over one without", more, READY_MS, unit="ms")]


def judge_memory(rows):
    row = rows.get("sbx", {})
    return [goal("sbx-net idle, PSS", row.get("idle"), IDLE_KB, unit="kB"),
            goal("sbx-net loaded, PSS", row.get("loaded"), LOADED_KB, unit="kB")]


def judge_stalls(rows):
    return [goal(f"{name}: stalls in {row['transfers']} transfers of 100 MB", row["stalls"], 0)
            for name, row in rows.items()]


JUDGES = {"speed": judge_speed, "start": judge_start, "memory": judge_memory,
          "stalls": judge_stalls}


def judge_all(scenes):
    return [one for name, scene in scenes.items() for one in JUDGES[name](scene["rows"])]


def number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def print_row(cells):
    print("  " + f"{cells[0]:<18}" + "".join(f"{cell:>12}" for cell in cells[1:]))


def measured_rows(scene):
    for name, row in scene["rows"].items():
        if "failed" in row:
            print(f"  {name:<18}  not measured: {row['failed']}")
        else:
            yield name, row


def print_columns(scene, columns):
    print_row(["", *(head for _, _, head in columns)])
    for name, row in measured_rows(scene):
        cells = [(median(row, measure, figure), figure) for measure, figure, _ in columns]
        print_row([name, *(number(value, 0 if figure == "per_s" else 2)
                           for value, figure in cells)])


def print_ratios(scene):
    print("  ratios to loopback of the same round: median (least to most)")
    for name, row in scene["rows"].items():
        if "failed" in row or name == "loopback":
            continue
        cells = []
        for measure, figure, head in COLUMNS[:4]:
            got = ratio(scene["rows"], name, "loopback", measure, figure)
            cells.append(f"{head} " + ("-" if got is None else
                                       f"{got[0]:.2f} ({got[1]:.2f} to {got[2]:.2f})"))
        print(f"  {name:<18}  " + "   ".join(cells))


def print_speed(scene):
    print(f"\nspeed: {scene['rounds']} rounds of {scene['seconds']:g} s; Gbit/s, and CPU seconds "
          "of the network's process for a GB")
    print_columns(scene, COLUMNS)
    print_ratios(scene)
    print("\nspeed: one byte there and back, connections, a name (us; a second)")
    print_columns(scene, SMALL)
    for name, row in scene["rows"].items():
        for problem in row.get("problems", []):
            print(f"  {name} stalled at {problem}")


def print_start(scene):
    print("\nstart: to the first instruction, and to the first connection (ms)")
    print_row(["", "started", "connected", "best"])
    for name, row in measured_rows(scene):
        found = [one for one in row.get("first", []) if one is not None]
        print_row([name, number(middle(row, "now")), number(middle(row, "first")),
                   number(min(found, default=None))])


def print_memory(scene):
    print("\nmemory: the network's process (PSS, kB)")
    print_row(["", "idle", "loaded"])
    for name, row in measured_rows(scene):
        print_row([name, row["idle"], row["loaded"]])


def print_stalls(scene):
    print("\nstalls: transfers of 100 MB (s)")
    print_row(["", "transfers", "stalls", "median", "longest"])
    for name, row in measured_rows(scene):
        print_row([name, row["transfers"], row["stalls"], number(row["median"]),
                   number(row["longest"])])


PRINTERS = {"speed": print_speed, "start": print_start, "memory": print_memory,
            "stalls": print_stalls}


def print_text(result):
    print(f"kernel {result['kernel']}, {result['cores']} cores, load {result['load']:.1f}")
    if result["load"] > 0.5 * result["cores"]:
        print("the machine is busy: believe the ratios of a round before the medians")
    for name, scene in result["scenes"].items():
        PRINTERS[name](scene)
    print(f"\n  {'goals':<62}{'measured':>12}{'goal':>16}{'met':>6}")
    for one in result["goals"]:
        sign = ">=" if one["least"] else "<="
        met = "-" if one["measured"] is None else "yes" if one["met"] else "NO"
        limit = f"{sign} {one['limit']:.2f} {one['unit']}".strip()
        print(f"  {one['goal']:<62}{number(one['measured']):>12}{limit:>16}{met:>6}")
