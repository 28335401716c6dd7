#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own and plays a person in front of it.

    terminal.py STEP... -- COMMAND...

expect REGEX   what is shown next (since the last match) has it, within ten seconds
absent REGEX   what was shown so far has it not
send TEXT      typed; ^C is one byte, \\r is the enter key
pause SECONDS  nothing
resize R C     the window has R rows and C columns now (it begins with 31 and 99)
modes raw|cooked    the terminal's modes become that, within ten seconds
same           all its modes are those from before the command
kill SIGNAL    sent to the command's process
status N       the command ends with it; -N: by signal N
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

SECONDS = 10


class Session:
    def __init__(self, command):
        self.master, slave = pty.openpty()
        self.resize(31, 99)
        self.before = termios.tcgetattr(slave)
        self.shown, self.seen = "", 0
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.master)
            os.login_tty(slave) if hasattr(os, "login_tty") else self.take(slave)
            os.execvp(command[0], command)
        # Held open: modes can be looked at after the command has ended.
        self.slave = slave

    @staticmethod
    def take(slave):
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)
        if slave > 2:
            os.close(slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", int(rows), int(columns), 0, 0))

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.shown += os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                time.sleep(seconds)

    def within(self, check):
        until = time.monotonic() + SECONDS
        while not check():
            if time.monotonic() > until:
                return False
            self.read(0.05)
        return True

    def match(self, regex):
        found = re.compile(regex).search(self.shown, self.seen)
        if found:
            self.seen = found.end()
        return bool(found)

    def expect(self, regex):
        return self.within(lambda: self.match(regex))

    def absent(self, regex):
        self.read(0.3)
        return not re.search(regex, self.shown)

    def send(self, text):
        text = re.sub(r"\^([A-Z\\])", lambda found: chr(ord(found[1]) & 31), text)
        os.write(self.master, text.replace("\\r", "\r").encode())
        return True

    def modes(self, wanted):
        def check():
            local = termios.tcgetattr(self.slave)[3]
            return bool(local & termios.ICANON) == (wanted == "cooked")
        return self.within(check)

    def same(self):
        return self.within(lambda: termios.tcgetattr(self.slave) == self.before)

    def status(self, wanted):
        ended = []

        def check():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                ended.append(os.waitstatus_to_exitcode(status))
            return pid
        self.within(check)
        return ended == [int(wanted)]

    def play(self, step):
        word, _, rest = step.partition(" ")
        if word == "resize":
            self.resize(*rest.split())
            return True
        if word == "pause":
            time.sleep(float(rest))
            return True
        if word == "kill":
            os.kill(self.pid, signal.Signals["SIG" + rest])
            return True
        if word == "same":
            return self.same()
        return getattr(self, word)(rest)


def main():
    words = sys.argv[1:]
    steps, command = words[:words.index("--")], words[words.index("--") + 1:]
    session = Session(command)
    for step in steps:
        if not session.play(step):
            print(f"failed: {step}\nshown: {session.shown!r}")
            return 1
    return 0


sys.exit(main())
