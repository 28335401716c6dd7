#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Slurm whose jobs run in containers of sbx-oci: a cluster of this machine alone, in a place of
# its own, by an ordinary user. Needs slurm-wlm, munge and a static busybox.
#
#   slurm.sh                      shows jobs in a container, and what a wrong path looks like
#   slurm.sh COMMAND [ARG...]     runs COMMAND while the cluster is there; srun, sbatch and the
#                                 others find it, and $BUNDLE is a container for them
#
# SBX_OCI     another sbx-oci than the one in PATH
# SLURM_PORT  the first of two ports on the loopback device, default 21000 to 30998
#
# On a cluster that is there already slurm/oci.conf, copied beside slurm.conf, is all that is needed.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)

PATH=$PATH:/usr/sbin:/sbin
for program in "${SBX_OCI:-sbx-oci}" slurmctld slurmd munged srun busybox; do
	command -v "$program" >/dev/null || {
		echo "slurm.sh: $program is not installed" >&2
		exit 1
	}
done
runtime=$(command -v "${SBX_OCI:-sbx-oci}")
port=${SLURM_PORT:-$((21000 + $$ % 4999 * 2))}

place=$(mktemp -d "${TMPDIR:-/tmp}/sbx-slurm.XXXXXX")
trap clean EXIT
trap 'exit 130' HUP INT TERM
daemons=

# Steps would outlive the daemons. Slurm gives them five seconds between TERM and KILL.
clean() {
	status=$?
	if [ -n "$daemons" ]; then
		scancel --quiet --user "$(id -un)" 2>/dev/null || true
		within 200 eval '[ -z "$(squeue --noheader 2>/dev/null)" ]' || true
	fi
	[ ! -s "$place/munge.pid" ] || daemons="$daemons $(cat "$place/munge.pid")"
	# shellcheck disable=SC2086 # several words
	[ -z "$daemons" ] || kill $daemons 2>/dev/null || true
	wait
	rm -rf "$place"
	exit "$status"
}

# within TENTHS COMMAND...: asks again until it succeeds
within() {
	tries=$1
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

is_idle() {
	sinfo --noheader --format %T 2>/dev/null | grep -qx idle
}

# ---- a container: any directory with config.json -----------------------------------------------

BUNDLE=$place/bundle
export BUNDLE
mkdir -p "$BUNDLE/rootfs/bin" "$BUNDLE/rootfs/tmp"
cp "$(command -v busybox)" "$BUNDLE/rootfs/bin/busybox"
for name in $("$BUNDLE/rootfs/bin/busybox" --list); do
	[ "$name" = busybox ] || ln -s busybox "$BUNDLE/rootfs/bin/$name"
done
"$runtime" spec --rootless --bundle "$BUNDLE"

# ---- the cluster -------------------------------------------------------------------------------

# configure RUNTIME: slurm/oci.conf, for containers of this place
configure() {
	sed "s|/usr/bin/sbx-oci|$1|; s|/tmp/sbx-oci-slurm-%u|$place/run|" "$here/slurm/oci.conf" >"$place/oci.conf"
}

mkdir "$place/state" "$place/spool"
configure "$runtime"
: >"$place/cgroup.conf"
# The daemons are the user's own, and no address but this machine's is listened on.
cat >"$place/slurm.conf" <<END
ClusterName=sbx
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$place/munge.socket
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool
SlurmctldPidFile=$place/slurmctld.pid
SlurmdPidFile=$place/slurmd.pid
SlurmctldLogFile=$place/slurmctld.log
SlurmdLogFile=$place/slurmd.log
SlurmdDebug=debug
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
KillWait=1
NodeName=localhost NodeAddr=127.0.0.1 NodeHostname=$(uname -n | cut -d. -f1) CPUs=$(nproc)
PartitionName=all Nodes=localhost Default=YES State=UP
END
export SLURM_CONF="$place/slurm.conf"

(umask 077 && head -c 1024 /dev/urandom >"$place/munge.key")
munged --force --key-file "$place/munge.key" --socket "$place/munge.socket" --pid-file "$place/munge.pid" \
	--log-file "$place/munge.log" --seed-file "$place/munge.seed" 2>"$place/munged.said"
slurmctld -D >"$place/said" 2>&1 </dev/null &
daemons=$!
slurmd -D >>"$place/said" 2>&1 </dev/null &
daemons="$daemons $!"

within 300 is_idle || {
	tail "$place/said" "$place"/*.log >&2
	exit 1
}
cd "$place"

if [ $# -gt 0 ]; then
	"$@"
	exit
fi

echo '# a step in a container'
srun --quiet --container "$BUNDLE" sh -c 'echo hello from $(hostname), process $$, job $SLURM_JOB_ID'

echo '# its status'
srun --quiet --container "$BUNDLE" sh -c 'exit 7' || echo "status $?"

echo '# a batch job in a container'
sbatch --quiet --wait --container "$BUNDLE" --output "$place/job" --wrap 'echo batch on $(hostname), process $$' ||
	echo "status $?"
cat "$place/job"

echo '# a path at which there is no sbx-oci'
configure /nowhere/sbx-oci
srun --quiet --container "$BUNDLE" true || echo "status $?"
