/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/options.h"

#include "tests/unit/planning.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define MADE(words) assert_int_equal(planning_root(at, words), 0)

/* ---- words ---- */

static void the_first_word_that_is_no_option_is_the_command(void **state)
{
	struct planning *at = *state;

	assert_int_equal(
		planning_words(at, "--no-config -R @/root /bin/tool -t --hostname x"), 0);
	assert_int_equal(at->plan.process.argc, 4);
	assert_string_equal(at->plan.process.argv[1], "-t");
	assert_string_equal(at->plan.namespaces.hostname, "sbx");
}

static void two_dashes_end_the_options(void **state)
{
	struct planning *at = *state;

	planning_refuses(at, "--no-config -R @/root -- --hostname", "start --hostname");
	assert_int_equal(error_status(&at->err), 127);
	assert_int_equal(planning_words(at, "--no-config -R @/root -- tool --"), 0);
	assert_int_equal(at->plan.process.argc, 2);
}

static void an_operand_stands_behind_or_with_the_name(void **state)
{
	struct planning *at = *state;

	MADE("--hostname one");
	assert_string_equal(at->plan.namespaces.hostname, "one");
	MADE("--hostname=two");
	assert_string_equal(at->plan.namespaces.hostname, "two");
	MADE("-w/etc");
	assert_string_equal(at->plan.process.cwd, "/etc");
	MADE("-w=/etc");
	assert_string_equal(at->plan.process.cwd, "/etc");
	MADE("-w /etc");
	assert_string_equal(at->plan.process.cwd, "/etc");
	MADE("-eA=B=C");
	assert_string_equal(planning_env(at, "A"), "B=C");
}

static void short_flags_may_be_bundled(void **state)
{
	struct planning *at = *state;

	MADE("-dit");
	assert_true(at->plan.life.detach);
	assert_true(at->plan.process.terminal);
	assert_true(at->plan.process.stdin_open);
	assert_false(at->plan.process.stdin_null);
	MADE("-itw /etc");
	assert_string_equal(at->plan.process.cwd, "/etc");
}

static void a_lone_t_never_takes_the_command(void **state)
{
	struct planning *at = *state;

	assert_int_equal(planning_words(at, "--no-config -R @/root -t tool on"), 0);
	assert_true(at->plan.process.terminal);
	assert_string_equal(at->plan.process.argv[0], "tool");
	MADE("--tty=off");
	assert_false(at->plan.process.terminal);
	MADE("-t --tty=auto");
	assert_false(at->plan.process.terminal && !isatty(0));
}

static void the_last_one_of_a_scalar_holds(void **state)
{
	struct planning *at = *state;

	MADE("--hostname a --hostname b");
	assert_string_equal(at->plan.namespaces.hostname, "b");
	MADE("--no-init --init");
	assert_false(at->plan.process.no_init);
}

static void flags_may_say_true_and_false(void **state)
{
	struct planning *at = *state;

	MADE("--detach=false --rm=true");
	assert_false(at->plan.life.detach);
	planning_refuses_root(at, "--detach=maybe", "use --detach: it takes no operand");
}

static void unknown_options_name_the_nearest(void **state)
{
	struct planning *at = *state;

	planning_refuses(at, "--hostnam x tool",
			 "use --hostnam: no such option (nearest: --hostname)");
	assert_int_equal(at->err.id, ERROR_USAGE);
	assert_int_equal(error_status(&at->err), 125);
	planning_refuses(at, "-Q tool", "use -Q: no such option");
	planning_refuses(at, "-itQ tool", "use -Q of -itQ");
	planning_refuses(at, "-tty tool",
			 "use -y of -tty: no such option (nearest: --tty)");
	planning_refuses(at, "--no-root tool", "use --no-root: no such option");
	planning_refuses(at, "--checkpoint x tool", "use --checkpoint: no such option");
}

static void a_missing_or_empty_operand_is_named(void **state)
{
	struct planning *at = *state;

	planning_refuses(at, "--root", "use --root: it needs ROOT");
	planning_refuses(at, "-R", "use --root: it needs ROOT");
	planning_refuses(at, "--root= tool", "use --root: the operand is empty");
	planning_refuses(at, "--no-ro=x tool", "use --no-ro: it takes no operand");
}

static void an_empty_entrypoint_is_none(void **state)
{
	struct planning *at = *state;

	MADE("--entrypoint=");
	assert_int_equal(at->plan.process.argc, 1);
	MADE("--entrypoint=tool");
	assert_int_equal(at->plan.process.argc, 2);
	assert_string_equal(at->plan.process.argv[1], "tool");
}

