#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The servers of one machine in the small internet of the tests.

    servers.py SITE PORT... -- ADDRESS...

Listens by TCP on every address at these ports, and answers UDP on those that are named. The
first line of a stream says what is wanted: `who` (SITE ADDRESS CLIENT PORT), `pull N`,
`push N`, a request of HTTP, or a ClientHello, whose server name is told. Prints "ready", and
what came: `tcp ADDRESS PORT CLIENT`, `udp ADDRESS PORT CLIENT TEXT`.
"""
import asyncio
import resource
import socket
import sys

CHUNK = bytes(1 << 16)


def plain(address):
    """IPv4 as such, also where a socket of IPv6 took it."""
    return address[7:] if address.startswith("::ffff:") else address


def server_name(hello):
    """What the first extension of that kind says; the tests send no more than one."""
    try:
        at = 43
        at += 1 + hello[at]
        at += 2 + int.from_bytes(hello[at:at + 2], "big")
        at += 1 + hello[at]
        end = at + 2 + int.from_bytes(hello[at:at + 2], "big")
        at += 2
        while at + 4 <= end:
            kind, size = (int.from_bytes(hello[at + n:at + n + 2], "big") for n in (0, 2))
            if kind == 0:
                return hello[at + 9:at + 4 + size].decode("ascii", "replace")
            at += 4 + size
    except IndexError:
        pass
    return "-"


class Site:
    """One machine: it says its name in each answer."""

    def __init__(self, name):
        self.name = name

    def who(self, writer):
        own, client = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
        return f"{self.name} {plain(own[0])} {plain(client[0])} {client[1]}\n".encode()

    async def serve(self, reader, writer):
        own, client = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
        print("tcp", plain(own[0]), own[1], plain(client[0]), flush=True)
        try:
            await self.answer(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, OSError, ValueError):
            pass
        finally:
            writer.close()

    async def answer(self, reader, writer):
        first = await reader.read(1)
        if first == b"\x16":
            head = await reader.readexactly(4)
            hello = await reader.readexactly(int.from_bytes(head[2:4], "big"))
            writer.write(f"tls {server_name(first + head + hello)}\n".encode())
            return
        words = (first + await reader.readline()).split()
        if not words:
            return
        if words[0] == b"pull":
            await self.send(writer, int(words[1]))
        elif words[0] == b"push":
            await self.take(reader, int(words[1]))
            writer.write(b"done\n")
        elif words[0] == b"GET":
            while (await reader.readline()).strip():
                pass
            body = self.who(writer)
            writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(body) + body)
        else:
            writer.write(self.who(writer))

    @staticmethod
    async def send(writer, left):
        while left > 0:
            writer.write(CHUNK[:left])
            left -= len(CHUNK)
            await writer.drain()

    @staticmethod
    async def take(reader, left):
        while left > 0:
            got = len(await reader.read(1 << 18))
            if got == 0:
                raise ConnectionError
            left -= got


class Echo(asyncio.DatagramProtocol):
    """What comes goes back."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        own = self.transport.get_extra_info("sockname")
        print("udp", *own[:2], addr[0], data.decode("latin-1"), flush=True)
        self.transport.sendto(data, addr)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def main():
    site = Site(sys.argv[1])
    middle = sys.argv.index("--")
    ports, addresses = map(int, sys.argv[2:middle]), sys.argv[middle + 1:]
    loop = asyncio.get_running_loop()
    for port in ports:
        for everywhere in ("0.0.0.0", "::"):
            await asyncio.start_server(site.serve, everywhere, port, backlog=4096)
        for address in addresses:
            await loop.create_datagram_endpoint(Echo, (address, port),
                                                family=family(address))
    print("ready", flush=True)
    await asyncio.Event().wait()


most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
asyncio.run(main())
