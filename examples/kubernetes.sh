#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pods of Kubernetes that run with sbx-oci, as kubernetes.yaml wishes it: a containerd of its own
# with the interface that the kubelet speaks (CRI), and a pod through it. kubernetes-pod.py says
# what a kubelet would say. Needs root, containerd, python3-grpcio, and a static busybox.
#
#   kubernetes.sh                     shows a pod, and what a wrong path looks like
#   kubernetes.sh COMMAND [ARG...]    runs COMMAND while the daemon is there; kubernetes-pod.py
#                                     finds it, with the image localhost/busybox:1 and the
#                                     handlers sbx and wrong
#
# SBX_OCI     another sbx-oci than the one in PATH
#
# On a node of a cluster: the four lines about runtimes.sbx below go to
# /etc/containerd/config.toml, containerd is started again, and kubectl apply -f kubernetes.yaml.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
set -eu
# shellcheck source=examples/engine-lib.sh
. "$(dirname "$0")/engine-lib.sh"

needs containerd ctr busybox
/usr/bin/python3 -c 'import grpc' || exit 1
SBX_OCI=$(oci_runtime)
export SBX_OCI
pod=$(cd "$(dirname "$0")" && pwd -P)/kubernetes-pod.py
apart "$@"

cat >"$place/config.toml" <<END
version = 2
root = "$place/root"
state = "$place/state"

[grpc]
  address = "$place/socket"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/busybox:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$place/cni"
    conf_dir = "$place/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "sbx"

    # What a node needs for kubernetes.yaml.
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.sbx]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.sbx.options]
        BinaryName = "$SBX_OCI"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wrong]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wrong.options]
        BinaryName = "/nowhere/sbx-oci"
END

# A network of pods that ends at their loopback, where a cluster has its plugin.
mkdir "$place/cni"
echo '{ "cniVersion": "0.3.1", "name": "none", "plugins": [{ "type": "none" }] }' >"$place/cni/none.conflist"
cat >"$place/cni/none" <<'END'
#!/bin/sh
[ "$CNI_COMMAND" != ADD ] || cat <<RESULT
{ "cniVersion": "0.3.1", "interfaces": [{ "name": "$CNI_IFNAME", "sandbox": "$CNI_NETNS" }],
  "ips": [{ "version": "4", "address": "127.0.0.1/8", "interface": 0 }] }
RESULT
END
chmod +x "$place/cni/none"
cp "$place/cni/none" "$place/cni/loopback"

containerd --config "$place/config.toml" --log-level warn >"$place/log" 2>&1 </dev/null &
export CONTAINER_RUNTIME_ENDPOINT="unix://$place/socket" CGROUP_PARENT="/$group"
export CONTAINERD_ADDRESS="$place/socket" CONTAINERD_NAMESPACE=k8s.io
within 60 ctr version || {
	tail "$place/log"
	exit 1
}
oci_image localhost/busybox:1 "$place/image.tar"
ctr image import --snapshotter native "$place/image.tar" >>"$place/log"

if [ $# -gt 0 ]; then
	"$@"
	exit
fi

echo '# a pod with one container'
"$pod" run sbx localhost/busybox:1 sh -c 'echo hello from $(hostname), process $$'

echo '# a path at which there is no sbx-oci'
! "$pod" run wrong localhost/busybox:1 true