static void help_ends_the_words(void **state)
{
	struct planning *at = *state;

	assert_int_equal(planning_words(at, "--help"), 0);
	assert_string_equal(at->plan.life.help, "");
	assert_int_equal(planning_words(at, "-h files --nonsense"), 0);
	assert_string_equal(at->plan.life.help, "files");
	assert_int_equal(planning_words(at, "--root /nowhere --help=all"), 0);
	assert_string_equal(at->plan.life.help, "all");
	planning_refuses(at, "--help filse", "tell about 'filse'");
	assert_string_equal(at->err.hint, "sbx run --help files");
}

static void without_a_command_there_is_a_usage(void **state)
{
	struct planning *at = *state;

	if (isatty(0) && isatty(2))
		skip();
	planning_refuses(at, "--no-config -R @/root", "start: no command given");
	assert_int_equal(at->err.id, ERROR_NO_COMMAND);
	assert_string_equal(at->err.hint, plan_usage());
	assert_int_equal(error_status(&at->err), 125);
}

static void the_log_format_is_known_before_the_plan(void **state)
{
	const char *const given[] = {
		"--root", "/x", "--log-format", "json", "tool", NULL
	};
	const char *const wrong[] = { "--rot", "/x", "--log-format=json", "tool", NULL };
	const char *const of_the_command[] = { "tool", "--log-format", "json", NULL };

	(void)state;
	assert_int_equal(plan_log_format(given), LOG_JSON);
	assert_int_equal(plan_log_format(wrong), LOG_JSON);
	assert_int_equal(plan_log_format(of_the_command), LOG_TEXT);
}

static void the_status_descriptor_is_known_before_the_plan(void **state)
{
	const char *const given[] = { "--status-fd", "7", "--status-fd=1", "tool", NULL };
	const char *const wrong[] = { "--rot", "/x", "--status-fd=2", "tool", NULL };
	const char *const closed[] = { "--status-fd", "99999", "tool", NULL };
	const char *const no_number[] = { "--status-fd=x", "tool", NULL };
	const char *const missing[] = { "--status-fd", NULL };
	const char *const of_the_command[] = { "tool", "--status-fd", "1", NULL };

	(void)state;
	assert_int_equal(plan_status_fd(given), 1);
	assert_int_equal(plan_status_fd(wrong), 2);
	assert_int_equal(plan_status_fd(closed), -1);
	assert_int_equal(plan_status_fd(no_number), -1);
	assert_int_equal(plan_status_fd(missing), -1);
	assert_int_equal(plan_status_fd(of_the_command), -1);
}

/* ---- one bad value for each row, and what is said of it ---- */

