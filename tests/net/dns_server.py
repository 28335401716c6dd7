#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server of the small internet, as good or as bad as a test wants it.

    dns_server.py DIR ADDRESS...

Answers at port 53 of these addresses, by UDP and TCP. What each of them is like is the word
in the file DIR/ADDRESS, read at every question: good (or no file), silent, slow, servfail,
refuses, garbage, nostream. DIR/asked has a line for each question: ADDRESS udp|tcp NAME TYPE.
Names below hostile.test have answers that no server should give. Prints "ready".
"""
import asyncio
import ipaddress
import os
import socket
import struct
import sys
import time

A, CNAME, TXT, AAAA = 1, 5, 16, 28
TYPES = {A: "A", CNAME: "CNAME", TXT: "TXT", AAAA: "AAAA", 12: "PTR", 65: "HTTPS"}
WEB, WEB6 = "198.41.0.10", "2a00:77:0:2::10"
OTHER, OTHER6 = "198.41.0.11", "2a00:77:0:2::11"
TTL = 300

# Name: its addresses and texts; "=NAME" is an alias.
ZONE = {
    "web.example.test": [WEB, WEB6],
    "example.test": [WEB, WEB6],
    "www.example.test": ["=web.example.test"],
    "api.example.test": ["198.41.0.12"],
    "v4.example.test": [WEB],
    "v6.example.test": [WEB6],
    "other.test": [OTHER, OTHER6],
    "alias.test": ["=other.test"],
    "cdn-a.test": ["198.41.0.20"],
    "cdn-b.test": ["198.41.0.20"],
    "lan.test": ["192.168.77.20", "fd77::20"],
    "router.test": ["10.77.0.1"],
    "many.test": [f"198.41.0.{n}" for n in range(10, 40)],
    "big.test": ["text:3000"],
    "huge.test": ["text:60000"],
    "text.test": ["text:20"],
    "slow.test": [WEB],
    "never.test": [WEB],
    "servfail.test": [WEB],
    "short.test": [WEB],
    "flip.test": [WEB],
    "printer": ["192.168.77.20"],
    "inner.corp.test": ["198.41.0.12"],
    "chain.test": ["=chain1.test"],
    **{f"chain{n}.test": [f"=chain{n + 1}.test"] for n in range(1, 8)},
    "chain8.test": ["=web.example.test"],
    "loop.test": ["=loop.test"],
    # Addresses that a name of somebody else should not lead to.
    "lan.hostile.test": ["192.168.77.20"],
    "lan6.hostile.test": ["fd77::20"],
    "loopback.hostile.test": ["127.0.0.1", "::1"],
    "zero.hostile.test": ["0.0.0.0", "::"],
    "metadata.hostile.test": ["169.254.169.254"],
    "linklocal.hostile.test": ["fe80::1"],
    "mapped.hostile.test": ["::ffff:127.0.0.1"],
    "nat64.hostile.test": ["64:ff9b::c0a8:4d14"],
    "host.hostile.test": ["10.77.0.2"],
    "mixed.hostile.test": [WEB, "192.168.77.20"],
    "alias.hostile.test": ["=lan.test"],
}
ONE_SECOND = ("short.test", "flip.test")
asked_before = {}


def put_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def read_question(data):
    """The name in lower case and the type; behind which byte the question ends."""
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("ascii", "replace"))
        at += 1 + data[at]
    kind = struct.unpack_from(">H", data, at + 1)[0]
    return ".".join(labels).lower(), kind, at + 5


def record(name, kind, data, ttl):
    return put_name(name) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def text_data(size):
    return b"".join(bytes([len(part)]) + part
                    for part in (b"x" * min(250, size - at) for at in range(0, size, 250)))


def values_of(name):
    """flip.test leads into the LAN from its second question on."""
    if name == "flip.test" and asked_before.get(name):
        return ["192.168.77.20"]
    return ZONE.get(name, [])


def records(name, kind):
    found, ttl = [], 1 if name in ONE_SECOND else TTL
    for value in values_of(name):
        if value.startswith("="):
            found.append(record(name, CNAME, put_name(value[1:]), ttl))
            if kind != CNAME and value[1:] != name:
                found += records(value[1:], kind)
        elif value.startswith("text:"):
            if kind == TXT:
                found.append(record(name, TXT, text_data(int(value[5:])), ttl))
        else:
            packed = ipaddress.ip_address(value).packed
            if kind == (A if len(packed) == 4 else AAAA):
                found.append(record(name, kind, packed, ttl))
    return found


def message(data, end, code, answers, flags=0):
    head = struct.pack(">2sHHHHH", data[:2], 0x8180 | flags | code, 1, len(answers), 0, 0)
    return head + data[12:end] + b"".join(answers)


def malformed(data, name, end, stream):
    """What a name below hostile.test asks for; None: something ordinary."""
    one = record(name, A, ipaddress.ip_address(OTHER).packed, TTL)
    good = message(data, end, 0, [one])
    return {
        "header.hostile.test": data[:2] + b"\x81\x80",
        "empty.hostile.test": b"",
        "id.hostile.test": bytes([data[0] ^ 255, data[1]]) + good[2:],
        "question.hostile.test": message(data, 12, 0, [])[:12] + put_name("web.example.test") +
            struct.pack(">HH", A, 1) + one,
        "cut.hostile.test": good[:-3],
        "count.hostile.test": good[:6] + b"\xff\xff" + good[8:],
        "pointer.hostile.test": message(data, end, 0, [b"\xc0\x0c" + one[len(put_name(name)):]]
            )[:end] + b"\xc0" + bytes([end]) + struct.pack(">HHIH", A, 1, 60, 4) + bytes(4),
        "length.hostile.test": message(data, end, 0, [put_name(name) +
            struct.pack(">HHIH", A, 1, TTL, 65535) + bytes(4)]),
        "question-only.hostile.test": data,
        "huge.hostile.test": good + bytes(60000 if stream else 8000),
        "truncated.hostile.test": good if stream else message(data, end, 0, [], 0x0200),
        "always-truncated.hostile.test": message(data, end, 0, [], 0x0200),
        "label.hostile.test": message(data, end, 0, [b"\xbf" + b"y" * 100 +
            struct.pack(">HHIH", A, 1, TTL, 4) + bytes(4)]),
    }.get(name)


def edns_size(data, end):
    """How large an answer by UDP may be (RFC 6891, 6.2.3)."""
    if struct.unpack_from(">H", data, 10)[0] and data[end:end + 3] == b"\0\0\x29":
        return max(512, struct.unpack_from(">H", data, end + 3)[0])
    return 512


class Server:
    """One address."""

    def __init__(self, place, address):
        self.place, self.address = place, address

    def mood(self):
        try:
            with open(os.path.join(self.place, self.address), encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return "good"

    def note(self, data, stream):
        name, kind, _ = read_question(data)
        with open(os.path.join(self.place, "asked"), "a", encoding="utf-8") as file:
            print(self.address, "tcp" if stream else "udp", name, TYPES.get(kind, kind), file=file)

    async def answer(self, data, stream):
        """The answer's bytes, or None."""
        self.note(data, stream)
        name, kind, end = read_question(data)
        mood = self.mood()
        if mood == "silent" or name == "never.test" or (mood == "nostream" and stream):
            return None
        if mood == "slow" or name == "slow.test":
            await asyncio.sleep(3)
        if mood == "garbage":
            return data[:2] + bytes(range(40))
        if mood == "servfail" or name == "servfail.test":
            return message(data, end, 2, [])
        if mood == "refuses":
            return message(data, end, 5, [])
        wrong = malformed(data, name, end, stream)
        if wrong is not None:
            return wrong
        return self.honest(data, name, kind, end, stream)

    @staticmethod
    def honest(data, name, kind, end, stream):
        answers = records(name, kind)
        asked_before[name] = time.monotonic()
        said = message(data, end, 0 if name in ZONE else 3, answers)
        if not stream and len(said) > edns_size(data, end):
            return message(data, end, 0, [], 0x0200)
        return said

    async def serve_stream(self, reader, writer):
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                said = await self.answer(await reader.readexactly(size), True)
                if said is None:
                    break
                writer.write(len(said).to_bytes(2, "big") + said)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, IndexError, struct.error):
            pass
        finally:
            writer.close()


class Packets(asyncio.DatagramProtocol):
    """The same by UDP."""

    def __init__(self, server):
        self.server = server
        self.running = set()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        task = asyncio.ensure_future(self.reply(data, addr))
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def reply(self, data, addr):
        try:
            said = await self.server.answer(data, False)
        except (IndexError, struct.error):
            return
        if said is not None:
            self.transport.sendto(said, addr)


async def main():
    loop = asyncio.get_running_loop()
    for address in sys.argv[2:]:
        server = Server(sys.argv[1], address)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        await loop.create_datagram_endpoint(lambda server=server: Packets(server),
                                            (address, 53), family=family)
        await asyncio.start_server(server.serve_stream, address, 53, family=family)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
