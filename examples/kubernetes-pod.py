#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a kubelet says to a container engine, for one pod with one container.

  kubernetes-pod.py version
  kubernetes-pod.py run HANDLER IMAGE COMMAND [ARG...]

run makes a pod with the runtime HANDLER and a container in it that waits, executes COMMAND in
that container, shows what it wrote, removes both, and ends with the status of COMMAND. The engine
listens on $CONTAINER_RUNTIME_ENDPOINT; the pod's cgroup lies below $CGROUP_PARENT.

The messages are those of k8s.io/cri-api, runtime/v1/api.proto: numbered fields, which are
written here by their numbers, so that nothing has to be generated.
"""
import os
import sys
import uuid

import grpc

SERVICE = "/runtime.v1.RuntimeService/"
POD, CONTAINER = 0, 1  # whose namespace
RUNNING, EXITED = 1, 2


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(message):
    """Protocol buffers: {field: number, text, message, or a list of them}."""
    out = b""
    for field, value in message.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, int):
                out += varint(field << 3) + varint(one)
                continue
            data = encode(one) if isinstance(one, dict) else one.encode()
            out += varint(field << 3 | 2) + varint(len(data)) + data
    return out


def read_varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return number, at


def decode(data):
    """{field: its last value}; messages stay bytes, which are decoded where they are known."""
    message, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if key & 7 == 2:
            value, at = data[at : at + value], at + value
        message[key >> 3] = value
    return message


class Engine:
    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)

    def call(self, name, message):
        method = self.channel.unary_unary(SERVICE + name)
        return decode(method(encode(message), timeout=60))

    def text(self, name, message):
        """The first field of the answer: an id."""
        return self.call(name, message)[1].decode()


def pod_config(name):
    namespaces = {1: POD, 2: CONTAINER, 3: POD}  # network, processes, IPC
    return {
        1: {1: name, 2: name, 3: "default", 4: 0},
        2: name,
        8: {1: os.environ.get("CGROUP_PARENT", ""), 2: {1: namespaces}},
    }


def container_config(image):
    resources = {1: 100000, 2: 50000, 3: 512, 4: 64 << 20}  # CPU period, quota, shares; memory
    return {
        1: {1: "container", 2: 0},
        2: {1: image},
        6: [{1: "FROM_POD", 2: "yes"}],
        15: {1: resources, 2: {3: {1: POD, 2: CONTAINER, 3: POD}, 11: 1}},
    }


def execute(engine, container, command):
    engine.call("StartContainer", {1: container})
    answer = engine.call("ExecSync", {1: container, 2: command, 3: 30})
    sys.stdout.buffer.write(answer.get(1, b""))
    sys.stderr.buffer.write(answer.get(2, b""))
    status = decode(engine.call("ContainerStatus", {1: container})[1])
    if status.get(3) != RUNNING:
        raise RuntimeError("the container does not run")
    engine.call("StopContainer", {1: container, 2: 10})
    status = decode(engine.call("ContainerStatus", {1: container})[1])
    if status.get(3) != EXITED:
        raise RuntimeError("the container did not stop")
    return answer.get(3, 0)


def run(engine, handler, image, command):
    name = "pod-" + uuid.uuid4().hex[:8]
    pod = engine.text("RunPodSandbox", {1: pod_config(name), 2: handler})
    try:
        container = engine.text(
            "CreateContainer", {1: pod, 2: container_config(image), 3: pod_config(name)}
        )
        try:
            return execute(engine, container, command)
        finally:
            engine.call("RemoveContainer", {1: container})
    finally:
        engine.call("StopPodSandbox", {1: pod})
        engine.call("RemovePodSandbox", {1: pod})


def main(words):
    engine = Engine(os.environ["CONTAINER_RUNTIME_ENDPOINT"])
    if words == ["version"]:
        answer = engine.call("Version", {})
        print(answer[2].decode(), answer[3].decode())
        return 0
    if len(words) > 3 and words[0] == "run":
        return run(engine, words[1], words[2], words[3:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except grpc.RpcError as error:
        sys.exit(f"kubernetes-pod.py: {error.details()}")
    except RuntimeError as error:
        sys.exit(f"kubernetes-pod.py: {error}")