static const struct bad_value {
	const char *words, *text;
} bad_values[] = {
	{ "--root-mode all", "use --root-mode: 'all' is none of cow, ro, rw" },
	{ "--upper /nonexistent/dir",
	  "use --upper /nonexistent/dir: /nonexistent does not exist" },
	{ "--scratch-size much", "use --scratch-size: 'much' is not a size" },
	{ "--scratch-size 0", "use --scratch-size: '0' is not a size" },
	{ "--cwd copy", "use --cwd: 'copy' is none of cow, ro, rw, off" },
	{ "--ro /nonexistent", "bind /nonexistent: it does not exist" },
	{ "--rw /etc:etc", "use --rw: the destination 'etc' is not an absolute path" },
	{ "--rw /etc:/a:/b", "use --rw: '/etc:/a:/b' is not SRC[:DST]" },
	{ "--rw :/etc", "use --rw: the source is empty" },
	{ "--rw /etc:/", "use --rw: the destination is the root itself" },
	{ "--tmpfs /usr/..", "use --tmpfs: the destination '/usr/..' ends in '..'" },
	{ "--tmpfs /a/../.:size=1M",
	  "use --tmpfs: the destination '/a/../.' ends in '..'" },
	{ "--mask /..", "use --mask: the destination '/..' ends in '..'" },
	{ "--mount type=tmpfs,dst=/x/..",
	  "use --mount: the destination '/x/..' ends in" },
	{ "--ro /", "mount on /: it is the root itself" },
	{ "--cow /etc/passwd:/x",
	  "show /etc/passwd copy-on-write: it is not a directory" },
	{ "-v /data", "use --volume: '/data' is not SRC:DST[:ro]" },
	{ "-v /etc:/x:ro,shiny", "use --volume: 'shiny' is not a volume option" },
	{ "-v /etc:/x:U", "use --volume: 'U': the owner of SRC is not changed" },
	{ "--mount dst=/x", "use --mount: there are no named volumes" },
	{ "--mount type=volume,src=a,dst=/x", "use --mount: there are no named volumes" },
	{ "--mount type=image,src=a,dst=/x",
	  "use --mount: type 'image' is none of bind, tmpfs" },
	{ "--mount type=bind,dst=/x", "use --mount: src= is missing" },
	{ "--mount type=bind,src=/etc", "use --mount: dst= is missing" },
	{ "--mount type=tmpfs,dst=/x,tmpfs-size=?", "use --mount: '?' is not a size" },
	{ "--mount type=bind,src=/etc,dst=/x,colour=red",
	  "use --mount: 'colour' is not a field" },
	{ "--mount type=bind,src=/etc,dst=/x,ro=maybe",
	  "use --mount: 'maybe' is none of true, false" },
	{ "--tmpfs scratch",
	  "use --tmpfs: the destination 'scratch' is not an absolute path" },
	{ "--tmpfs /x:size=-1", "use --tmpfs: '-1' is not a size" },
	{ "--tmpfs /x:mode=999", "use --tmpfs: '999' is not a mode" },
	{ "--tmpfs /x:uid=0", "use --tmpfs: 'uid=0' is none of" },
	{ "--dev-bind /dev/nonexistent", "bind /dev/nonexistent: it does not exist" },
	{ "--mask etc", "use --mask: the destination 'etc' is not an absolute path" },
	{ "--shm-size x", "use --shm-size: 'x' is not a size" },
	{ "--proc old", "use --proc: 'old' is none of new, pids, host, none" },
	{ "--proc new --share pid",
	  "mount a new /proc: it needs a pid namespace of its own" },
	{ "-w src", "use --workdir: 'src' is not an absolute path" },
	{ "-w /nonexistent", "start in /nonexistent: it does not exist in the sandbox" },
	{ "-w /etc/passwd", "start in /etc/passwd: it is not a directory" },
	{ "-u nobody-at-all",
	  "run as 'nobody-at-all': there is no such user in the root" },
	{ "-u 0:nothing", "find the group 'nothing': there is none in the root" },
	{ "--map single -u 0:1 --group-add 5",
	  "use the group id 5: the sandbox's map does not have it" },
	{ "--groups some", "use --groups: 'some' is none of drop, keep" },
	{ "--group-add nothing", "find the group 'nothing'" },
	{ "--map all", "use --map: 'all' is none of auto, single, subuid, keep-id" },
	{ "--map 0:1", "use --map: '0:1' is none of" },
	{ "--map 0:1:0", "range 0 is empty" },
	{ "--map 0:1:2 --map 1:9:1", "ranges 0 and 1 overlap" },
	{ "--map u:0:1:1", "use --map: there is no range for group ids" },
	{ "--hostname a/b", "use --hostname: 'a/b' is not a host name" },
	{ "--hostname a --share uts",
	  "set the host name: the uts namespace is not the sandbox's own" },
	{ "--tz Mars/Olympus", "use --tz: there is no time zone 'Mars/Olympus'" },
	{ "--tz ../../../etc/passwd", "use --tz: there is no time zone" },
	{ "-e =x", "use --env: '=x' is without a name" },
	{ "--env-file /nonexistent", "use --env-file /nonexistent: it does not exist" },
	{ "--sysctl net.ipv4.ip_forward",
	  "use --sysctl: 'net.ipv4.ip_forward' is not NAME=VALUE" },
	{ "--sysctl kernel.panic=1", "kernel.panic" },
	{ "--share mnt",
	  "use --share: the mnt namespace is what keeps the sandbox apart" },
	{ "--share user", "use --share: the user namespace" },
	{ "--share nte", "use --share: 'nte' is none of net, ipc, pid, uts, cgroup" },
	{ "--join net", "use --join: 'net' is not KIND:PATH" },
	{ "--join mnt:/proc/self/ns/mnt",
	  "use --join: a mnt namespace cannot be joined" },
	{ "--join disk:/x",
	  "use --join: 'disk' is none of user, net, ipc, uts, pid, cgroup" },
	{ "--seccomp /nonexistent", "use --seccomp /nonexistent: it does not exist" },
	{ "--cap-add FLYING", "use --cap-add: 'FLYING' is not a capability" },
	{ "--cap-drop NET_RAW,SWIMMING",
	  "use --cap-drop: 'SWIMMING' is not a capability" },
	{ "--rlimit nofile", "use --rlimit: 'nofile' is not NAME=SOFT[:HARD]" },
	{ "--rlimit files=1", "use --rlimit: 'files' is not a resource limit" },
	{ "--ulimit files=1", "use --ulimit: 'files' is not a resource limit" },
	{ "--no-init=yes", "use --no-init: it takes no operand" },
	{ "--rlimit nofile=9:8", "use --rlimit: the soft limit is above the hard one" },
	{ "--rlimit nofile=many", "use --rlimit: 'nofile=many' is not" },
	{ "-m lots", "use --memory: 'lots' is not a size" },
	{ "--memory 0", "use --memory: '0' is not a size" },
	{ "--memory-swap 0", "use --memory-swap: '0' is not a size" },
	{ "--memory-swap 1G", "limit memory and swap together: there is no limit" },
	{ "-m 2G --memory-swap 1G", "limit memory and swap together to less than" },
	{ "--pids 0", "use --pids: '0' is not a number of processes" },
	{ "--cpus 0", "use --cpus: '0' is not a number of processors" },
	{ "--cpus 0.001", "use --cpus: '0.001' is not a number of processors" },
	{ "--cpus 1.", "use --cpus: '1.' is not a number of processors" },
	{ "--cpus 1.x", "use --cpus: '1.x' is not a number of processors" },
	{ "--cpus -1", "use --cpus: '-1' is not a number of processors" },
	{ "--cpuset 1-", "use --cpuset: '1-' is not a list of processors" },
	{ "--io-weight 10001", "use --io-weight: '10001' is not a weight" },
	{ "--limits some", "use --limits: 'some' is none of require, best-effort" },
	{ "--oom-score-adj 1001", "use --oom-score-adj: '1001' is not a number" },
	{ "--tty=maybe", "use --tty: 'maybe' is none of auto, on, off" },
	{ "--no-init -d", "use --no-init with --detach" },
	{ "--no-init -t", "use --no-init with --tty" },
	{ "--stop-signal LUNCH", "use --stop-signal: 'LUNCH' is not a signal" },
	{ "--preserve-fds -1", "use --preserve-fds: '-1' is not a count" },
	{ "--preserve-fds 1000", "is not open" },
	{ "--keep-fd x", "use --keep-fd: 'x' is not the number of a descriptor" },
	{ "--keep-fd 999", "the descriptor 999 is not open" },
	{ "--name a/b", "use --name: 'a/b' is not a name" },
	{ "--name ..", "use --name: '..' is not a name" },
	{ "--log /tmp/x", "use --log: it needs --detach" },
	{ "--timeout soon", "use --timeout: 'soon' is not a time" },
	{ "--kill-after -1", "use --kill-after: '-1' is not a time" },
	{ "--die-with-parent -d", "use --die-with-parent with --detach" },
	{ "--ready-fd 999", "use --ready-fd: the descriptor 999 is not open" },
	{ "--status-fd 999", "use --status-fd: the descriptor 999 is not open" },
	{ "--status-fd two", "use --status-fd: 'two' is not the number of a descriptor" },
	{ "--profile /nonexistent", "read /nonexistent: it does not exist" },
	{ "--pool nothing", "use --pool: there is no pool 'nothing'" },
	{ "--pool ../x", "use --pool: '../x' is not a name" },
	{ "--config /nonexistent", "read /nonexistent: it does not exist" },
	{ "--log-format xml", "use --log-format: 'xml' is none of text, json" },
};

