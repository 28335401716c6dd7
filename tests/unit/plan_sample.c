/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/plan_sample.h"

#include <sys/resource.h>

#include "plan/plan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const command[] = { "sh", NULL };
static const char *const no_env[] = { NULL, NULL, NULL };
static const struct id_range one_id[] = { { 1000, 1000, 1 } };

struct plan plan_sample_small(void)
{
	return (struct plan){
		.ids = { .uids = { one_id, 1 }, .gids = { one_id, 1 } },
		.rootfs = { .kind = ROOT_HOST, .mode = ROOT_RO },
		.net = { .loopback = true },
		.process = {
			.argv = command,
			.argc = 1,
			.env = no_env,
			.cwd = "/",
			.uid = 1000,
			.gid = 1000,
			.umask = 022,
			.stop_signal = 15,
		},
		.life = { .ready_fd = -1, .status_fd = -1, .kill_after_ms = 10000 },
	};
}

static const char *const words[] = { "make",     "-j",     "",  "a b\n\t\"\\",
				     "\xc3\xa4", "\xff.c", NULL };
static const char *const env[] = { "PATH=/bin", "EMPTY=", "A=b=c", "ODD=\x80\xef\x9e\x80",
				   NULL,        NULL,     NULL };
static const struct id_range uids[] = { { 0, 1000, 1 }, { 1, 2147483648u, 65535 } };
static const struct id_range gids[] = { { 0, 100, 1 }, { 5, 4294967294u, 1 } };
static const struct key_value sysctls[] = { { "net.ipv4.ip_forward", "1" },
					    { "kernel/shmmax", "1 2" } };
static const char *const lowers[] = { "/low:est", "/mid,dle", "/top\\" };
static const uint32_t groups[] = { 4, 4294967294u };
static const int keep_fds[] = { 3, 17, 2147483647 };
static const struct rlimit_entry rlimits[] = {
	{ RLIMIT_NOFILE, 1024, 4096 },
	{ RLIMIT_CORE, 0, UINT64_MAX },
	{ RLIMIT_STACK, UINT64_MAX, UINT64_MAX },
};
static const unsigned char program[] = { 0x06, 0, 0, 0, 0, 0, 0xff, 0x7f };

