/* SPDX-License-Identifier: Apache-2.0 */
/* What the built-in policies answer to each call that the choice of a default is about. */
#include "base/arena.h"
#include "base/error.h"
#include "builtin_rules.h"
#include "policy/bpf.h"
#include "policy/readers.h"
#include "policy/tables.h"

#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define CAP(number) (UINT64_C(1) << (number))

enum {
	CAP_DAC_READ_SEARCH = 2,
	CAP_SYS_PTRACE = 19,
	CAP_SYS_ADMIN = 21,
	CAP_SYS_BOOT = 22,
	CAP_SYS_TIME = 25,
	CAP_PERFMON = 38,
};

static struct arena arena;

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct rules *rules_of(const char *name, uint64_t caps)
{
	return rules_of_builtin(name, caps, false, &arena);
}

struct expected {
	const char *call;
	uint64_t arguments[5];
	const char *answer;
};

static void check_answer(const char *policy, const struct rules *rules, enum abi abi,
			 const struct expected *expected)
{
	const int number = call_number(abi, expected->call);
	struct seccomp_data data = { .nr = number, .arch = abi_audit(abi) };
	char answer[64];

	assert_int_not_equal(number, -2);
	if (number < 0)
		return;
	memcpy(data.args, expected->arguments, sizeof(expected->arguments));
	action_text(rules_decide(rules, &data)->action, answer, sizeof(answer));
	if (strcmp(answer, expected->answer) != 0)
		fail_msg("%s: %s(%#llx, %#llx, %#llx) is answered by %s, not %s", policy,
			 expected->call, (unsigned long long)expected->arguments[0],
			 (unsigned long long)expected->arguments[1],
			 (unsigned long long)expected->arguments[2], answer,
			 expected->answer);
}

static void check_answers(const char *policy, uint64_t caps,
			  const struct expected *expected)
{
	const struct rules *rules = rules_of(policy, caps);

	for (; expected->call; expected++)
		check_answer(policy, rules, abi_native(), expected);
}

#define JUNK UINT64_C(0xdeadbeef00000000)

#define E  "errno(EPERM)"
#define N  "errno(ENOSYS)"
#define AF "errno(EAFNOSUPPORT)"

