#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A guest that attacks its network; some of it asks for power over that.

    attack_guest.py TRY ARGUMENT...

Each try says one line for each thing that it tried: "ok …" for what got an answer, and else
how it was denied. What must never come anywhere carries the word "attack".
"""
import errno
import os
import socket
import struct
import sys
import time

PATIENCE = 3
SO_MARK = 36
MSG_FASTOPEN = 0x20000000
NETLINK_NETFILTER = 12


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def word(error):
    """The name of what went wrong."""
    if isinstance(error, TimeoutError):
        return "timeout"
    return errno.errorcode.get(error.errno, str(error))


def ask(address, port, prepare=None):
    """A line of the server behind a connection, which `prepare` may change before."""
    with socket.socket(family(address), socket.SOCK_STREAM) as one:
        one.settimeout(PATIENCE)
        try:
            if prepare:
                prepare(one)
            one.connect((address, int(port)))
            one.sendall(b"who attack\n")
            line = one.recv(200)
        except OSError as error:
            return word(error)
    return "ok " + line.decode("latin-1").strip() if line else "closed"


def echo(address, port, prepare=None):
    """The same of a datagram."""
    with socket.socket(family(address), socket.SOCK_DGRAM) as one:
        one.settimeout(1)
        try:
            if prepare:
                prepare(one)
            one.connect((address, int(port)))
            one.send(b"attack")
            one.recv(200)
        except OSError as error:
            return word(error)
    return "ok"


def places(words):
    """ADDRESS PORT pairs."""
    return zip(words[::2], words[1::2])


def try_forms(*words):
    """Each form of an address, by TCP and UDP."""
    for address, port in places(words):
        print(address, ask(address, port), echo(address, port), flush=True)


def try_marks(*words):
    """With the marks that stand for answers of the rules, and some beside them."""
    for mark in range(0x5b780000, 0x5b780007):
        def prepare(one, mark=mark):
            one.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        for address, port in places(words):
            print(hex(mark), address, ask(address, port, prepare), echo(address, port, prepare),
                  flush=True)


def try_options(*words):
    """TCP fast open, source routes, a foreign source address."""
    def route(one):
        one.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS,
                       bytes([0x83, 7, 4]) + socket.inet_aton(words[0]) + b"\0")

    def foreign(one):
        one.setsockopt(socket.IPPROTO_IP, 19, 1)  # IP_TRANSPARENT
        one.bind(("203.0.114.20", 0))

    for address, port in places(words):
        with socket.socket(family(address), socket.SOCK_STREAM) as one:
            one.settimeout(PATIENCE)
            try:
                one.sendto(b"who attack\n", MSG_FASTOPEN, (address, int(port)))
                got = "ok " + one.recv(200).decode("latin-1").strip()
            except OSError as error:
                got = word(error)
        print("fastopen", address, got, flush=True)
        if family(address) == socket.AF_INET:
            print("route", address, ask(address, port, route), echo(address, port, route), flush=True)
            print("foreign", address, ask(address, port, foreign), flush=True)


def try_listeners():
    """What the network's own listeners in here say to whoever comes to them directly."""
    for table, kind in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with open("/proc/net/" + table, encoding="ascii") as lines:
            rows = [line.split() for line in list(lines)[1:]]
        for row in rows:
            if row[3] == "0A":
                port = int(row[1].rsplit(":", 1)[1], 16)
                print(table, ask("127.0.0.1" if kind == socket.AF_INET else "::1", port), flush=True)


def put(kind, data):
    """An attribute of netlink."""
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(kind, flags, body):
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


def bind_queue(number):
    """To be asked of queue `number` oneself."""
    one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    one.settimeout(PATIENCE)
    one.bind((0, 0))
    one.send(message(3 << 8 | 2, 5, struct.pack("=BBH", 0, 0, socket.htons(number)) +
                     put(1, struct.pack(">BxH", 1, socket.AF_INET))))
    answer = struct.unpack_from("=i", one.recv(4096), 16)[0]
    return one, errno.errorcode.get(-answer, str(answer))


def try_queue(number, allowed, denied):
    """Takes the queue over, and writes packets into it that no kernel has sent."""
    print("bind", bind_queue(int(number))[1], flush=True)
    with open("/proc/net/netlink", encoding="ascii") as lines:
        peers = {int(line.split()[2]) for line in list(lines)[1:]
                 if int(line.split()[1]) == NETLINK_NETFILTER} - {0}
    own = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    own.bind((0, 0))
    sent = 0
    for peer in peers:
        for packet in range(1, 400):
            segment = struct.pack(">HHIIBBHHH", 40000 + packet, 80, packet, 0, 0x50, 2, 1000, 0, 0)
            header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0,
                                 socket.inet_aton("10.0.2.100"), socket.inet_aton(allowed))
            body = struct.pack("=BBH", socket.AF_INET, 0, socket.htons(int(number)))
            body += put(1, struct.pack(">IHB", packet, 0x0800, 3)) + put(10, header + segment)
            try:
                own.sendto(message(3 << 8, 0, body), (peer, 0))
                sent += 1
            except OSError:
                pass
    print("forged", sent if sent == 0 else "some", flush=True)
    print("denied", ask(denied, 80), flush=True)
    print("allowed", ask(allowed, 80), flush=True)


