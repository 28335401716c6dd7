#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Callers of a runtime, as engines and service managers are.

callers.py subreaper COMMAND...       runs it; says what the orphan that it leaves ends with
callers.py mortal COMMAND...          runs it with a death signal, and dies at once
callers.py look SOCKET                connects, says nothing, and goes
callers.py manager SOCKET             prints the datagram that comes there
callers.py notify SOCKET TEXT...      sends datagrams
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option, argument):
    if ctypes.CDLL(None).prctl(option, argument, 0, 0, 0) != 0:
        sys.exit("prctl")


# The container has them, and goes on when we are gone.
NOWHERE = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def subreaper(*command):
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    if subprocess.run(command, timeout=20, **NOWHERE).returncode != 0:
        sys.exit("the command failed")
    signal.alarm(20)
    _, status = os.wait()
    print(os.waitstatus_to_exitcode(status))


def mortal(*command):
    child = subprocess.run(
        command,
        **NOWHERE,
        timeout=20,
        preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
    )
    os._exit(child.returncode)


def look(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as looker:
        looker.connect(path)


def manager(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        receiver.settimeout(20)
        print(receiver.recv(4096).decode(), end="")


def notify(path, *texts):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for text in texts:
            sender.sendto(text.encode(), path)


{f.__name__: f for f in (subreaper, mortal, look, manager, notify)}[sys.argv[1]](*sys.argv[2:])