/* The table of facts about defaults, a row of it after the other. */
static const struct expected default_answers[] = {
	/* families of sockets */
	{ "socket", { 1, 1, 0 }, "allow" },
	{ "socket", { 1, 5, 0 }, "allow" },
	{ "socket", { 2, 1, 0 }, "allow" },
	{ "socket", { 2, 2 | 02000000, 17 }, "allow" },
	{ "socket", { 10, 1 | 04000, 6 }, "allow" },
	{ "socket", { 10, 1, 262 }, "allow" }, /* MPTCP */
	{ "socket", { 2, 2, 1 }, "allow" },    /* ping */
	{ "socket",
	  { 2, 3, 1 },
	  "allow" }, /* raw ICMP: the kernel asks for CAP_NET_RAW */
	{ "socket", { 2, 3, 255 }, "allow" },
	{ "socket", { 16, 3, 0 }, "allow" },
	{ "socket", { 16, 2 | 02000000, 0 }, "allow" },
	{ "socket", { 0, 1, 0 }, AF },
	{ "socket", { 3, 1, 0 }, AF },
	{ "socket", { 17, 3, 0 }, AF }, /* AF_PACKET: CVE-2020-14386 */
	{ "socket", { 2, 10, 0 }, AF }, /* SOCK_PACKET makes one too */
	{ "socket", { 21, 5, 0 }, AF }, /* AF_RDS */
	{ "socket", { 29, 3, 1 }, AF }, /* AF_CAN */
	{ "socket", { 30, 1, 0 }, AF }, /* AF_TIPC */
	{ "socket", { 33, 2, 0 }, AF }, /* AF_RXRPC: CVE-2026-43500 */
	{ "socket", { 38, 5, 0 }, AF }, /* AF_ALG: CVE-2026-31431 */
	{ "socket", { 40, 1, 0 }, AF }, /* AF_VSOCK: CVE-2025-21756 */
	{ "socket", { 44, 3, 0 }, AF }, /* AF_XDP */
	{ "socket", { JUNK | 38, 5, 0 }, AF },
	{ "socket", { JUNK | 1, 1, 0 }, "allow" },
	{ "socket", { 2, 1, 132 }, AF }, /* SCTP, DCCP, SMC, L2TP */
	{ "socket", { 2, 6, 33 }, AF },
	{ "socket", { 2, 1, 256 }, AF },
	{ "socket", { 10, 2, 115 }, AF },
	{ "socketpair", { 1, 1, 0 }, "allow" },
	{ "socketpair", { 30, 1, 0 }, AF },
	/* netlink: XFRM CVE-2026-43284, NETFILTER CVE-2024-1086 */
	{ "socket", { 16, 3, 6 }, AF },
	{ "socket", { 16, 3, 12 }, AF },
	{ "socket", { 16, 3, 9 }, AF },
	{ "socket", { 16, 3, 16 }, AF },
	{ "socket", { 16, 3, JUNK | 12 }, AF },
	/* namespaces */
	{ "clone", { 0x1200011 }, "allow" },
	{ "clone", { 0x3d0f00 }, "allow" },
	{ "clone", { 0x10000000 | 17 }, E },
	{ "clone", { 0x00020000 | 17 }, E },
	{ "clone", { 0x02000000 | 17 }, E },
	{ "clone", { 0x04000000 | 17 }, E },
	{ "clone", { 0x08000000 | 17 }, E },
	{ "clone", { 0x20000000 | 17 }, E },
	{ "clone", { 0x40000000 | 17 }, E },
	{ "clone", { JUNK | 0x10000011 }, E },
	{ "unshare", { 0x10000000 }, E },
	{ "unshare", { 0x10020000 }, E },
	{ "unshare", { 0x80 }, E }, /* CLONE_NEWTIME */
	{ "unshare", { JUNK | 0x10000000 }, E },
	{ "unshare", { 0x200 }, "allow" }, /* CLONE_FS */
	{ "setns", { 3, 0 }, E },
	{ "clone3", { 0 }, N },
	/* typing into the terminal */
	{ "ioctl", { 0, 0x5401 }, "allow" },
	{ "ioctl", { 0, 0x5412 }, E },
	{ "ioctl", { 0, 0x541c }, E },
	{ "ioctl", { 0, JUNK | 0x5412 }, E },
	{ "ioctl", { 0, JUNK | 0x541c }, E },
	/* rings, keyrings, programs and measuring */
	{ "io_uring_setup", { 0 }, N },
	{ "io_uring_enter", { 0 }, N },
	{ "io_uring_register", { 0 }, N },
	{ "keyctl", { 0 }, E },
	{ "add_key", { 0 }, E },
	{ "request_key", { 0 }, E },
	{ "bpf", { 0 }, E },
	{ "perf_event_open", { 0 }, E },
	{ "userfaultfd", { 0 }, E },
	{ "userfaultfd", { 1 }, E },
	/* other processes */
	{ "ptrace", { 0 }, E },
	{ "process_vm_readv", { 0 }, E },
	{ "process_vm_writev", { 0 }, E },
	{ "kcmp", { 0 }, E },
	{ "pidfd_getfd", { 0 }, E },
	{ "process_madvise", { 0 }, E },
	{ "pidfd_open", { 1 }, "allow" },
	{ "pidfd_send_signal", { 3 }, "allow" },
	/* personality */
	{ "personality", { 0 }, "allow" },
	{ "personality", { 8 }, "allow" },
	{ "personality", { 0x20000 }, "allow" },
	{ "personality", { 0x20008 }, "allow" },
	{ "personality", { 0xffffffff }, "allow" },
	{ "personality", { 0x0040000 }, E }, /* ADDR_NO_RANDOMIZE */
	{ "personality", { 0x0400000 }, E }, /* READ_IMPLIES_EXEC */
	{ "personality", { 0x0100000 }, E }, /* MMAP_PAGE_ZERO */
	{ "personality", { JUNK | 0x0400000 }, E },
	/* mounts */
	{ "mount", { 0 }, E },
	{ "umount2", { 0 }, E },
	{ "pivot_root", { 0 }, E },
	{ "chroot", { 0 }, E },
	{ "open_tree", { 0 }, N },
	{ "open_tree_attr", { 0 }, N },
	{ "move_mount", { 0 }, N },
	{ "mount_setattr", { 0 }, N },
	{ "fsopen", { 0 }, N },
	{ "fsconfig", { 0 }, N },
	{ "fsmount", { 0 }, N },
	{ "fspick", { 0 }, N },
	{ "statmount", { 0 }, N },
	{ "listmount", { 0 }, N },
	{ "listns", { 0 }, N },
	/* the processor and its ports */
	{ "modify_ldt", { 0 }, E },
	{ "iopl", { 3 }, E },
	{ "ioperm", { 0 }, E },
	/* handles */
	{ "name_to_handle_at", { 0 }, "allow" },
	{ "open_by_handle_at", { 0 }, E },
	/* pipes and memory */
	{ "vmsplice", { 0 }, E },
	{ "splice", { 0 }, "allow" },
	{ "tee", { 0 }, "allow" },
	{ "memfd_secret", { 0 }, N },
	{ "memfd_create", { 0 }, "allow" },
	/* privileged or obsolete */
	{ "quotactl", { 0 }, E },
	{ "quotactl_fd", { 0 }, E },
	{ "acct", { 0 }, E },
	{ "syslog", { 0 }, E },
	{ "uselib", { 0 }, E },
	{ "swapon", { 0 }, E },
	{ "swapoff", { 0 }, E },
	{ "reboot", { 0 }, E },
	{ "kexec_load", { 0 }, E },
	{ "kexec_file_load", { 0 }, E },
	{ "init_module", { 0 }, E },
	{ "finit_module", { 0 }, E },
	{ "delete_module", { 0 }, E },
	{ "nfsservctl", { 0 }, E },
	{ "lookup_dcookie", { 0 }, E },
	{ "fanotify_init", { 0 }, E },
	{ "clock_settime", { 0 }, E },
	{ "settimeofday", { 0 }, E },
	{ "clock_adjtime",
	  { 0 },
	  "allow" }, /* reads too; the kernel asks for CAP_SYS_TIME */
	{ "move_pages", { 0 }, E },
	{ "migrate_pages", { 0 }, E },
	{ "mbind", { 0 }, E },
	{ "sethostname", { 0 }, E },
	{ "setdomainname", { 0 }, E },
	{ "vhangup", { 0 }, E },
	/* for sandboxes inside */
	{ "landlock_create_ruleset", { 0 }, "allow" },
	{ "landlock_add_rule", { 0 }, "allow" },
	{ "landlock_restrict_self", { 0 }, "allow" },
	{ "seccomp", { 0 }, "allow" },
	/* new, and harmless: what podman answers wrongly */
	{ "futex_wait", { 0 }, "allow" },
	{ "futex_requeue", { 0 }, "allow" },
	{ "cachestat", { 0 }, "allow" },
	{ "map_shadow_stack", { 0 }, "allow" },
	{ "mseal", { 0 }, "allow" },
	{ "faccessat2", { 0 }, "allow" },
	{ "close_range", { 0 }, "allow" },
	{ "fchmodat2", { 0 }, "allow" },
	{ "openat2", { 0 }, "allow" },
	{ "rseq_slice_yield", { 0 }, "allow" },
	{ 0 },
};