def hello(name, padding=0):
    """A ClientHello of TLS 1.2, as one message of the handshake."""
    host = name.encode()
    names = struct.pack(">HBH", len(host) + 3, 0, len(host)) + host
    extensions = struct.pack(">HH", 0, len(names)) + names
    if padding:
        extensions += struct.pack(">HH", 21, padding) + bytes(padding)
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    return b"\1" + struct.pack(">I", len(body))[1:] + body


def record(data, kind=22):
    return struct.pack(">BHH", kind, 0x301, len(data)) + data


def pieces_of(data):
    """Fewer than a first window has: nothing is acknowledged before the whole is there."""
    return [data[:1], data[1:4], data[4:5], data[5:60], data[60:90], data[90:]]


def tls(address, port, pieces, half=False):
    """What comes for pieces that are sent one after the other."""
    with socket.socket(family(address), socket.SOCK_STREAM) as one:
        one.settimeout(PATIENCE)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            one.connect((address, int(port)))
            for piece in pieces:
                one.sendall(piece)
                time.sleep(0.02)
            if half:
                one.shutdown(socket.SHUT_WR)
            line = one.recv(200)
        except OSError as error:
            return word(error)
    return "ok " + line.decode("latin-1").strip() if line else "closed"


def try_tls(address, port, good, bad):
    """Ways to say one name to the rules and another to the server."""
    whole, other = hello(good), hello(bad)
    tries = {
        "pieces": pieces_of(record(whole)),
        "records": [record(whole[:40]), record(whole[40:])],
        "other-pieces": pieces_of(record(other)),
        "other-records": [record(other[:50]), record(other[50:])],
        "other-padded": [record(hello(bad, 8000))],
        "both-in-one": [record(other + whole)],
        "plain-first": [b"GET /attack HTTP/1.0\r\n\r\n", record(whole)],
        "alert-first": [record(b"\1\0", 21), record(whole)],
        "empty-first": [record(b""), record(whole)],
        "length-lies": [record(whole)[:3] + b"\xff\xff" + whole],
        "never-ends": [record(hello(good, 15000))[:-1]],
        "escapes": [record(hello(good + "\x1b[31m"))],
    }
    for name, pieces in tries.items():
        print(name, tls(address, port, pieces), flush=True)
    print("half-closed", tls(address, port, [], half=True), flush=True)
    print("half-hello", tls(address, port, [record(whole)[:30]], half=True), flush=True)


def try_names(server):
    """Questions whose names would do something to a terminal, or to a line of a log."""
    for label in (b"\x1b[31mattack", b"a\nattack", b'"attack\\', b"\xff\xfe", b"a" * 63):
        question = struct.pack(">HHHHHH", 7, 256, 1, 0, 0, 0) + bytes([len(label)]) + label + b"\4test\0\0\1\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.settimeout(PATIENCE)
            one.sendto(question, (server, 53))
            try:
                print(one.recv(512)[3] & 15, flush=True)
            except OSError as error:
                print(word(error), flush=True)


def try_processes(*pids):
    """What of a process that can be seen can be read, and whether it can be stopped."""
    for pid in pids:
        got = []
        for name in ("environ", "mem", "maps", "stack", "syscall"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    file.read(1)
                got.append(name)
            except OSError:
                pass
        for name in ("fd", "task/" + pid + "/fd", "map_files", "root/etc", "cwd/etc"):
            try:
                os.listdir(f"/proc/{pid}/{name}")
                got.append(name)
            except OSError:
                pass
        for name in ("ns/net", "ns/user", "exe"):
            try:
                os.close(os.open(f"/proc/{pid}/{name}", os.O_RDONLY))
                got.append(name)
            except OSError:
                pass
        print("seen" if os.path.exists(f"/proc/{pid}") else "hidden", *got, flush=True)


def try_fds():
    """The descriptors that a command begins with, and what they are."""
    own = os.open("/proc/self/fd", os.O_RDONLY)
    for name in sorted(os.listdir(own), key=int):
        try:
            where = os.readlink(name, dir_fd=own)
        except OSError:
            continue
        if int(name) != own and not where.startswith(f"/proc/{os.getpid()}"):
            print(name, where.split(":")[0], flush=True)


def try_flood(address, seconds, *kinds):
    """Half-open connections and datagrams without end, each from another port."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 << 20)
    until, sent, number = time.monotonic() + float(seconds), 0, 0
    own, to = socket.inet_aton("10.0.2.100"), socket.inet_aton(address)
    while time.monotonic() < until:
        number += 1
        port = 1024 + number % 60000
        syn = struct.pack(">HHIIBBHHH", port, 80 + number // 60000, number, 0, 0x50, 2, 1000, 0, 0)
        total = 0
        for at in range(0, len(syn), 2):
            total += struct.unpack_from(">H", syn, at)[0]
        for part in (own, to):
            total += sum(struct.unpack(">HH", part))
        total += 6 + len(syn)
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        syn = syn[:16] + struct.pack(">H", ~total & 0xffff) + syn[18:]
        udp = struct.pack(">HHHH", port, 7, 14, 0) + b"attack"
        for kind, protocol, body in (("tcp", 6, syn), ("udp", 17, udp)):
            if kind not in kinds:
                continue
            header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0, own, to)
            try:
                raw.sendto(header + body, socket.MSG_DONTWAIT, (address, 0))
                sent += 1
            except OSError:
                pass
    print("sent", sent, flush=True)


globals()["try_" + sys.argv[1]](*sys.argv[2:])
