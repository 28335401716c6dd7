#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes what a runtime sends to a socket.

receive.py console SOCKET   rows and columns of the terminal that comes
receive.py pidfd SOCKET     the pid that the descriptor stands for
receive.py seccomp SOCKET   the state of the container; then the first call that the listener
                            tells of fails with ENOTTY
"""
import array
import errno
import fcntl
import json
import os
import socket
import struct
import sys
import termios

NOTIF_RECV = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV, seccomp_unotify(2)
NOTIF_SEND = 0xC0182101


def receive(path):
    """Payload and descriptors of one connection."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.settimeout(25)
    server.bind(path)
    server.listen(1)
    connection, _ = server.accept()
    connection.settimeout(25)
    space = socket.CMSG_SPACE(4 * 4)
    data, control, _, _ = connection.recvmsg(65536, space)
    fds = array.array("i")
    for level, kind, payload in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    more = connection.recv(65536)
    while more:
        data += more
        more = connection.recv(65536)
    return data, list(fds)


def console(path):
    _, fds = receive(path)
    rows, columns, _, _ = struct.unpack(
        "HHHH", fcntl.ioctl(fds[0], termios.TIOCGWINSZ, b"\0" * 8))
    print(rows, columns, flush=True)
    # The container ends with its terminal.
    while True:
        try:
            if not os.read(fds[0], 4096):
                return
        except OSError:
            return


def pidfd(path):
    _, fds = receive(path)
    with open(f"/proc/self/fdinfo/{fds[0]}", encoding="ascii") as info:
        print(*(line.split()[1] for line in info if line.startswith("Pid:")), flush=True)


def seccomp(path):
    data, fds = receive(path)
    told = json.loads(data)
    print(json.dumps(told), flush=True)
    notice = bytearray(80)
    fcntl.ioctl(fds[0], NOTIF_RECV, notice)
    call = struct.unpack_from("=Q", notice)[0]
    fcntl.ioctl(fds[0], NOTIF_SEND, struct.pack("=QqiI", call, 0, -errno.ENOTTY, 0))


{"console": console, "pidfd": pidfd, "seccomp": seccomp}[sys.argv[1]](sys.argv[2])