static void default_answers_as_the_facts_ask(void **state)
{
	(void)state;
	check_answers("default", 0, default_answers);
}

static void dev_and_nested_differ_from_default_as_they_say(void **state)
{
	static const struct expected dev[] = {
		{ "ptrace", { 0 }, "allow" },
		{ "process_vm_readv", { 0 }, "allow" },
		{ "process_vm_writev", { 0 }, "allow" },
		{ "kcmp", { 0 }, "allow" },
		{ "pidfd_getfd", { 0 }, "allow" },
		{ "perf_event_open", { 0x1000, 0 }, "allow" },
		{ "perf_event_open", { 0x1000, 0xffffffff }, E },
		{ "perf_event_open", { 0x1000, UINT64_MAX }, E },
		{ "personality", { 0x0040000 }, "allow" },
		{ "personality", { 0x0060008 }, "allow" },
		{ "personality", { 0xffffffff }, "allow" },
		{ "personality", { 0x0400000 }, E },
		{ "personality", { 0x0440000 }, E },
		{ "clone", { 0x10000011 }, E },
		{ "mount", { 0 }, E },
		{ "keyctl", { 0 }, E },
		{ "socket", { 38, 5, 0 }, AF },
		{ 0 },
	};
	static const struct expected nested[] = {
		{ "clone", { 0x7e020011 }, "allow" },
		{ "clone3", { 0 }, "allow" },
		{ "unshare", { 0x10000000 }, "allow" },
		{ "setns", { 3, 0 }, "allow" },
		{ "mount", { 0 }, "allow" },
		{ "umount2", { 0 }, "allow" },
		{ "pivot_root", { 0 }, "allow" },
		{ "chroot", { 0 }, "allow" },
		{ "open_tree", { 0 }, "allow" },
		{ "move_mount", { 0 }, "allow" },
		{ "statmount", { 0 }, "allow" },
		{ "sethostname", { 0 }, "allow" },
		{ "keyctl", { 0 }, N },
		{ "bpf", { 0 }, E },
		{ "ptrace", { 0 }, "allow" },
		{ "ioctl", { 0, 0x5412 }, E },
		{ "io_uring_setup", { 0 }, N },
		{ "socket", { 16, 3, 12 }, "allow" },
		{ "socket", { 16, 3, 6 }, AF },
		{ "socket", { 17, 3, 0 }, AF },
		{ "socket", { 38, 5, 0 }, AF },
		{ 0 },
	};

	(void)state;
	check_answers("dev", 0, dev);
	check_answers("nested", 0, nested);
}