static void each_bad_value_has_its_one_line(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct planning *at = *state;

	for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
		planning_refuses_root(at, bad_values[i].words, bad_values[i].text);
		assert_int_equal(error_status(&at->err), 125);
		assert_null(strchr(at->err.text, '\n'));
	}
}

/* ---- where values go ---- */

static void life_is_as_asked(void **state)
{
	struct planning *at = *state;
	const struct life_spec *life = &at->plan.life;

	MADE("-d --name box --log @/log --pid-file pid --timeout 1m30s --kill-after 250ms");
	assert_true(life->detach);
	assert_string_equal(life->name, "box");
	assert_string_equal(life->log, planning_path(at, "log"));
	assert_string_equal(life->pid_file, planning_path(at, "work/pid"));
	assert_int_equal(life->timeout_ms, 90000);
	assert_int_equal(life->kill_after_ms, 250);
	assert_true(at->plan.process.stdin_null);
	MADE("--stats=out --ready-fd 1 --status-fd 2 --die-with-parent --log-format json --dry-run");
	assert_true(life->stats);
	assert_string_equal(life->stats_file, planning_path(at, "work/out"));
	assert_int_equal(life->ready_fd, 1);
	assert_int_equal(life->status_fd, 2);
	assert_true(life->die_with_parent);
	assert_true(life->dry_run);
	assert_int_equal(life->log_format, LOG_JSON);
	MADE("--stats");
	assert_true(life->stats);
	assert_null(life->stats_file);
	assert_int_equal(life->ready_fd, -1);
	assert_int_equal(life->status_fd, -1);
	assert_int_equal(life->kill_after_ms, 10000);
}

