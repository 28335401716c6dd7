/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/options.h"

#include "base/text.h"
#include "plan/internal.h"

#include <stddef.h>
#include <string.h>

#define FIELD(name)  offsetof(struct draft, name)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const root_modes[] = { "cow", "ro", "rw", NULL };
static const char *const cwd_modes[] = { "cow", "ro", "rw", "off", NULL };
static const char *const procs[] = { "new", "pids", "host", "none", NULL };
static const char *const group_words[] = { "drop", "keep", NULL };
static const char *const root_emu_words[] = { "auto", "on", "off", NULL };
static const char *const tty_words[] = { "auto", "on", "off", NULL };
static const char *const isolations[] = { "userns", "landlock", NULL };
static const char *const limit_words[] = { "require", "best-effort", NULL };
static const char *const explain_words[] = { "auto", "on", "off", NULL };
static const char *const backends[] = { "sbx", "libseccomp", NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const net_words[] = { "user",  "slirp", "none", "host",
					 "relay", "ns:",   NULL };
static const char *const ip6_words[] = { "auto", "off", NULL };
static const char *const relay_words[] = { "auto", "off", NULL };
static const char *const runtime_words[] = { "native", "runsc", NULL };
static const char *const platform_words[] = { "auto", "systrap", "ptrace", "kvm", NULL };
static const char *const gvisor_net_words[] = { "netstack", "host", "none", NULL };
static const char *const difference_words[] = { "warn", "error", NULL };

static const struct option_topic topics[] = {
	{ "root", "Root file system" },
	{ "files", "Files and directories" },
	{ "identity", "Identity and environment" },
	{ "namespaces", "Namespaces" },
	{ "network", "Network" },
	{ "policy", "Policy and limits" },
	{ "process", "Process and terminal" },
	{ "life", "Background, status and time" },
	{ "runtime", "Runtime" },
	{ "repeatable", "Repeatable runs" },
	{ "configuration", "Configuration" },
	{ NULL, NULL },
};

static const struct option_row rows[] = {
	{ "root", 'R', NULL, OPERAND_NEEDED, "ROOT", MERGE_SCALAR, "root",
	  OPTION_COMMON | OPTION_PATH, set_root, FIELD(root), NULL,
	  "use ROOT as root: a directory, an archive (- for stdin), oci:DIR, oci-archive:FILE, "
	  "docker-archive:FILE, or host (default): the host's own, read-only" },
	{ "root-mode", 0, NULL, OPERAND_NEEDED, "MODE", MERGE_SCALAR, "root", 0,
	  set_choice, FIELD(root_mode), root_modes,
	  "cow: what is written is thrown away (default); ro: read-only; rw: written through" },
	{ "upper", 0, NULL, OPERAND_NEEDED, "DIR", MERGE_SCALAR, "root", OPTION_PATH,
	  set_path, FIELD(upper), NULL,
	  "keep what is written to the root in DIR, and start from it next time" },
	{ "no-cache", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "root", 0, set_flag,
	  FIELD(plan.image.no_cache), NULL,
	  "keep nothing of an image: it is read into memory each time" },
	{ "cache-size", 0, NULL, OPERAND_NEEDED, "SIZE", MERGE_SCALAR, "root", 0,
	  set_size, FIELD(plan.image.cache_size), NULL,
	  "keep at most SIZE bytes of images (default 10G); the least used go first" },
	{ "signature", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "root", OPTION_PATH,
	  set_path, FIELD(plan.image.signature), NULL,
	  "the image's signature is FILE; else it is looked for beside the image" },
	{ "insecure", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "root", 0, set_flag,
	  FIELD(plan.image.insecure), NULL,
	  "do not verify the image, although sbx trust asks for it" },
	{ "squash-ids", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "root", 0, set_flag,
	  FIELD(plan.image.squash), NULL, "all files of an image belong to root" },
	{ "entrypoint", 0, NULL, OPERAND_NEEDED, "PROG", MERGE_SCALAR, "root",
	  OPTION_EMPTY, set_text, FIELD(entrypoint), NULL,
	  "start PROG in place of the image's entrypoint; empty: none" },
	{ "scratch-size", 0, NULL, OPERAND_NEEDED, "SIZE", MERGE_SCALAR, "root", 0,
	  set_size, FIELD(plan.rootfs.scratch_size), NULL,
	  "at most SIZE bytes for all that is thrown away at the end" },

	{ "cwd", 0, NULL, OPERAND_NEEDED, "MODE", MERGE_SCALAR, "files", OPTION_COMMON,
	  set_choice, FIELD(cwd), cwd_modes,
	  "the current directory at its own path: cow (default with the host's root), ro, rw, "
	  "or off (default otherwise)" },
	{ "ro", 0, NULL, OPERAND_NEEDED, "SRC[:DST]", MERGE_APPEND, "files",
	  OPTION_COMMON | OPTION_PATH, add_ro, 0, NULL,
	  "show SRC of the host, read-only" },
	{ "rw", 0, "rw-bind", OPERAND_NEEDED, "SRC[:DST]", MERGE_APPEND, "files",
	  OPTION_COMMON | OPTION_PATH, add_rw, 0, NULL,
	  "show SRC of the host, writable" },
	{ "cow", 0, NULL, OPERAND_NEEDED, "SRC[:DST]", MERGE_APPEND, "files",
	  OPTION_COMMON | OPTION_PATH, add_cow, 0, NULL,
	  "show SRC of the host, copy-on-write: it is never changed" },
	{ "volume", 'v', NULL, OPERAND_NEEDED, "SRC:DST[:ro]", MERGE_APPEND, "files",
	  OPTION_PATH, add_volume, 0, NULL, "as --rw or --ro, in docker's spelling" },
	{ "mount", 0, NULL, OPERAND_NEEDED, "type=T,src=SRC,dst=DST,...", MERGE_APPEND,
	  "files", 0, add_mount, 0, NULL,
	  "as --rw, --ro or --tmpfs, in docker's long spelling" },
	{ "tmpfs", 0, NULL, OPERAND_NEEDED, "DST[:size=N,mode=M]", MERGE_APPEND, "files",
	  OPTION_PATH, add_tmpfs, 0, NULL, "an empty directory in memory" },
	{ "dev-bind", 0, "device", OPERAND_NEEDED, "PATH", MERGE_APPEND, "files",
	  OPTION_PATH, add_dev_bind, 0, NULL,
	  "show the device PATH of the host, usable" },
	{ "mask", 0, NULL, OPERAND_NEEDED, "PATH", MERGE_APPEND, "files", OPTION_PATH,
	  add_mask, 0, NULL, "cover PATH so that nothing of it can be read" },
	{ "shm-size", 0, NULL, OPERAND_NEEDED, "SIZE", MERGE_SCALAR, "files", 0, set_size,
	  FIELD(shm_size), NULL, "give /dev/shm SIZE bytes of its own" },
	{ "proc", 0, NULL, OPERAND_NEEDED, "KIND", MERGE_SCALAR, "files", 0, set_choice,
	  FIELD(proc), procs,
	  "/proc: new (default); pids: processes only; host: the outer one; none" },
	{ "workdir", 'w', NULL, OPERAND_NEEDED, "DIR", MERGE_SCALAR, "files",
	  OPTION_COMMON | OPTION_PATH, set_workdir, FIELD(workdir), NULL,
	  "start the command in DIR" },

	{ "user", 'u', NULL, OPERAND_NEEDED, "UID[:GID]|NAME", MERGE_SCALAR, "identity",
	  OPTION_COMMON, set_text, FIELD(user), NULL,
	  "run the command as this user; a NAME is one of the root's own" },
	{ "groups", 0, NULL, OPERAND_NEEDED, "WHAT", MERGE_SCALAR, "identity", 0,
	  set_choice, FIELD(groups), group_words,
	  "the caller's supplementary groups: drop (default) or keep" },
	{ "group-add", 0, NULL, OPERAND_NEEDED, "GID|NAME", MERGE_APPEND, "identity", 0,
	  add_text, FIELD(group_add), NULL, "one more supplementary group" },
	{ "map", 0, NULL, OPERAND_NEEDED, "HOW", MERGE_WHOLE, "identity", 0, add_map, 0,
	  NULL,
	  "user ids: auto (default), single, subuid, keep-id, or [u:|g:]INSIDE:OUTSIDE:COUNT" },
	{ "root-emu", 0, NULL, OPERAND_NEEDED, "WHEN", MERGE_SCALAR, "identity", 0,
	  set_choice, FIELD(root_emu), root_emu_words,
	  "let chown, setuid and their like seem to work: auto (default: a root with one id), "
	  "on, off" },
	{ "hostname", 0, NULL, OPERAND_NEEDED, "NAME", MERGE_SCALAR, "identity", 0,
	  set_hostname, FIELD(plan.namespaces.hostname), NULL, "call the sandbox NAME" },
	{ "tz", 0, NULL, OPERAND_NEEDED, "ZONE", MERGE_SCALAR, "identity", 0, set_text,
	  FIELD(tz), NULL, "use the time zone ZONE, such as Europe/Berlin" },
	{ "env", 'e', NULL, OPERAND_NEEDED, "NAME[=VALUE]", MERGE_KEYED, "identity",
	  OPTION_COMMON, add_env, 0, NULL,
	  "set a variable; without a value: take the caller's" },
	{ "env-file", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_KEYED, "identity",
	  OPTION_PATH, add_path, FIELD(env_files), NULL,
	  "set the variables that FILE has a line for" },
	{ "keep-env", 0, NULL, OPERAND_OPTIONAL, "PATTERN", MERGE_KEYED, "identity",
	  OPTION_COMMON, add_keep_env, 0, NULL,
	  "keep the caller's variables, or those whose names match (*_proxy)" },
	{ "sysctl", 0, NULL, OPERAND_NEEDED, "NAME=VALUE", MERGE_KEYED, "identity", 0,
	  add_sysctl, 0, NULL, "set a sysctl of the sandbox's own namespaces" },

	{ "share", 0, NULL, OPERAND_NEEDED, "KIND", MERGE_KEYED, "namespaces",
	  OPTION_COMMON, share_namespace, 0, NULL,
	  "share a namespace of the host: net, ipc, pid, uts or cgroup" },
	{ "join", 0, NULL, OPERAND_NEEDED, "KIND:PATH", MERGE_KEYED, "namespaces", 0,
	  join_namespace, 0, NULL,
	  "enter the namespace at PATH (user, net, ipc, uts, pid, cgroup)" },

	{ "net", 0, "network", OPERAND_NEEDED, "HOW", MERGE_SCALAR, "network",
	  OPTION_COMMON, set_net, 0, net_words,
	  "user: an own network through sbx-net; relay: without a tap device; none: loopback; "
	  "host; ns:PATH" },
	{ "allow", 0, NULL, OPERAND_NEEDED, "DEST", MERGE_APPEND, "network",
	  OPTION_COMMON, add_allow, 0, NULL,
	  "let it reach NAME, CIDR, internet, lan, host or any, with [:PORTS][/tcp|/udp]" },
	{ "deny", 0, NULL, OPERAND_NEEDED, "DEST", MERGE_APPEND, "network", 0, add_deny,
	  0, NULL,
	  "keep it from DEST; of all --allow and --deny the first that fits holds" },
	{ "publish", 'p', NULL, OPERAND_NEEDED, "[IP:]HOST:GUEST[/udp]", MERGE_APPEND,
	  "network", OPTION_COMMON, add_publish, 0, NULL,
	  "show a port of the sandbox on 127.0.0.1 and [::1] of the host" },
	{ "publish-all", 'P', NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "network", 0,
	  set_flag, FIELD(publish_all), NULL,
	  "show each port that the image exposes on a free port of the host" },
	{ "dns", 0, NULL, OPERAND_NEEDED, "ADDR", MERGE_APPEND, "network", 0, add_dns, 0,
	  NULL, "ask this name server instead of those of the host" },
	{ "add-host", 0, NULL, OPERAND_NEEDED, "NAME:ADDR", MERGE_APPEND, "network", 0,
	  add_host, 0, NULL, "NAME has this address; host-gateway: the host's" },
	{ "search", 0, "dns-search", OPERAND_NEEDED, "DOMAIN", MERGE_APPEND, "network", 0,
	  add_search, 0, NULL, "look short names up in DOMAIN" },
	{ "resolv", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "network", OPTION_EITHER,
	  set_resolv, 0, NULL,
	  "a resolv.conf and hosts file of its own (default); --no-resolv: the root's stay" },
	{ "ip", 0, NULL, OPERAND_NEEDED, "CIDR", MERGE_SCALAR, "network", 0, set_ip, 0,
	  NULL, "its address and network (default 10.0.2.100/24)" },
	{ "ip6", 0, NULL, OPERAND_NEEDED, "CIDR|off|auto", MERGE_SCALAR, "network", 0,
	  set_ip6, 0, ip6_words,
	  "the same of IPv6; auto (default): where the host has it" },
	{ "gateway", 0, NULL, OPERAND_NEEDED, "ADDR", MERGE_SCALAR, "network", 0,
	  set_gateway, 0, NULL, "the address in its network that stands for the host" },
	{ "mtu", 0, NULL, OPERAND_NEEDED, "N", MERGE_SCALAR, "network", 0, set_mtu, 0,
	  NULL, "the longest packet of the interface, 68 to 65521 (default 0: 1500)" },
	{ "ifname", 0, NULL, OPERAND_NEEDED, "NAME", MERGE_SCALAR, "network", 0,
	  set_ifname, 0, NULL, "what the interface is called (default tap0)" },
	{ "mac", 0, "mac-address", OPERAND_NEEDED, "ADDR", MERGE_SCALAR, "network", 0,
	  set_mac, 0, NULL, "the interface's address, as 02:00:00:00:00:01" },
	{ "txqueuelen", 0, NULL, OPERAND_NEEDED, "N", MERGE_SCALAR, "network", 0,
	  set_txqueuelen, 0, NULL, "how many packets the interface's queue holds" },
	{ "net-log", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "network",
	  OPTION_PATH, set_path, FIELD(plan.net.log_file), NULL,
	  "write each connection and denial to FILE, as lines of JSON" },
	{ "pcap", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "network", OPTION_PATH,
	  set_path, FIELD(plan.net.pcap_file), NULL,
	  "write each packet to FILE, for tcpdump; slower: the relay is off then" },
	{ "net-rate", 0, NULL, OPERAND_NEEDED, "RATE", MERGE_SCALAR, "network", 0,
	  set_net_rate, 0, NULL,
	  "at most RATE each way: 10Mbit (bits a second) or 10M (bytes a second)" },
	{ "relay", 0, NULL, OPERAND_NEEDED, "WHEN", MERGE_SCALAR, "network", 0,
	  set_choice, FIELD(relay), relay_words,
	  "TCP past the tap device: auto (default: where it can be), or off" },

	{ "policy", 0, NULL, OPERAND_NEEDED, "POLICY", MERGE_SCALAR, "policy",
	  OPTION_COMMON | OPTION_PATH, set_text, FIELD(policy), NULL,
	  "default, strict, dev, nested, docker, none, a FILE, or NAME+CALL-CALL+@GROUP" },
	{ "seccomp", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "policy", OPTION_PATH,
	  set_path, FIELD(seccomp), NULL,
	  "take the system calls from FILE instead: OCI JSON or raw BPF" },
	{ "seccomp-backend", 0, NULL, OPERAND_NEEDED, "WHICH", MERGE_SCALAR, "policy", 0,
	  set_choice, FIELD(backend), backends,
	  "what compiles the policy: sbx (default) or libseccomp" },
	{ "explain", 0, NULL, OPERAND_NEEDED, "WHEN", MERGE_SCALAR, "policy",
	  OPTION_COMMON, set_choice, FIELD(explain), explain_words,
	  "tell what the policy denied: auto (default: on a terminal, for default and strict), "
	  "on, off" },
	{ "denials", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "policy", OPTION_PATH,
	  set_path, FIELD(plan.policy.denials), NULL,
	  "write what the policy denied to FILE, as JSON" },
	{ "landlock", 0, NULL, OPERAND_NEEDED, "WHEN", MERGE_SCALAR, "policy", 0,
	  set_landlock, FIELD(landlock), NULL,
	  "a layer of Landlock: auto (default: what the kernel has), off, require, require(N)" },
	{ "isolation", 0, NULL, OPERAND_NEEDED, "HOW", MERGE_SCALAR, "policy", 0,
	  set_choice, FIELD(isolation), isolations,
	  "userns (default), or landlock: without namespaces, for hosts that forbid them" },
	{ "cap-add", 0, NULL, OPERAND_NEEDED, "CAP", MERGE_KEYED, "policy", 0, add_cap, 0,
	  NULL,
	  "give the command a capability (NET_RAW, ALL, or a set such as @docker)" },
	{ "cap-drop", 0, NULL, OPERAND_NEEDED, "CAP", MERGE_KEYED, "policy", 0, drop_cap,
	  0, NULL, "take a capability from the command (ALL: every one)" },
	{ "memory", 'm', NULL, OPERAND_NEEDED, "SIZE", MERGE_SCALAR, "policy",
	  OPTION_COMMON, set_size, FIELD(plan.policy.limits.cgroup.memory), NULL,
	  "at most SIZE bytes of memory (64M, 2G), and no swap" },
	{ "memory-swap", 0, NULL, OPERAND_NEEDED, "SIZE", MERGE_SCALAR, "policy", 0,
	  set_memory_swap, 0, NULL,
	  "at most SIZE bytes of memory and swap together; unlimited: as much swap as there is" },
	{ "pids", 0, "pids-limit", OPERAND_NEEDED, "N", MERGE_SCALAR, "policy",
	  OPTION_COMMON, set_pids, 0, NULL, "at most N processes and threads at once" },
	{ "cpus", 0, NULL, OPERAND_NEEDED, "N", MERGE_SCALAR, "policy", OPTION_COMMON,
	  set_cpus, 0, NULL, "as much processor time as N processors have (2, 0.5)" },
	{ "cpuset", 0, "cpuset-cpus", OPERAND_NEEDED, "LIST", MERGE_SCALAR, "policy", 0,
	  set_cpuset, 0, NULL, "run on these processors alone (0-1,3)" },
	{ "io-weight", 0, NULL, OPERAND_NEEDED, "N", MERGE_SCALAR, "policy", 0,
	  set_io_weight, 0, NULL,
	  "the share of busy disks: 1 to 10000, where others have 100" },
	{ "limits", 0, NULL, OPERAND_NEEDED, "HOW", MERGE_SCALAR, "policy", 0, set_choice,
	  FIELD(limits), limit_words,
	  "a limit that cannot be set: require: an error (default); best-effort: a warning" },
	{ "rlimit", 0, "ulimit", OPERAND_NEEDED, "NAME=SOFT[:HARD]", MERGE_KEYED,
	  "policy", 0, add_rlimit, 0, NULL,
	  "set a resource limit, as nofile=1024:4096 or core=unlimited" },
	{ "oom-score-adj", 0, NULL, OPERAND_NEEDED, "N", MERGE_SCALAR, "policy", 0,
	  set_oom_score_adj, 0, NULL,
	  "how soon the command is killed when memory runs out" },

	{ "tty", 't', NULL, OPERAND_OPTIONAL, "WHEN", MERGE_SCALAR, "process",
	  OPTION_COMMON, set_tty, FIELD(tty), tty_words,
	  "a terminal of its own: auto (default: when 0, 1 and 2 are terminals), on (alone), off" },
	{ "interactive", 'i', NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "process", 0,
	  set_flag, FIELD(interactive), NULL,
	  "with --detach: keep the standard input open" },
	{ "init", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "process", OPTION_EITHER,
	  set_init, 0, NULL,
	  "an init as process 1 (default); --no-init: the command is process 1" },
	{ "stop-signal", 0, NULL, OPERAND_NEEDED, "SIGNAL", MERGE_SCALAR, "process", 0,
	  set_stop_signal, 0, NULL, "what asks the command to end (default TERM)" },
	{ "preserve-fds", 0, NULL, OPERAND_NEEDED, "N", MERGE_SCALAR, "process", 0,
	  set_preserve_fds, 0, NULL,
	  "the command inherits N descriptors, 3 and following" },
	{ "keep-fd", 0, NULL, OPERAND_NEEDED, "FD", MERGE_APPEND, "process", 0,
	  add_keep_fd, 0, NULL, "the command inherits the descriptor FD" },

	{ "detach", 'd', NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "life", OPTION_COMMON,
	  set_flag, FIELD(plan.life.detach), NULL, "run in the background" },
	{ "name", 0, NULL, OPERAND_NEEDED, "NAME", MERGE_SCALAR, "life", OPTION_COMMON,
	  set_name, FIELD(plan.life.name), NULL,
	  "how `sbx list`, `kill` and `wait` call it" },
	{ "pid-file", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "life", OPTION_PATH,
	  set_path, FIELD(plan.life.pid_file), NULL,
	  "write the pid of process 1 to FILE" },
	{ "log", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "life", OPTION_PATH,
	  set_log, FIELD(plan.life.log), NULL,
	  "with --detach: append the output to FILE" },
	{ "timeout", 0, NULL, OPERAND_NEEDED, "TIME", MERGE_SCALAR, "life", OPTION_COMMON,
	  set_duration, FIELD(plan.life.timeout_ms), NULL,
	  "end it after TIME (10s, 5m, 1h30m) with status 124" },
	{ "kill-after", 0, NULL, OPERAND_NEEDED, "TIME", MERGE_SCALAR, "life", 0,
	  set_duration, FIELD(plan.life.kill_after_ms), NULL,
	  "kill what is left TIME after --timeout (default 10s)" },
	{ "die-with-parent", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "life", 0,
	  set_flag, FIELD(plan.life.die_with_parent), NULL,
	  "end it when the process that started sbx ends" },
	{ "ready-fd", 0, NULL, OPERAND_NEEDED, "FD", MERGE_SCALAR, "life", 0,
	  set_descriptor, FIELD(plan.life.ready_fd), NULL,
	  "write a line to FD once the command runs" },
	{ "status-fd", 0, NULL, OPERAND_NEEDED, "FD", MERGE_SCALAR, "life", 0,
	  set_descriptor, FIELD(plan.life.status_fd), NULL,
	  "write what happens to FD, as lines of JSON" },
	{ "stats", 0, NULL, OPERAND_OPTIONAL, "FILE", MERGE_SCALAR, "life", OPTION_PATH,
	  set_stats, 0, NULL, "tell time, CPU and memory used, on stderr or to FILE" },
	{ "rm", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "life", 0, set_nothing, 0,
	  NULL, "leave nothing behind: what always holds" },

	{ "runtime", 0, NULL, OPERAND_NEEDED, "RUNTIME", MERGE_SCALAR, "runtime",
	  OPTION_COMMON, set_runtime, 0, runtime_words,
	  "whose kernel the command runs on: native (default): the host's; runsc: gVisor's" },
	{ "platform", 0, NULL, OPERAND_NEEDED, "PLATFORM[,PLATFORM...]", MERGE_SCALAR,
	  "runtime", 0, set_platform, 0, platform_words,
	  "how gVisor gets system calls: auto (default), systrap, ptrace, kvm, or a list: the "
	  "first that works" },
	{ "gvisor-net", 0, NULL, OPERAND_NEEDED, "STACK", MERGE_SCALAR, "runtime", 0,
	  set_choice, FIELD(gvisor_net), gvisor_net_words,
	  "the network stack inside gVisor: netstack: its own (default); host: the kernel's; "
	  "none: loopback" },
	{ "differences", 0, NULL, OPERAND_NEEDED, "HOW", MERGE_SCALAR, "runtime", 0,
	  set_choice, FIELD(differences), difference_words,
	  "what gVisor does otherwise than asked: warn (default) in one line, or error" },
	{ "runsc", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "runtime", OPTION_PATH,
	  set_path, FIELD(plan.runtime.runsc), NULL,
	  "the runsc that is started; else the first in PATH" },
	{ "runsc-pin", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "runtime",
	  OPTION_PATH, set_path, FIELD(plan.runtime.pin), NULL,
	  "start only a runsc whose release and SHA-512 FILE lists" },

	{ "pure", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "repeatable",
	  OPTION_COMMAND_LINE | OPTION_COMMON, set_flag, FIELD(pure), NULL,
	  "show the command the same every time: names, ids, variables, clocks from zero, "
	  "addresses, one processor, no network" },
	{ "record", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "repeatable",
	  OPTION_COMMON | OPTION_PATH, set_path, FIELD(plan.life.record), NULL,
	  "write to FILE, as JSON, digests of what was given and what was written" },
	{ "expect", 0, NULL, OPERAND_NEEDED, "DIGEST|FILE", MERGE_SCALAR, "repeatable",
	  OPTION_PATH, set_expect, FIELD(plan.life.expect), NULL,
	  "end with 123 unless what is written has this digest, or that of a record" },
	{ "repeat", 0, NULL, OPERAND_NEEDED, "N", MERGE_SCALAR, "repeatable", 0,
	  set_repeat, FIELD(plan.life.repeat), NULL,
	  "run it N times, and end with 123 where two runs differ" },

	{ "profile", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_APPEND, "configuration",
	  OPTION_COMMON | OPTION_PATH, set_nothing, 0, NULL,
	  "take options from the lines of FILE" },
	{ "pool", 0, NULL, OPERAND_NEEDED, "NAME", MERGE_APPEND, "configuration", 0,
	  set_nothing, 0, NULL, "take options from pools.d/NAME of the configuration" },
	{ "config", 0, NULL, OPERAND_NEEDED, "FILE", MERGE_SCALAR, "configuration",
	  OPTION_COMMAND_LINE | OPTION_PATH, set_nothing, 0, NULL,
	  "start from the OCI config.json that `sbx config` printed (-: stdin)" },
	{ "no-config", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "configuration",
	  OPTION_COMMAND_LINE, set_nothing, 0, NULL, "read no configuration file" },
	{ "log-format", 0, NULL, OPERAND_NEEDED, "FORMAT", MERGE_SCALAR, "configuration",
	  0, set_choice, FIELD(log_format), log_formats,
	  "how errors are told: text (default) or json" },
	{ "dry-run", 0, NULL, OPERAND_NONE, NULL, MERGE_SCALAR, "configuration",
	  OPTION_COMMON, set_flag, FIELD(plan.life.dry_run), NULL,
	  "check everything, print the plan in words, start nothing" },
	{ "help", 'h', NULL, OPERAND_OPTIONAL, "TOPIC", MERGE_SCALAR, "configuration",
	  OPTION_COMMAND_LINE | OPTION_COMMON, set_help, 0, NULL,
	  "this help; --help TOPIC: one topic; --help all: every option" },
};

const struct option_row *option_rows(size_t *ret_count)
{
	*ret_count = COUNT(rows);
	return rows;
}

const struct option_topic *option_topics(void)
{
	return topics;
}

static const struct option_row *find_exact(const char *name)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!strcmp(rows[i].name, name) ||
		    (rows[i].alias && !strcmp(rows[i].alias, name)))
			return &rows[i];
	}
	return NULL;
}

static bool can_be_negated(const struct option_row *row)
{
	return row->set != set_nothing && row->set != set_help &&
	       (row->merge != MERGE_SCALAR || row->need != OPERAND_NEEDED);
}

const struct option_row *option_find(const char *name, bool *ret_negated)
{
	const struct option_row *row = find_exact(name);

	*ret_negated = false;
	if (row || !text_starts_with(name, "no-"))
		return row;
	row = find_exact(name + strlen("no-"));
	if (!row || !can_be_negated(row))
		return NULL;
	*ret_negated = true;
	return row;
}

const struct option_row *option_find_letter(char letter)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].letter == letter)
			return &rows[i];
	}
	return NULL;
}

const char *option_nearest(const char *name)
{
	const char *words[2 * COUNT(rows) + 1];
	size_t count = 0;

	for (size_t i = 0; i < COUNT(rows); i++) {
		words[count++] = rows[i].name;
		if (rows[i].alias)
			words[count++] = rows[i].alias;
	}
	words[count] = NULL;
	return text_nearest(name, words);
}