/* In each kind every field that it uses, and some that it does not. */
static const struct mount_entry mounts[] = {
	{ .kind = MOUNT_BIND, .source = "/srv", .dest = "/data" },
	{ .kind = MOUNT_BIND,
	  .flags = MOUNT_F_RDONLY | MOUNT_F_NOSUID | MOUNT_F_NODEV | MOUNT_F_NOEXEC |
		   MOUNT_F_OPTIONAL | MOUNT_F_NOFOLLOW,
	  .source = "/srv\xfe",
	  .dest = "/data two" },
	{ .kind = MOUNT_COW, .source = "/work", .dest = "/work" },
	{ .kind = MOUNT_COW,
	  .flags = MOUNT_F_RDONLY | MOUNT_F_NODEV,
	  .source = "/w",
	  .dest = "/w" },
	{ .kind = MOUNT_OVERLAY,
	  .dest = "/over",
	  .lowers = lowers,
	  .lower_count = 3,
	  .upper = "/up,per",
	  .work = "/wo:rk" },
	{ .kind = MOUNT_OVERLAY,
	  .flags = MOUNT_F_RDONLY,
	  .dest = "/o",
	  .lowers = lowers,
	  .lower_count = 1 },
	{ .kind = MOUNT_TMPFS,
	  .flags = MOUNT_F_NOSUID,
	  .dest = "/tmp",
	  .mode = 01777,
	  .size = 1 << 20 },
	{ .kind = MOUNT_TMPFS, .dest = "/plain" },
	{ .kind = MOUNT_TMPFS, .dest = "/dev", .mode = 0700 },
	{ .kind = MOUNT_SCRATCH, .flags = MOUNT_F_NOEXEC, .dest = "/run", .mode = 0755 },
	{ .kind = MOUNT_PROC, .flags = MOUNT_F_NOSUID | MOUNT_F_NOEXEC, .dest = "/proc" },
	{ .kind = MOUNT_PROC, .source = "pids", .dest = "/proc" },
	{ .kind = MOUNT_PROC,
	  .flags = MOUNT_F_RDONLY,
	  .source = "host",
	  .dest = "/proc" },
	{ .kind = MOUNT_SYSFS, .flags = MOUNT_F_RDONLY, .dest = "/sys" },
	{ .kind = MOUNT_DEV,
	  .flags = MOUNT_F_NOSUID,
	  .dest = "/dev",
	  .size = 1 << 26,
	  .mode = 0711 },
	{ .kind = MOUNT_DEV, .dest = "/other/dev" },
	{ .kind = MOUNT_MQUEUE, .dest = "/dev/mqueue" },
	{ .kind = MOUNT_CGROUP, .flags = MOUNT_F_RDONLY, .dest = "/sys/fs/cgroup" },
	{ .kind = MOUNT_MASK, .flags = MOUNT_F_OPTIONAL, .dest = "/home" },
	{ .kind = MOUNT_READONLY, .flags = MOUNT_F_OPTIONAL, .dest = "/usr" },
	{ .kind = MOUNT_DIR, .dest = "/a", .mode = 0750 },
	{ .kind = MOUNT_FILE,
	  .dest = "/etc/hosts",
	  .mode = 0444,
	  .content = "1\n\xe9",
	  .content_size = 3 },
	{ .kind = MOUNT_FILE,
	  .dest = "/bin.dat",
	  .content = "\0\xff\x01",
	  .content_size = 3 },
	{ .kind = MOUNT_FILE, .flags = MOUNT_F_RDONLY, .dest = "/empty" },
	{ .kind = MOUNT_DATA,
	  .flags = MOUNT_F_OPTIONAL | MOUNT_F_NODEV,
	  .dest = "/etc/resolv.conf",
	  .mode = 0644,
	  .content = "a\tb\n",
	  .content_size = 4 },
	{ .kind = MOUNT_SYMLINK, .source = "usr/bin", .dest = "/bin" },
	{ .kind = MOUNT_CHMOD, .dest = "/a", .mode = 0500 },
	{ .kind = MOUNT_MASK, .flags = MOUNT_F_RDONLY | MOUNT_F_NOFOLLOW, .dest = "/m" },
	{ .kind = MOUNT_TMPFS,
	  .source = "x",
	  .dest = "/t",
	  .lowers = lowers,
	  .lower_count = 2,
	  .upper = "u",
	  .work = "w",
	  .content = "c",
	  .content_size = 1 },
	{ .kind = MOUNT_READONLY, .flags = MOUNT_F_OPTIONAL, .dest = "/proc/sys" },
	{ .kind = MOUNT_READONLY, .flags = MOUNT_F_OPTIONAL, .dest = "/proc/irq" },
	{ .kind = MOUNT_MASK, .flags = MOUNT_F_OPTIONAL, .dest = "/proc/kcore" },
};

#define V4(d)                                                                            \
	{                                                                                \
		{                                                                        \
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 7, 0, d            \
		}                                                                        \
	}
#define V6(d)                                                                            \
	{                                                                                \
		{                                                                        \
			0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, d                \
		}                                                                        \
	}

static const struct rule_text rules[] = {
	{ true, "a.test:443,sni", "command line" },
	{ false, "lan", "/etc/sbx/sb\xf8 x.conf:3" },
};
static const struct publish published[] = {
	{ .host_ports = { 8080, 8080 },
	  .guest_ports = { 80, 80 },
	  .protocol = PROTOCOL_TCP },
	{ .host = V4(1),
	  .host_given = true,
	  .host_ports = { 1000, 1010 },
	  .guest_ports = { 2000, 2010 },
	  .protocol = PROTOCOL_UDP },
	{ .host = V6(9),
	  .host_given = true,
	  .guest_ports = { 443, 443 },
	  .protocol = PROTOCOL_TCP },
};
static const struct ip upstreams[] = { V4(53), V6(53) };
static const char *const domains[] = { "corp.example", "example" };
static const struct host_name host_names[] = {
	{ .name = "gate.test", .gateway = true },
	{ .name = "db", .address = V6(7) },
	{ .name = "web", .address = V4(7) },
};