static void signals_have_names_and_numbers(void **state)
{
	struct planning *at = *state;

	MADE("");
	assert_int_equal(at->plan.process.stop_signal, SIGTERM);
	MADE("--stop-signal int");
	assert_int_equal(at->plan.process.stop_signal, SIGINT);
	MADE("--stop-signal SIGUSR1");
	assert_int_equal(at->plan.process.stop_signal, SIGUSR1);
	MADE("--stop-signal 9");
	assert_int_equal(at->plan.process.stop_signal, SIGKILL);
	assert_int_equal(signal_by_name("RTMIN+3"), SIGRTMIN + 3);
	assert_int_equal(signal_by_name("SIGRTMAX-1"), SIGRTMAX - 1);
	assert_int_equal(signal_by_name("RTMIN-3"), -1);
	assert_int_equal(signal_by_name("0"), -1);
}

static void descriptors_are_kept_once(void **state)
{
	struct planning *at = *state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int third = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	/* 3 may be the test runner's own */
	assert_true(third >= 3);
	MADE("--preserve-fds 1 --keep-fd 3 --keep-fd 1");
	assert_int_equal(at->plan.process.keep_fd_count, 1);
	assert_int_equal(at->plan.process.keep_fds[0], 3);
	close(third);
	close(fd);
}

static void limits_are_soft_and_hard(void **state)
{
	struct planning *at = *state;
	const struct limits_spec *limits = &at->plan.policy.limits;

	MADE("--rlimit nofile=10:20 --ulimit stack=4096 --oom-score-adj 500");
	assert_int_equal(limits->rlimit_count, 3);
	assert_int_equal(limits->rlimits[0].resource, RLIMIT_CORE);
	assert_int_equal(limits->rlimits[0].soft, limits->rlimits[0].hard);
	assert_true(limits->rlimits[0].hard <= 1);
	assert_int_equal(limits->rlimits[1].resource, RLIMIT_NOFILE);
	assert_int_equal(limits->rlimits[1].soft, 10);
	assert_int_equal(limits->rlimits[1].hard, 20);
	assert_int_equal(limits->rlimits[2].soft, 4096);
	assert_int_equal(limits->rlimits[2].hard, 4096);
	assert_true(limits->has_oom_score_adj);
	assert_int_equal(limits->oom_score_adj, 500);
	MADE("--rlimit core=unlimited");
	assert_true(limits->rlimits[1].soft == UINT64_MAX);
}

static void what_a_cgroup_holds_is_read(void **state)
{
	struct planning *at = *state;
	const struct cgroup_limits *limits = &at->plan.policy.limits.cgroup;

	MADE("-m 2G --memory-swap 3G --pids-limit 64 --cpus 1.25 --cpuset-cpus 0-1 "
	     "--io-weight 500");
	assert_true(limits->memory == UINT64_C(2) << 30);
	assert_true(limits->memory_swap == UINT64_C(3) << 30);
	assert_true(limits->has_memory_swap);
	assert_int_equal(limits->pids, 64);
	assert_int_equal(limits->cpu_quota_us, 125000);
	assert_int_equal(limits->cpu_period_us, 100000);
	assert_string_equal(limits->cpuset, "0-1");
	assert_int_equal(limits->io_weight, 500);
	assert_false(limits->best_effort);
	MADE("-m 1M --memory-swap -1 --cpus 0.5 --limits best-effort");
	assert_true(limits->memory_swap == UINT64_MAX);
	assert_int_equal(limits->cpu_quota_us, 50000);
	assert_true(limits->best_effort);
	MADE("--pids 5 --pids unlimited");
	assert_int_equal(limits->pids, 0);
	assert_false(cgroup_is_needed(limits));
}

