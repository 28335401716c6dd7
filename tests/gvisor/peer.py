#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a sandbox talks to: TCP and UDP on 127.0.0.1 and, where the host has it, on ::1.

    peer.py FILE

Prints "ready PORT". The first line of a stream says what is wanted: `who` (who the client is),
`GET ...` (the file, by HTTP), `sum` (the SHA-256 of what follows, up to the end). UDP comes back.
"""
import hashlib
import socket
import sys
import threading


def bound(family, kind, address, port):
    sock = socket.socket(family, kind)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, port))
    return sock


def all_sockets():
    """All have the same port, which the first one gets from the system."""
    places = [(socket.AF_INET, "127.0.0.1")]
    try:
        bound(socket.AF_INET6, socket.SOCK_STREAM, "::1", 0).close()
        places.append((socket.AF_INET6, "::1"))
    except OSError:
        pass
    while True:
        made, port = [], 0
        try:
            for family, address in places:
                for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                    made.append(bound(family, kind, address, port))
                    port = made[0].getsockname()[1]
            return made, port
        except OSError:
            for sock in made:
                sock.close()


def answer(connection, client):
    stream = connection.makefile("rwb")
    wanted = stream.readline()
    if wanted.startswith(b"who"):
        stream.write(f"host {client[0]}\n".encode())
    elif wanted.startswith(b"GET"):
        with open(sys.argv[1], "rb") as file:
            content = file.read()
        stream.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content))
        stream.write(content)
    elif wanted.startswith(b"sum"):
        digest = hashlib.sha256()
        for part in iter(lambda: stream.read1(1 << 16), b""):
            digest.update(part)
        stream.write(digest.hexdigest().encode() + b"\n")
    stream.flush()
    connection.close()


def serve_stream(sock):
    sock.listen(16)
    while True:
        connection, client = sock.accept()
        threading.Thread(target=answer, args=(connection, client), daemon=True).start()


def serve_packets(sock):
    while True:
        data, client = sock.recvfrom(65536)
        sock.sendto(data, client)


made, own_port = all_sockets()
for one in made:
    serve = serve_stream if one.type == socket.SOCK_STREAM else serve_packets
    threading.Thread(target=serve, args=(one,)).start()
print("ready", own_port, flush=True)
