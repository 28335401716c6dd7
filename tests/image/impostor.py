#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for sbx-image in confine.sh: says to the front end what nobody should."""
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

PROGRESS, NOTE, DOCUMENT, MOUNT, DONE, FAILED = range(6)


def turn(kind, text=b"", done=0, total=0):
    """struct wire of image/messages.c"""
    data = struct.pack("=IiiiIIQQ512s252s", kind, 0, 0, 0, 0, 0, done, total, text, b"")
    return data + bytes(-len(data) % 8)


def memory(text):
    fd = os.memfd_create("document", os.MFD_ALLOW_SEALING)
    os.write(fd, text)
    fcntl.fcntl(fd, 1033, 1 | 2 | 4 | 8)  # F_ADD_SEALS
    return fd


CONFIG = b'{"kind":"tar","entrypoint":[],"command":[],"env":[],"layers":[""]}'
CLAIMED = b'"sha256:' + b"0" * 64 + b'"'
FIGURES = b'{"digest":' + CLAIMED + b',"entries":1,"bytes":1}'


def main():
    words = sys.argv[2:]
    with open(os.path.join(os.path.dirname(sys.argv[0]), "scene"), encoding="ascii") as file:
        scene = file.read().strip()
    front = socket.socket(fileno=int(words[words.index("socket") + 1]))

    def say(data, fd=None):
        socket.send_fds(front, [data], [] if fd is None else [fd])

    if scene == "crash":
        ctypes.string_at(0)
    elif scene == "call":
        # A filter that kills for getppid(2): BPF_LD nr, JEQ, RET_KILL_PROCESS, RET_ALLOW.
        libc = ctypes.CDLL(None)
        number = {"x86_64": 110, "aarch64": 173}[os.uname().machine]
        code = struct.pack("=" + "HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, number, 0x06, 0, 0, 0x80000000,
                           0x06, 0, 0, 0x7FFF0000)
        buffer = ctypes.create_string_buffer(code)
        program = struct.pack("@HP", 4, ctypes.addressof(buffer))
        libc.prctl(38, 1, 0, 0, 0)
        libc.prctl(22, 2, program, 0, 0)
        os.getppid()
    elif scene == "noise":
        say(os.urandom(100))
        say(os.urandom(808))
    elif scene == "pipe":
        say(turn(DOCUMENT), os.pipe()[0])
        signal.pause()
    elif scene == "nonsense":
        say(turn(DOCUMENT), memory(b'["a"]'))
        say(turn(DONE))
    elif scene == "end":
        say(turn(DONE))
    elif scene == "host":
        say(turn(DOCUMENT), memory(CONFIG))
        say(turn(DOCUMENT), memory(FIGURES))
        say(turn(MOUNT), os.open("/", os.O_PATH | os.O_DIRECTORY))
        say(turn(DONE))
    elif scene == "mounts":
        say(turn(DOCUMENT), memory(CONFIG))
        for _ in range(100):
            say(turn(MOUNT), os.open("/dev/shm", os.O_PATH | os.O_DIRECTORY))
    elif scene == "shared":
        say(turn(DOCUMENT), memory(CONFIG))
        say(turn(DOCUMENT), memory(FIGURES))
        with open(os.path.join(os.path.dirname(sys.argv[0]), "shared"), encoding="ascii") as file:
            say(turn(MOUNT), os.open(file.read().strip(), os.O_PATH | os.O_DIRECTORY))
        say(turn(DONE))
    elif scene == "notes":
        while True:
            say(turn(NOTE, b"and another one"))
    elif scene == "wait":
        signal.pause()
    elif scene == "full":
        sys.exit(125)
    elif scene == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif scene == "stay":
        say(turn(DOCUMENT), memory(CONFIG))
        say(turn(DONE))
        signal.pause()
    elif scene == "swap":  # first it is this layer, and then that
        layer = b'"sha256:' + (b"1" if words[-1] and "into" in words else b"0") * 64 + b'"'
        say(turn(DOCUMENT), memory(b'{"kind":"oci","layers":[' + layer + b"]}"))
        say(turn(DOCUMENT), memory(FIGURES))
        say(turn(DONE))
    elif scene == "nameless":
        say(turn(DOCUMENT), memory(b'{"kind":"oci","layers":["../../../escaped"]}'))
        say(turn(DOCUMENT), memory(b'{"entries":1}'))
        say(turn(DONE))
    elif scene == "texts":
        say(turn(DOCUMENT), memory(b'{"kind":"oci\\u001b[2J","env":["A=\\u001b[2J\\nsbx: B","=","C"],"user":'
                                   b'"root:../..","labels":["\\u0007=\\u009b1m"],"entrypoint":["\\u001b[31m"],'
                                   b'"workdir":"../../..\\r","volumes":["\\u001b"],"layers":[""]}'))
        say(turn(DOCUMENT), memory(FIGURES))
        say(turn(DONE))
    elif scene == "escape":
        say(turn(NOTE, b"\033]0;title\007\033[2J\r\x9b1m \xe2\x80\xae"))
        say(turn(PROGRESS, done=2**64 - 1, total=1))
        say(turn(FAILED, b"read \033[31mred\033[0m\n\nsbx: all is well"))


main()