static void namespaces_are_shared_and_joined(void **state)
{
	struct planning *at = *state;
	const struct namespaces_spec *namespaces = &at->plan.namespaces;

	MADE("--share net,ipc --share uts --sysctl kernel.shm_rmid_forced=1 --no-sysctl");
	assert_int_equal(namespaces->kinds[NS_NET].mode, NS_SHARED);
	assert_int_equal(namespaces->kinds[NS_IPC].mode, NS_SHARED);
	assert_int_equal(namespaces->kinds[NS_UTS].mode, NS_SHARED);
	assert_int_equal(namespaces->kinds[NS_PID].mode, NS_PRIVATE);
	assert_null(namespaces->hostname);
	assert_int_equal(namespaces->sysctl_count, 0);
	assert_false(at->plan.net.loopback);
	MADE("--sysctl net.ipv4.ip_unprivileged_port_start=0 --hostname here");
	assert_int_equal(namespaces->sysctl_count, 1);
	assert_string_equal(namespaces->sysctls[0].key,
			    "net.ipv4.ip_unprivileged_port_start");
	assert_string_equal(namespaces->sysctls[0].value, "0");
	assert_true(at->plan.net.loopback);
}

static void a_raw_filter_is_read_and_so_is_json(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct planning *at = *state;
	/* ret ALLOW */
	static const unsigned char allow[8] = { 6, 0, 0, 0, 0, 0, 0xff, 0x7f };
	int fd;

	planning_write(at, "filter", "12345678");
	fd = open(planning_path(at, "filter"), O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, allow, sizeof(allow)), sizeof(allow));
	close(fd);
	MADE("--seccomp @/filter");
	assert_int_equal(at->plan.policy.filter.program.count, 1);
	assert_memory_equal(at->plan.policy.filter.program.instructions, allow,
			    sizeof(allow));
	planning_write(at, "filter.json", " {\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
	MADE("--seccomp @/filter.json");
	assert_non_null(at->plan.policy.profile);
	planning_write(at, "filter.json", " {\"defaultAction\":\"SCMP_ACT_ALOW\"}");
	planning_refuses_root(at, "--seccomp @/filter.json", "defaultAction");
	planning_write(at, "filter.odd", "1234567890");
	planning_refuses_root(at, "--seccomp @/filter.odd",
			      "10 bytes are no raw BPF program");
	planning_write(at, "filter.empty", "");
	planning_refuses_root(at, "--seccomp @/filter.empty", "the file is empty");
	assert_int_equal(at->err.id, ERROR_SECCOMP);
}

static void origins_tell_where_values_came_from(void **state)
{
	struct planning *at = *state;

	planning_write(at, "p", "hostname inner\nro /etc:/x\n");
	MADE("--hostname outer --profile @/p --init");
	assert_int_equal(at->plan.origin_count, 6); /* with --no-config and --root */
	assert_string_equal(at->plan.origins[2].option, "hostname");
	assert_string_equal(at->plan.origins[2].value, "outer");
	assert_string_equal(at->plan.origins[2].from, "command line");
	assert_string_equal(at->plan.origins[5].option, "ro");
	assert_non_null(strstr(at->plan.origins[5].from, "/p:2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_word_that_is_no_option_is_the_command),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(an_operand_stands_behind_or_with_the_name),
		cmocka_unit_test(short_flags_may_be_bundled),
		cmocka_unit_test(a_lone_t_never_takes_the_command),
		cmocka_unit_test(the_last_one_of_a_scalar_holds),
		cmocka_unit_test(flags_may_say_true_and_false),
		cmocka_unit_test(unknown_options_name_the_nearest),
		cmocka_unit_test(a_missing_or_empty_operand_is_named),
		cmocka_unit_test(an_empty_entrypoint_is_none),
		cmocka_unit_test(help_ends_the_words),
		cmocka_unit_test(without_a_command_there_is_a_usage),
		cmocka_unit_test(the_log_format_is_known_before_the_plan),
		cmocka_unit_test(the_status_descriptor_is_known_before_the_plan),
		cmocka_unit_test(each_bad_value_has_its_one_line),
		cmocka_unit_test(life_is_as_asked),
		cmocka_unit_test(signals_have_names_and_numbers),
		cmocka_unit_test(descriptors_are_kept_once),
		cmocka_unit_test(limits_are_soft_and_hard),
		cmocka_unit_test(what_a_cgroup_holds_is_read),
		cmocka_unit_test(namespaces_are_shared_and_joined),
		cmocka_unit_test(a_raw_filter_is_read_and_so_is_json),
		cmocka_unit_test(origins_tell_where_values_came_from),
	};

	return cmocka_run_group_tests(tests, planning_make, planning_remove);
}
