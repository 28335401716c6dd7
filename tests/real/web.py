#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The web server of one machine in the small internet, for programs that know more of HTTP
than the tests' own.

    web.py DIR PORT [TLS-PORT CERTIFICATE KEY]

Serves the files of DIR by IPv4 and IPv6, and git's repositories in it by git-http-backend.
/to?URL redirects, PUT answers with the SHA-256 of what came, /talk becomes a stream that
gives each line back. Prints "ready".
"""
import functools
import hashlib
import http.server
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/to":
            self.reply(302, b"", Location=urllib.parse.unquote(query))
        elif path == "/talk":
            self.talk()
        elif ".git/" in path:
            self.git(b"")
        else:
            super().do_GET()

    def do_PUT(self):
        digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left > 0:
            part = self.rfile.read(min(left, 1 << 18))
            digest.update(part)
            left -= len(part)
        self.reply(200, digest.hexdigest().encode() + b"\n")

    def do_POST(self):
        self.git(self.chunks() if "chunked" in self.headers.get("Transfer-Encoding", "") else
                 self.rfile.read(int(self.headers["Content-Length"])))

    def chunks(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def git(self, body):
        path, _, query = self.path.partition("?")
        done = subprocess.run(["git", "http-backend"], input=body, stdout=subprocess.PIPE, check=False, env={
            **os.environ, "GIT_PROJECT_ROOT": self.directory, "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
            "REMOTE_USER": "guest", "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")})
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(fields.pop("Status", "200").split()[0])
        self.reply(status, answer, **fields)

    def talk(self):
        self.send_response(101)
        self.send_header("Upgrade", "talk")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        for line in self.rfile:
            self.wfile.write(line)
            self.wfile.flush()
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 100

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def main():
    directory, port, *tls = sys.argv[1:]
    handler = functools.partial(Handler, directory=directory)
    servers = [Server(("::", int(port)), handler)]
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls[1], tls[2])
        servers.append(Server(("::", int(tls[0])), handler))
        servers[1].socket = context.wrap_socket(servers[1].socket, server_side=True,
                                                do_handshake_on_connect=False)
    for server in servers:
        threading.Thread(target=server.serve_forever).start()
    print("ready", flush=True)


main()
