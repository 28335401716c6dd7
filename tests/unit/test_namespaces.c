/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/syscalls.h"
#include "tests/unit/emulated.h"
#include "tests/unit/nursery.h"
#include "tests/unit/temporary.h"
#include "userns/userns.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- names and flags ------------------------------------------------------------------- */

static void every_kind_has_the_name_of_its_file_in_proc(void **state)
{
	static const char *const names[NS_COUNT] = { "user", "mnt",    "pid", "ipc",
						     "uts",  "cgroup", "net", "time" };

	(void)state;
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++) {
		assert_string_equal(ns_name(kind), names[kind]);
		assert_int_equal(ns_by_name(names[kind]), kind);
	}
}

static void what_is_no_kind_is_not_found(void **state)
{
	static const char *const names[] = { "",     "mount",  "network",         "NET",
					     "net ", "userns", "pid_for_children" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(ns_by_name(names[i]), NS_COUNT);
}

static void everything_is_private_but_time_if_nothing_is_said(void **state)
{
	const struct namespaces_spec spec = { 0 };

	(void)state;
	assert_int_equal(namespaces_clone_flags(&spec),
			 CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
				 CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET);
}

static void what_is_shared_or_joined_is_not_cloned(void **state)
{
	struct namespaces_spec spec = { .new_time = true };

	(void)state;
	for (enum ns_kind kind = NS_USER; kind < NS_COUNT; kind++)
		spec.kinds[kind].mode = NS_SHARED;
	assert_int_equal(namespaces_clone_flags(&spec), 0);
	spec.kinds[NS_NET] = (struct ns_choice){ NS_JOINED, "/proc/1/ns/net" };
	assert_int_equal(namespaces_clone_flags(&spec), 0);
	spec.kinds[NS_UTS].mode = NS_PRIVATE;
	assert_int_equal(namespaces_clone_flags(&spec), CLONE_NEWUTS);
	spec.kinds[NS_TIME].mode = NS_PRIVATE;
	assert_int_equal(namespaces_clone_flags(&spec), CLONE_NEWUTS);
}

/* ---- sysctls --------------------------------------------------------------------------- */

static void assert_sysctl(const struct namespaces_spec *spec, const char *key,
			  const char *refusal)
{
	struct error err = { 0 };

	if (!refusal && sysctl_check(spec, key, &err) < 0)
		fail_msg("%s: cannot %s", key, err.text);
	if (!refusal)
		return;
	assert_int_equal(sysctl_check(spec, key, &err), -1);
	assert_int_equal(err.id, ERROR_NAMESPACE);
	if (!strstr(err.text, refusal))
		fail_msg("%s: '%s' does not say '%s'", key, err.text, refusal);
}

static void sysctls_of_private_namespaces_may_be_set(void **state)
{
	static const char *const keys[] = { "net.ipv4.ip_forward",
					    "net/ipv4/ip_forward",
					    "net.ipv4.conf.eth0/1.forwarding",
					    "kernel.msgmax",
					    "kernel.sem",
					    "kernel.shm_rmid_forced",
					    "fs.mqueue.msg_max",
					    "kernel.hostname",
					    "kernel/domainname" };
	const struct namespaces_spec spec = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_sysctl(&spec, keys[i], NULL);
}

static void sysctls_of_shared_namespaces_name_the_namespace(void **state)
{
	struct namespaces_spec spec = { 0 };

	(void)state;
	spec.kinds[NS_NET].mode = NS_SHARED;
	spec.kinds[NS_IPC].mode = NS_JOINED;
	assert_sysctl(&spec, "net.core.somaxconn",
		      "the net namespace is not the sandbox's own");
	assert_sysctl(&spec, "kernel.shmmax",
		      "the ipc namespace is not the sandbox's own");
	assert_sysctl(&spec, "kernel.hostname", NULL);
}

static void sysctls_of_the_machine_are_refused(void **state)
{
	static const char *const keys[] = { "vm.swappiness", "kernel.panic",
					    "fs.file-max",   "user.max_user_namespaces",
					    "network.x",     "kernel.core_pattern" };
	const struct namespaces_spec spec = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_sysctl(&spec, keys[i], "it belongs to the whole machine");
}

static void what_is_no_path_below_sys_is_no_key(void **state)
{
	static const char *const keys[] = {
		"",          "/net/ipv4/ip_forward", ".net.ipv4",
		"net..ipv4", "net/../vm/swappiness", "net/ipv4/../../vm/swappiness"
	};
	const struct namespaces_spec spec = { 0 };
	char longest[600];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_sysctl(&spec, keys[i], "it is no key");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "net.", 4);
	assert_sysctl(&spec, longest, "it is no key");
}

