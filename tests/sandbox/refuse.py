#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: Apache-2.0
"""refuse.py CALL=ERRNO... -- COMMAND: runs COMMAND under a seccomp filter that refuses calls.

CALL is a name below, or `userns`: what container engines refuse by default, that is unshare and
clone with CLONE_NEWUSER, and clone3 with ENOSYS. ERRNO is a name such as EPERM.
"""
import ctypes
import errno
import os
import struct
import sys

NEW = {"open_tree": 428, "move_mount": 429, "fsopen": 430, "clone3": 435, "close_range": 436,
       "openat2": 437, "mount_setattr": 442, "landlock_create_ruleset": 444, "pidfd_open": 434,
       "pidfd_send_signal": 424, "fsconfig": 431, "fsmount": 432}
OLD = {
    "x86_64": {"clone": 56, "unshare": 272, "keyctl": 250, "seccomp": 317, "mount": 165,
               "setgroups": 116, "prctl": 157, "pivot_root": 155, "setns": 308, "statx": 332,
               "sethostname": 170, "getxattr": 191, "ptrace": 101,
               "memfd_create": 319, "chroot": 161},
    "aarch64": {"clone": 220, "unshare": 97, "keyctl": 219, "seccomp": 277, "mount": 40,
                "setgroups": 159, "prctl": 167, "pivot_root": 41, "setns": 268, "statx": 291,
                "sethostname": 161, "getxattr": 8, "ptrace": 117,
                "memfd_create": 279, "chroot": 51},
}
NUMBERS = {**NEW, **OLD[os.uname().machine]}

LOAD, EQUAL, SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NEWUSER = 0x10000000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2


def instruction(code, k, jt=0, jf=0):
    return struct.pack("HBBI", code, jt, jf, k)


def refuse(name, number):
    return (instruction(EQUAL, NUMBERS[name], 0, 1)
            + instruction(RETURN, ERRNO | number))


def refuse_with_flag(name, flag, number):
    """The first argument has the flag; its low half lies at 16."""
    return (instruction(EQUAL, NUMBERS[name], 0, 4)
            + instruction(LOAD, 16)
            + instruction(SET, flag, 0, 1)
            + instruction(RETURN, ERRNO | number)
            + instruction(LOAD, 0))


def program(words):
    text = instruction(LOAD, 0)
    for word in words:
        name, _, code = word.partition("=")
        number = getattr(errno, code)
        if name == "userns":
            text += refuse_with_flag("unshare", NEWUSER, number)
            text += refuse_with_flag("clone", NEWUSER, number)
            text += refuse("clone3", errno.ENOSYS)
        else:
            text += refuse(name, number)
    return text + instruction(RETURN, ALLOW)


def install(text):
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(text, len(text))
    header = struct.pack("HxxxxxxP", len(text) // 8, ctypes.addressof(code))
    filter_ = ctypes.create_string_buffer(header, len(header))
    # Five arguments, each as wide as a register: prctl takes them from there.
    zero = ctypes.c_ulong(0)
    if (libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero) < 0 or
            libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(MODE_FILTER), filter_, zero, zero) < 0):
        sys.exit("refuse.py: " + os.strerror(ctypes.get_errno()))


def main():
    end = sys.argv.index("--")
    install(program(sys.argv[1:end]))
    os.execvp(sys.argv[end + 1], sys.argv[end + 1:])


main()
