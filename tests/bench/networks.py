# SPDX-License-Identifier: Apache-2.0
"""The networks that are measured: each is an agent (traffic.c) in a network of its own, and
whatever process serves that network."""
import json
import os
import select
import shutil
import socket
import subprocess
import time

import neighbours

HOST, HOST_PORT = "198.41.7.7", 6001
INSIDE_PORT, PORTS = 7001, 5
PATIENCE = 20
REOPENINGS = 5


class Stalled(Exception):
    """Something that had to come did not."""


class Network:
    """No network of its own: what everything else is compared with."""
    name = "loopback"
    servers = ()        # names of the processes that serve it
    target, dns = HOST, (HOST, 53)

    def __init__(self, bench, number):
        self.bench = bench
        self.published = INSIDE_PORT if number == 0 else 7100 + 10 * number
        self.processes = []

    def lacks(self):
        """Why it cannot be measured here, or nothing."""
        return ""

    def words(self, payload, publish):
        del publish
        return payload

    def launch(self, payload, publish=False):
        """Starts the payload in it; publish: with its ports."""
        process = subprocess.Popen(self.words(payload, publish), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=self.bench.errors,
                                   cwd=self.bench.work)
        self.processes.append(process)
        return process

    def open(self):
        """Starts the agent; what was ended just now may still hold its ports."""
        for _ in range(REOPENINGS):
            try:
                self.start_agent()
                return
            except (Stalled, OSError):
                self.close()
                time.sleep(0.5)
        self.start_agent()

    def start_agent(self):
        self.agent = self.launch([self.bench.tool("traffic"), "agent"], publish=True)
        if self.hear() != "ready":
            raise Stalled(self.bench.last_error())

    def hear(self, patience=PATIENCE):
        ready, _, _ = select.select([self.agent.stdout], [], [], patience)
        line = self.agent.stdout.readline().decode().strip() if ready else ""
        if not line or line == "stall":
            raise Stalled(f"nothing came any more; last said: {self.bench.last_error()}")
        return line

    def tell(self, *order):
        self.agent.stdin.write((" ".join(map(str, order)) + "\n").encode())
        self.agent.stdin.flush()

    def close(self):
        """Ends it; a port is free again when the last of its processes is gone."""
        servers = self.pids()
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()
        self.processes = []
        last = time.monotonic() + PATIENCE
        while time.monotonic() < last and any(pid in self.bench.processes() for pid in servers):
            time.sleep(0.01)

    # ---- the processes that serve it ---------------------------------------------------

    def pids(self):
        """Of descendants with the right name."""
        tree, found = self.bench.processes(), []
        roots = [process.pid for process in self.processes]
        for pid in roots:
            found.append(pid)
        for pid in found:
            found += [child for child, (parent, _) in tree.items()
                      if parent == pid and child not in found]
        return [pid for pid in found if pid in tree and tree[pid][1] in self.servers]

    def cpu_seconds(self):
        """User and system time of all threads."""
        total = 0
        for pid in self.pids():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
        return total / 1e9

    def pss_kb(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += next(int(line.split()[1]) for line in file if line[:4] == "Pss:")
        return total


class Slirp4netns(Network):
    """Attaches itself to a namespace that is there."""
    servers = ("slirp4netns",)
    dns = ("10.0.2.3", 53)

    def __init__(self, bench, number, mtu):
        super().__init__(bench, number)
        self.name, self.mtu = f"slirp4netns-{mtu}", mtu
        self.api = os.path.join(bench.work, f"api-{mtu}")

    def lacks(self):
        return "" if shutil.which("slirp4netns") else "slirp4netns is not installed"

    def launch(self, payload, publish=False):
        process = super().launch(["unshare", "-Urn", *payload], publish)
        if os.path.exists(self.api):
            os.unlink(self.api)
        await_namespace(process.pid)
        api = ["--api-socket", self.api] if publish else []
        self.processes.append(subprocess.Popen(
            ["slirp4netns", "-c", f"--mtu={self.mtu}", *api, str(process.pid), "tap0"],
            stdin=subprocess.DEVNULL, stdout=self.bench.errors, stderr=self.bench.errors))
        if publish:
            self.forward()
        return process

    def forward(self):
        for n in range(PORTS - 1):
            ask_api(self.api, {"execute": "add_hostfwd", "arguments": {
                "proto": "tcp", "host_addr": "127.0.0.1", "host_port": self.published + n,
                "guest_port": INSIDE_PORT + n}})


def await_namespace(pid):
    """Until unshare(1) has done what it is for."""
    own = os.readlink("/proc/self/ns/net")
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        try:
            with open(f"/proc/{pid}/uid_map", encoding="ascii") as file:
                mapped = file.read().split()[1:2] == ["0"]
            if mapped and os.readlink(f"/proc/{pid}/ns/net") != own:
                return
        except OSError:
            pass
        time.sleep(0.0001)
    raise Stalled("no namespace came")


def ask_api(path, order):
    last = time.monotonic() + PATIENCE
    while True:
        with socket.socket(socket.AF_UNIX) as to:
            try:
                to.connect(path)
                to.sendall(json.dumps(order).encode())
                to.shutdown(socket.SHUT_WR)
                if "error" in json.loads(to.recv(4096)):
                    raise Stalled("a port was refused")
                return
            except OSError:
                if time.monotonic() > last:
                    raise Stalled("no socket came") from None
        time.sleep(0.01)


class Pasta(Network):
    """Makes the namespace itself."""
    name = "pasta"
    servers = ("pasta", "pasta.avx2", "passt", "passt.avx2")
    dns = ("198.41.0.3", 53)

    def lacks(self):
        return "" if shutil.which("pasta") else "pasta is not installed"

    def words(self, payload, publish):
        ports = f"{self.published}-{self.published + PORTS - 2}:{INSIDE_PORT}-{INSIDE_PORT + PORTS - 2}"
        return ["pasta", "-f", "-q", "--config-net", "--dns-forward", self.dns[0],
                "-t", ports if publish else "none", "-u", "none", "-T", "none", "-U", "none",
                "--", *payload]


class Sbx(Network):
    """`sbx run` with what follows behind its name."""
    servers = ("sbx-net",)
    dns = ("10.0.2.3", 53)

    def __init__(self, bench, number, name, *options):
        super().__init__(bench, number)
        self.name, self.options = name, options

    def words(self, payload, publish):
        last = PORTS - 2
        ports = [f"-p={self.published}-{self.published + last}:{INSIDE_PORT}-{INSIDE_PORT + last}"]
        return neighbours.as_nobody_special(
            [self.bench.sbx, "run", "--no-config", "--cwd=ro", *self.options,
             *(ports if publish else []), "--", *payload])

    def lacks(self):
        done = subprocess.run(self.words([self.bench.tool("traffic"), "now"], False),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE, cwd=self.bench.work, check=False)
        return (done.stderr.strip().splitlines() or ["it said nothing"])[0] \
            if done.returncode else ""


def all_networks(bench):
    """In the order in which each round goes through them."""
    user = ("--net=user", f"--allow={HOST}")
    return [Network(bench, 0), Slirp4netns(bench, 1, 1500), Slirp4netns(bench, 2, 65520),
            Pasta(bench, 3), Sbx(bench, 4, "sbx", *user),
            Sbx(bench, 5, "sbx-libslirp", *user, "--relay=off")]


def without_network(bench):
    return Sbx(bench, 0, "sbx-none", "--net=none")