static struct net_spec full_net(void)
{
	return (struct net_spec){
		.mode = NET_USER,
		.loopback = true,
		.relay_off = true,
		.address = { V4(100), 120 },
		.gateway = V4(2),
		.dns = V4(3),
		.ip6_off =
			true, /* which contradicts what follows: a reader does not mind */
		.address6 = { V6(100), 64 },
		.gateway6 = V6(2),
		.dns6 = V6(3),
		.mtu = 9000,
		.txqueuelen = 500,
		.ifname = "fifteen-letters",
		.mac = { 2, 0xfe, 0, 1, 2, 3 },
		.rules = rules,
		.rule_count = COUNT(rules),
		.published = published,
		.published_count = COUNT(published),
		.upstreams = upstreams,
		.upstream_count = COUNT(upstreams),
		.search = domains,
		.search_count = COUNT(domains),
		.no_resolv = true,
		.hosts = host_names,
		.host_count = COUNT(host_names),
		.log_file = "/net.l\xf8g",
		.pcap_file = "",
		.rate = UINT64_MAX,
	};
}

static struct namespaces_spec full_namespaces(void)
{
	struct namespaces_spec spec = {
		.new_time = true,
		.time_from_zero = true,
		.hostname = "box",
		.hostname_optional = true,
		.sysctls = sysctls,
		.sysctl_count = COUNT(sysctls),
	};

	spec.kinds[NS_NET] = (struct ns_choice){ NS_JOINED, "/proc/7/ns/net" };
	spec.kinds[NS_USER] = (struct ns_choice){ NS_JOINED, "/run/us\xfer" };
	spec.kinds[NS_IPC].mode = NS_SHARED;
	return spec;
}

static struct process_spec full_process(void)
{
	return (struct process_spec){
		.argv = words,
		.argc = COUNT(words) - 1,
		.env = env,
		.env_count = COUNT(env) - 3,
		.env_home = true,
		.cwd = "/w",
		.user_name = "alice",
		.gid_given = true,
		.uid = 4294967294u,
		.gid = 7,
		.groups = groups,
		.group_count = COUNT(groups),
		.umask = 0777,
		.terminal = true,
		.stdin_open = true,
		.stdin_null = true,
		.keep_fds = keep_fds,
		.keep_fd_count = COUNT(keep_fds),
		.no_init = true,
		.fixed_addresses = true,
		.one_processor = true,
		.stop_signal = 2,
	};
}

static struct life_spec full_life(void)
{
	return (struct life_spec){
		.detach = true,
		.name = "web",
		.pid_file = "/run/p\xc3",
		.log = "",
		.ready_fd = 0,
		.status_fd = 2147483647,
		.stats = true,
		.stats_file = "/s",
		.timeout_ms = UINT64_MAX,
		.kill_after_ms = 0,
		.die_with_parent = true,
		.dry_run = true,
		.log_format = LOG_JSON,
		.record = "/r\xe9",
		.expect = "sha256:0",
		.repeat = 100,
	};
}

struct plan plan_sample_full(void)
{
	return (struct plan){
		.ids = { { uids, COUNT(uids) }, { gids, COUNT(gids) }, true },
		.namespaces = full_namespaces(),
		.image = { .signature = "/srv/s\xefg", .no_cache = true, .insecure = true,
			   .squash = true, .cache_size = 77 },
		.rootfs = { .kind = ROOT_DIRECTORY, .mode = ROOT_COW, .path = "/srv/r\xf8t",
			    .upper = "/up", .scratch_size = UINT64_MAX,
			    .mounts = mounts,
			    .mount_count = COUNT(mounts) },
		.net = full_net(),
		.policy = {
			{ .kept = ((uint64_t)1 << 63) | 0x1ffffffffff, .ambient = 5 },
			{ rlimits, COUNT(rlimits), true, -1000, .cgroup = { 1 << 30, UINT64_MAX, true, 5, 150000,
						     100000, "0-1,3", 77, true } },
			.landlock = { .mode = LANDLOCK_REQUIRE, .least_abi = 6 },
			.filter.program = { program, 1 },
			.operand = "/etc/p\xf8l",
			.by_libseccomp = true,
			.explains = true,
			.denials = "/tmp/denials",
			.emulate_root = true,
		},
		.process = full_process(),
		.life = full_life(),
	};
}