static void strict_takes_away_what_no_service_needs(void **state)
{
	static const struct expected strict[] = {
		{ "socket", { 1, 1, 0 }, "allow" },
		{ "socket", { 2, 1, 6 }, "allow" },
		{ "socket", { 2, 2, 0 }, "allow" },
		{ "socket", { 2, 3, 1 }, AF },
		{ "socket", { 2, 2, 1 }, AF },
		{ "socket", { 16, 3, 0 }, AF },
		{ "mknod", { 0, 0020666 }, E },
		{ "mknod", { 0, 0060666 }, E },
		{ "mknod", { 0, 0010666 }, "allow" },
		{ "mknodat", { 3, 0, 0020666 }, E },
		{ "mknodat", { 3, 0, 0666 }, "allow" },
		{ "ioctl", { 0, 0x5412 }, E },
		{ "ioctl", { 0, 0x5423 }, E },
		{ "ioctl", { 0, 0x5401 }, "allow" },
		{ "personality", { 8 }, E },
		{ "personality", { 0xffffffff }, "allow" },
		{ "setpriority", { 0 }, E },
		{ "name_to_handle_at", { 0 }, E },
		{ "adjtimex", { 0 }, E },
		{ "clone", { 0x10000011 }, E },
		{ "clone3", { 0 }, N },
		{ "mount", { 0 }, E },
		{ "fsopen", { 0 }, N },
		{ "ptrace", { 0 }, E },
		{ "futex", { 0 }, "allow" },
		{ 0 },
	};

	(void)state;
	check_answers("strict", 0, strict);
	check_answers("strict", UINT64_MAX, strict);
}