static void set_sysctls(const void *context)
{
	const struct key_value sysctls[] = {
		{ "kernel.hostname", "box" },
		{ "kernel/domainname", "example" },
		{ "net.ipv4.ip_forward", "1" },
		{ "net/ipv4/conf/lo/forwarding", "0" },
		{ "net.ipv4.conf.all.log_martians", "1" },
	};
	const struct namespaces_spec spec = { .sysctls = sysctls, .sysctl_count = 5 };
	struct error err = { 0 };

	(void)context;
	expect(namespaces_write_sysctls(&spec, &err) == 0, "cannot %s: %s", err.text,
	       strerror(err.errnum));
	expect(strcmp(expect_text("/proc/sys/kernel/hostname"), "box") == 0, "hostname");
	expect(strcmp(expect_text("/proc/sys/kernel/domainname"), "example") == 0,
	       "domain");
	expect(strcmp(expect_text("/proc/sys/net/ipv4/ip_forward"), "1") == 0, "forward");
	expect(strcmp(expect_text("/proc/sys/net/ipv4/conf/lo/forwarding"), "0") == 0,
	       "lo");
	expect(strcmp(expect_text("/proc/sys/net/ipv4/conf/all/log_martians"), "1") == 0,
	       "log_martians");
}

static void sysctls_with_dots_and_slashes_are_written(void **state)
{
	(void)state;
	nursery_run(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS, set_sysctls,
		    NULL);
}

static void set_bad_sysctl(const void *context)
{
	const struct key_value sysctl = { "net.ipv4.nosuch", "1" };
	const struct namespaces_spec spec = { .sysctls = &sysctl, .sysctl_count = 1 };
	struct error err = { 0 };

	(void)context;
	expect(namespaces_write_sysctls(&spec, &err) == -1, "it was written");
	expect(strcmp(err.text, "set the sysctl net.ipv4.nosuch to 1") == 0 &&
		       err.errnum == ENOENT,
	       "%s: %s", err.text, strerror(err.errnum));
}

static void a_sysctl_that_is_not_there_is_named_with_its_value(void **state)
{
	(void)state;
	nursery_run(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET, set_bad_sysctl, NULL);
}

static void set_hostname(const void *context)
{
	const struct namespaces_spec spec = { .hostname = "box" };
	const struct namespaces_spec none = { 0 };
	char name[64];
	struct error err = { 0 };

	(void)context;
	expect(namespaces_set_hostname(&spec, &err) == 0, "cannot %s", err.text);
	expect(namespaces_set_hostname(&none, &err) == 0, "cannot %s", err.text);
	expect(gethostname(name, sizeof(name)) == 0 && strcmp(name, "box") == 0, "%s",
	       name);
}

static void the_host_name_is_set_where_there_is_one(void **state)
{
	(void)state;
	nursery_run(CLONE_NEWUTS, set_hostname, NULL);
}

/* ---- joining --------------------------------------------------------------------------- */

static void assert_not_joinable(enum ns_kind kind, const char *path, const char *why)
{
	struct error err = { 0 };

	assert_int_equal(namespaces_check_joinable(kind, path, &err), -1);
	assert_int_equal(err.id, ERROR_NAMESPACE);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
	if (!strstr(err.text, path) || !strstr(err.text, ns_name(kind)))
		fail_msg("'%s' does not name %s and %s", err.text, ns_name(kind), path);
}

