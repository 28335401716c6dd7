/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx config WORDS | sbx run --config -` makes the plan that `sbx run WORDS` makes. */
#include "plan/options.h"

#include "tests/unit/plan_equal.h"
#include "tests/unit/planning.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A use of each row; NULL: it has no place in a plan. */
static const struct sample {
	const char *option, *words;
} samples[] = {
	{ "root", "" },
	{ "root-mode", "--root-mode ro" },
	{ "upper", "--upper @/work" },
	{ "no-cache", "--no-cache" },
	{ "cache-size", "--cache-size 1G" },
	{ "signature", "--signature @/root/s" },
	{ "insecure", "--insecure" },
	{ "squash-ids", "--squash-ids" },
	{ "entrypoint", "--entrypoint /bin/sh" },
	{ "scratch-size", "--scratch-size 64M" },
	{ "cwd", "--cwd ro" },
	{ "ro", "--ro /etc:/data" },
	{ "rw", "--rw @/work:/data" },
	{ "cow", "--cow @/work:/data" },
	{ "volume", "-v /etc:/data:ro,noexec" },
	{ "mount", "--mount type=tmpfs,dst=/data,tmpfs-size=1M,ro" },
	{ "tmpfs", "--tmpfs /data:size=1M,mode=0700" },
	{ "dev-bind", "--device /dev/null" },
	{ "mask", "--mask /etc/passwd" },
	{ "shm-size", "--shm-size 1M" },
	{ "proc", "--proc pids" },
	{ "workdir", "-w /etc" },
	{ "user", "-u 0:0" },
	{ "groups", "--groups keep" },
	{ "group-add", "--group-add 0" },
	{ "map", "--map single" },
	{ "root-emu", "--map single --root-emu on" },
	{ "hostname", "--hostname box" },
	{ "tz", "--tz Etc/UTC" },
	{ "env", "-e A=b -e EMPTY=" },
	{ "env-file", "--env-file @/vars" },
	{ "keep-env", "--keep-env=HOME" },
	{ "sysctl", "--sysctl net.ipv4.ip_unprivileged_port_start=0" },
	{ "share", "--share net,ipc,cgroup,uts,pid" },
	{ "join", NULL },
	{ "net", "--net user" },
	{ "allow", "--net relay --allow a.test:443,sni --allow 192.0.2.0/24:80/tcp" },
	{ "deny", "--net relay --deny lan --allow internet:443 --deny 192.0.2.1" },
	{ "publish-all", NULL }, /* of an image: test_expand_image.c */
	{ "publish",
	  "--net relay -p 8080:80 -p 127.0.0.1:53:53/udp -p 9000-9010:9000-9010" },
	{ "dns", "--net relay --dns 192.0.2.53 --dns 2001:db8::53" },
	{ "add-host", "--net relay --add-host a.test:host-gateway --add-host b:fd00::7" },
	{ "search", "--net relay --search corp.example --search example" },
	{ "resolv", "--net relay --no-resolv" },
	{ "ip", "--net relay --ip 10.99.0.5/16" },
	{ "ip6", "--net relay --ip6 fd01::5/64" },
	{ "gateway", "--net relay --ip 10.99.0.5/16 --gateway 10.99.0.1" },
	{ "mtu", "--net relay --mtu 9000" },
	{ "ifname", "--net relay --ifname eth0" },
	{ "mac", "--net relay --mac 02:00:00:00:00:FF" },
	{ "txqueuelen", "--net relay --txqueuelen 500" },
	{ "net-log", "--net relay --net-log @/net-log" },
	{ "pcap", "--net user --pcap @/pcap" },
	{ "net-rate", "--net relay --net-rate 10Mbit" },
	{ "relay", "--net user --relay off" },
	{ "policy", "--policy strict+ptrace" },
	{ "seccomp", "--seccomp @/filter" },
	{ "seccomp-backend", "--seccomp-backend libseccomp --policy none" },
	{ "explain", "--explain on" },
	{ "denials", "--denials @/denials" },
	{ "landlock", "--landlock off" },
	{ "isolation", "--isolation userns" },
	{ "cap-add", "--cap-add NET_RAW" },
	{ "cap-drop", "--cap-drop ALL" },
	{ "memory", "-m 64M" },
	{ "memory-swap", "-m 64M --memory-swap unlimited" },
	{ "pids", "--pids 20" },
	{ "cpus", "--cpus 1.5" },
	{ "cpuset", "--cpuset 0-1,3" },
	{ "io-weight", "--io-weight 777" },
	{ "limits", "-m 64M --limits best-effort" },
	{ "rlimit", "--rlimit nofile=10:20 --rlimit stack=unlimited" },
	{ "oom-score-adj", "--oom-score-adj 700" },
	{ "tty", "-t" },
	{ "interactive", "-d -i" },
	{ "init", "--no-init" },
	{ "stop-signal", "--stop-signal INT" },
	{ "preserve-fds", "--preserve-fds 1" },
	{ "keep-fd", "--keep-fd 3" },
	{ "detach", "-d" },
	{ "name", "--name box" },
	{ "pid-file", "--pid-file @/pid" },
	{ "log", "-d --log @/log" },
	{ "timeout", "--timeout 1500ms" },
	{ "kill-after", "--kill-after 3s" },
	{ "die-with-parent", "--die-with-parent" },
	{ "ready-fd", "--ready-fd 1" },
	{ "status-fd", "--status-fd 2" },
	{ "stats", "--stats=@/stats" },
	{ "rm", "--rm" },
	{ "runtime", "--net none --runtime runsc" },
	{ "platform", "--net none --runtime runsc --platform kvm,ptrace" },
	{ "gvisor-net", "--net relay --runtime runsc --gvisor-net host" },
	{ "differences", "--net none --runtime runsc --differences error" },
	{ "runsc", "--net none --runtime runsc --runsc @/root/bin/tool" },
	{ "runsc-pin", "--net none --runtime runsc --runsc-pin @/root/pin" },
	{ "pure", "--pure" },
	{ "record", "--record @/record" },
	{ "expect", "--expect " DIGEST },
	{ "repeat", "--repeat 3" },
	{ "profile", "--profile @/profile" },
	{ "pool", "--pool ci" },
	{ "config", NULL },
	{ "no-config", "" },
	{ "log-format", "--log-format json" },
	{ "dry-run", NULL },
	{ "help", NULL },
};

static const struct sample *sample_of(const char *option)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		if (!strcmp(samples[i].option, option))
			return &samples[i];
	}
	fail_msg("there is no sample of --%s", option);
	return NULL;
}

static void come_back(struct planning *at, const char *words)
{
	struct arena arena = { 0 };
	struct plan first;
	const char *difference;

	/* groups need a subordinate range, and user a tap device, which not all have */
	if (planning_root(at, words) < 0 &&
	    (at->err.id == ERROR_GROUPS || at->err.id == ERROR_DEVICE_MISSING))
		return;
	if (!at->plan.process.argc)
		fail_msg("%s: cannot %s", words, at->err.text);
	planning_write(at, "config.json", plan_to_oci(&at->plan, false, &arena));
	arena_free(&arena);
	first = at->plan;
	memset(&at->plan, 0, sizeof(at->plan));
	if (planning_words(at, "--no-config --config @/config.json") < 0)
		fail_msg("%s: cannot %s", words, at->err.text);
	difference = plan_difference(&first, &at->plan);
	if (difference)
		fail_msg("%s: %s differs", words, difference);
	plan_free(&first);
}

static void each_row_comes_back(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct planning *at = *state;
	static const char allow[] = { 6, 0, 0, 0, 0, 0, (char)0xff, 0x7f };
	size_t count;
	const struct option_row *rows = option_rows(&count);
	int fd = open(planning_path(at, "filter"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, allow, sizeof(allow)), sizeof(allow));
	dup2(fd, 3);
	planning_write(at, "vars", "A=b\n");
	planning_write(at, "profile", "hostname profile\nro /etc:/data\n");
	planning_write(at, "home/.config/sbx/pools.d/ci", "hostname ci\n");
	for (size_t i = 0; i < count; i++) {
		const struct sample *sample = sample_of(rows[i].name);

		if (sample->words)
			come_back(at, sample->words);
	}
}

static void the_host_root_comes_back(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };
	struct plan first;

	assert_int_equal(planning_words(at, "--no-config --groups keep --rw . true x y"),
			 0);
	planning_write(at, "config.json", plan_to_oci(&at->plan, false, &arena));
	arena_free(&arena);
	first = at->plan;
	memset(&at->plan, 0, sizeof(at->plan));
	assert_int_equal(planning_words(at, "--no-config --config @/config.json"), 0);
	assert_null(plan_difference(&first, &at->plan));
	plan_free(&first);
}

static void options_beside_a_config_override_and_append(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };
	size_t before;

	assert_int_equal(
		planning_root(at,
			      "-e A=1 -e B=1 --hostname one --ro /etc:/a --timeout 5s "
			      "--cap-drop ALL --cap-add CHOWN"),
		0);
	planning_write(at, "config.json", plan_to_oci(&at->plan, false, &arena));
	arena_free(&arena);
	before = at->plan.rootfs.mount_count;
	assert_int_equal(
		planning_words(
			at,
			"--no-config --config @/config.json --hostname two -e A=2 "
			"--ro /etc:/b --proc pids --shm-size 8M --cap-add KILL -w /etc sh -c x"),
		0);
	assert_string_equal(planning_mount(at, "/proc", NULL)->source, "pids");
	assert_int_equal(planning_mount(at, "/dev", NULL)->size, 8 << 20);
	assert_string_equal(at->plan.namespaces.hostname, "two");
	assert_string_equal(planning_env(at, "A"), "2");
	assert_string_equal(planning_env(at, "B"), "1");
	assert_int_equal(at->plan.rootfs.mount_count, before + 1);
	assert_string_equal(at->plan.rootfs.mounts[before].dest, "/b");
	assert_int_equal(at->plan.life.timeout_ms, 5000);
	assert_true(at->plan.policy.caps.kept ==
		    (caps_by_name("CHOWN") | caps_by_name("KILL")));
	assert_string_equal(at->plan.process.cwd, "/etc");
	assert_int_equal(at->plan.process.argc, 3);
	assert_int_equal(at->plan.policy.limits.rlimit_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_comes_back),
		cmocka_unit_test(the_host_root_comes_back),
		cmocka_unit_test(options_beside_a_config_override_and_append),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