static void a_capability_opens_its_calls_and_no_others(void **state)
{
	static const struct expected admin[] = {
		{ "mount", { 0 }, "allow" },
		{ "fsopen", { 0 }, "allow" },
		{ "clone", { 0x10000011 }, "allow" },
		{ "clone3", { 0 }, "allow" },
		{ "setns", { 0 }, "allow" },
		{ "sethostname", { 0 }, "allow" },
		{ "quotactl", { 0 }, "allow" },
		{ "chroot", { 0 }, E },
		{ "ptrace", { 0 }, E },
		{ "bpf", { 0 }, E },
		{ "listns", { 0 }, N },
		{ "statmount", { 0 }, N },
		{ "init_module", { 0 }, E },
		{ "keyctl", { 0 }, E },
		{ 0 },
	};
	static const struct expected others[] = {
		{ "open_by_handle_at", { 0 }, "allow" },
		{ "clock_settime", { 0 }, "allow" },
		{ "reboot", { 0 }, "allow" },
		{ "ptrace", { 0 }, "allow" },
		{ "perf_event_open", { 0 }, "allow" },
		{ "kexec_load", { 0 }, E },
		{ "mount", { 0 }, E },
		{ 0 },
	};
	static const struct expected root[] = {
		{ "chroot", { 0 }, "allow" },
		{ "mount", { 0 }, E },
		{ "clone", { 0x10000011 }, E },
		{ "open_by_handle_at", { 0 }, E },
		{ 0 },
	};

	(void)state;
	check_answers("default", CAP(CAP_SYS_ADMIN), admin);
	check_answers("default",
		      CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_SYS_TIME) | CAP(CAP_SYS_BOOT) |
			      CAP(CAP_SYS_PTRACE) | CAP(CAP_PERFMON),
		      others);
	check_answers("default", caps_default_root(), root);
}

static void unknown_numbers_are_not_implemented(void **state)
{
	static const char *const names[] = { "default", "strict", "dev", "nested",
					     "docker" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct rules *rules = rules_of(names[i], 0);

		for (int number = 472; number < 500; number++) {
			const struct seccomp_data data = {
				.nr = number, .arch = abi_audit(abi_native())
			};
			char text[64];

			action_text(rules_decide(rules, &data)->action, text,
				    sizeof(text));
			assert_string_equal(text, N);
		}
	}
}

static const struct clause *foreign_call(const char *policy, enum abi abi)
{
	const struct seccomp_data data = { .nr = call_number(abi, "getpid"),
					   .arch = abi_audit(abi) };

	return rules_decide(rules_of(policy, 0), &data);
}

static void other_abis_are_killed_but_by_docker_and_none(void **state)
{
	static const char *const names[] = { "default", "strict", "dev", "nested" };

	(void)state;
	for (enum abi abi = ABI_X86_64; abi < ABI_COUNT; abi++) {
		const bool is_served = (abi_served() & 1U << abi) != 0;

		if (abi == abi_native())
			continue;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			assert_int_equal(foreign_call(names[i], abi)->action.kind,
					 ACTION_KILL);
		assert_int_equal(foreign_call("none", abi)->action.kind, ACTION_ALLOW);
		assert_int_equal(foreign_call("docker", abi)->action.kind,
				 is_served ? ACTION_ALLOW : ACTION_KILL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(default_answers_as_the_facts_ask, give_back),
		cmocka_unit_test_teardown(dev_and_nested_differ_from_default_as_they_say,
					  give_back),
		cmocka_unit_test_teardown(strict_takes_away_what_no_service_needs,
					  give_back),
		cmocka_unit_test_teardown(a_capability_opens_its_calls_and_no_others,
					  give_back),
		cmocka_unit_test_teardown(unknown_numbers_are_not_implemented, give_back),
		cmocka_unit_test_teardown(other_abis_are_killed_but_by_docker_and_none,
					  give_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