static void made_up_files_are_no_namespaces(void **state)
{
	const struct temporary *temporary = *state;
	const char *file = temporary_file(temporary, "net", "net", 3);
	char fifo[256];

	assert_not_joinable(NS_NET, file, "it is not a namespace");
	assert_not_joinable(NS_NET, temporary->path, "it is not a namespace");
	assert_not_joinable(NS_USER, "/dev/null", "it is not a namespace");
	assert_not_joinable(NS_PID, "/proc/self/status", "it is not a namespace");
	snprintf(fifo, sizeof(fifo), "%s/fifo", temporary->path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_not_joinable(NS_NET, fifo, "it is not a namespace");
}

static void a_file_that_is_missing_says_so(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(namespaces_check_joinable(NS_NET, "/nowhere/net", &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(err.id, ERROR_NAMESPACE);
}

static void a_namespace_of_another_kind_is_refused(void **state)
{
	(void)state;
	/* An emulator does not know the calls of ioctl_ns(2). */
	if (is_emulated())
		skip();
	for (enum ns_kind kind = NS_USER; kind < NS_TIME; kind++) {
		enum ns_kind other = kind == NS_NET ? NS_UTS : NS_NET;
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", ns_name(kind));
		assert_not_joinable(other, path, "it is of another kind");
	}
}

static void those_that_we_are_in_cannot_be_joined(void **state)
{
	(void)state;
	if (is_emulated())
		skip();
	assert_not_joinable(NS_USER, "/proc/self/ns/user", "it is the one we are in");
	if (geteuid() == 0)
		return;
	assert_not_joinable(NS_NET, "/proc/self/ns/net", "it is not yours");
	assert_not_joinable(NS_MOUNT, "/proc/self/ns/mnt", "it is not yours");
}

/* A child with namespaces of its own, until the end of file; NULL: they are refused. */
struct neighbour {
	pid_t pid;
	int end;
};

static bool begin_neighbour(struct neighbour *neighbour, uint64_t flags)
{
	int made[2], stop[2];
	char byte = 0;

	assert_int_equal(pipe2(made, O_CLOEXEC), 0);
	assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
	fflush(NULL);
	neighbour->pid = fork();
	if (neighbour->pid == 0) {
		alarm(30);
		close(stop[1]);
		if (unshare((int)flags) == 0 && write(made[1], &byte, 1) == 1)
			_exit(read(stop[0], &byte, 1) != 0);
		_exit(1);
	}
	close(made[1]);
	close(stop[0]);
	neighbour->end = stop[1];
	const bool lives = read(made[0], &byte, 1) == 1;

	close(made[0]);
	return lives;
}

static void end_neighbour(struct neighbour *neighbour)
{
	fd_close(&neighbour->end);
	assert_int_equal(waitpid(neighbour->pid, NULL, 0), neighbour->pid);
}

static const char *path_of(const struct neighbour *neighbour, enum ns_kind kind)
{
	static char paths[NS_COUNT][64];

	snprintf(paths[kind], sizeof(paths[kind]), "/proc/%d/ns/%s", neighbour->pid,
		 ns_name(kind));
	return paths[kind];
}

static void those_of_our_own_children_can_be_joined(void **state)
{
	struct neighbour neighbour;
	struct error err = { 0 };

	(void)state;
	if (!begin_neighbour(&neighbour, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWUTS)) {
		end_neighbour(&neighbour);
		print_message("no user namespaces here\n");
		skip();
	}
	assert_int_equal(
		namespaces_check_joinable(NS_USER, path_of(&neighbour, NS_USER), &err),
		0);
	assert_int_equal(
		namespaces_check_joinable(NS_NET, path_of(&neighbour, NS_NET), &err), 0);
	/* What it shares with us is ours. */
	if (geteuid() != 0)
		assert_not_joinable(NS_IPC, path_of(&neighbour, NS_IPC),
				    "it is not yours");
	end_neighbour(&neighbour);
}

static bool is_same(const char *a, const char *b)
{
	struct stat one, other;

	return stat(a, &one) == 0 && stat(b, &other) == 0 && files_same(&one, &other);
}

static _Noreturn void join(const struct neighbour *neighbour)
{
	struct namespaces_spec spec = { 0 };
	struct error err = { 0 };

	spec.kinds[NS_NET] = (struct ns_choice){ NS_JOINED, path_of(neighbour, NS_NET) };
	spec.kinds[NS_UTS] = (struct ns_choice){ NS_JOINED, path_of(neighbour, NS_UTS) };
	if (namespaces_join(&spec, &err) < 0)
		_exit(1);
	/* The owner comes first, though nobody has named it. */
	if (!is_same("/proc/self/ns/user", path_of(neighbour, NS_USER)) ||
	    !is_same("/proc/self/ns/net", path_of(neighbour, NS_NET)) ||
	    !is_same("/proc/self/ns/uts", path_of(neighbour, NS_UTS)))
		_exit(2);
	_exit(0);
}

static void joining_enters_the_owner_first(void **state)
{
	struct neighbour neighbour;
	int status;
	pid_t child;

	(void)state;
	if (!begin_neighbour(&neighbour, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWUTS)) {
		end_neighbour(&neighbour);
		print_message("no user namespaces here\n");
		skip();
	}
	fflush(NULL);
	child = fork();
	if (child == 0)
		join(&neighbour);
	assert_int_equal(waitpid(child, &status, 0), child);
	end_neighbour(&neighbour);
	assert_int_equal(status, 0);
}

static void a_foreign_pid_namespace_needs_its_owner(void **state)
{
	struct namespaces_spec spec = { 0 };
	struct neighbour neighbour;
	struct error err = { 0 };

	(void)state;
	/* pid_for_children is of the kind, and there without a further fork. */
	if (!begin_neighbour(&neighbour, CLONE_NEWUSER | CLONE_NEWNET)) {
		end_neighbour(&neighbour);
		print_message("no user namespaces here\n");
		skip();
	}
	assert_int_equal(namespaces_check_pid(&spec, &err), 0);
	spec.kinds[NS_PID] = (struct ns_choice){ NS_JOINED, path_of(&neighbour, NS_NET) };
	assert_int_equal(namespaces_check_pid(&spec, &err), -1);
	assert_non_null(strstr(err.text, "it is of another kind"));
	spec.kinds[NS_USER] =
		(struct ns_choice){ NS_JOINED, path_of(&neighbour, NS_USER) };
	assert_int_equal(namespaces_check_pid(&spec, &err), 0);
	end_neighbour(&neighbour);
}

/* ---- refusals of the kernel -------------------------------------------------------------- */

static void a_refused_clone_is_told_by_its_cause(void **state)
{
	static const struct {
		int errnum;
		enum error_id id;
		const char *hint;
	} refusals[] = {
		{ EPERM, ERROR_USERNS_FORBIDDEN, "sbx doctor" },
		{ ENOSYS, ERROR_USERNS_FORBIDDEN, "sbx doctor" },
		{ ENOSPC, ERROR_USERNS_LIMIT, "max_" },
		{ EUSERS, ERROR_USERNS_LIMIT, "max_" },
		{ EINVAL, ERROR_KERNEL, "sbx doctor" },
		{ EAGAIN, ERROR_RESOURCES, "" },
		{ ENOMEM, ERROR_PLAIN, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct error err = { 0 };

		assert_int_equal(namespaces_explain_refusal(refusals[i].errnum, &err),
				 -1);
		assert_int_equal(err.id, refusals[i].id);
		assert_int_equal(err.errnum, refusals[i].errnum);
		if (!strstr(err.hint, refusals[i].hint))
			fail_msg("errno %d: hint '%s'", refusals[i].errnum, err.hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_the_name_of_its_file_in_proc),
		cmocka_unit_test(what_is_no_kind_is_not_found),
		cmocka_unit_test(everything_is_private_but_time_if_nothing_is_said),
		cmocka_unit_test(what_is_shared_or_joined_is_not_cloned),
		cmocka_unit_test(sysctls_of_private_namespaces_may_be_set),
		cmocka_unit_test(sysctls_of_shared_namespaces_name_the_namespace),
		cmocka_unit_test(sysctls_of_the_machine_are_refused),
		cmocka_unit_test(what_is_no_path_below_sys_is_no_key),
		cmocka_unit_test(sysctls_with_dots_and_slashes_are_written),
		cmocka_unit_test(a_sysctl_that_is_not_there_is_named_with_its_value),
		cmocka_unit_test(the_host_name_is_set_where_there_is_one),
		cmocka_unit_test(made_up_files_are_no_namespaces),
		cmocka_unit_test(a_file_that_is_missing_says_so),
		cmocka_unit_test(a_namespace_of_another_kind_is_refused),
		cmocka_unit_test(those_that_we_are_in_cannot_be_joined),
		cmocka_unit_test(those_of_our_own_children_can_be_joined),
		cmocka_unit_test(joining_enters_the_owner_first),
		cmocka_unit_test(a_foreign_pid_namespace_needs_its_owner),
		cmocka_unit_test(a_refused_clone_is_told_by_its_cause),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
