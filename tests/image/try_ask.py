# SPDX-License-Identifier: Apache-2.0
"""What `sbx try` asks on a terminal, and what it makes of the answers."""
import os
import pty
import select
import sys
import time

SBX = sys.argv[1]
PROMPT = b"di[f]f, [?] "


def run(answers, command, environment=None):
    """The command on a terminal, an answer for each prompt. Returns status and output."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update({"PAGER": "cat"}, **(environment or {}))
        os.execv(SBX, [SBX, "try", "--no-config", "--net", "none", "--", "sh", "-c", command])
    output, seen, deadline = b"", 0, time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        output += part
        while output.count(PROMPT) > seen and seen < len(answers):
            os.write(terminal, answers[seen])
            seen += 1
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return status, output.decode(errors="replace").replace("\r\n", "\n")


def expect(claim, told):
    if not claim:
        print(told)
        sys.exit(1)


def content(name):
    with open(name, encoding="ascii") as file:
        return file.read()


with open("asked", "w", encoding="ascii") as made:
    made.write("one\n")

status, said = run([b"?\n", b"f\n", b"l\n", b"d\n"], r"printf 'two\n\033[31mred\n' >asked")
expect(status == 0, said)
expect("c  commit: bring" in said, said)
expect("-one" in said and "+two" in said, said)
expect("\x1b[31m" not in said and r"\x1b[31mred" in said, said)
expect(said.count("1 changed") == 2, said)
expect(content("asked") == "one\n", said)

status, said = run([b"c\n"], "printf two >asked; exit 4")
expect(status == 4, said)
expect(content("asked") == "two", said)

# The end of the input keeps it.
status, said = run([b"\x04"], "printf three >asked")
expect("kept as sh-" in said, said)
expect(content("asked") == "two", said)
name = said.split("kept as ")[1].split(":")[0]
expect(os.spawnv(os.P_WAIT, SBX, [SBX, "try", "--discard", name]) == 0, name)

# A refused commit asks again.
status, said = run([b"c\n", b"k\n"], "printf three >asked; printf x >other")
expect(content("asked") == "three", said)
