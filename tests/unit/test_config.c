/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `sbx config … | sbx run --config -` makes the same plan, also where an option has several
 * values and where the root is the host's: what test_round_trip.c, which has one use of each
 * row, leaves over. The first plan is compared as a copy that borrows nothing.
 */
#include "plan/internal.h"

#include "tests/unit/plan_equal.h"
#include "tests/unit/planning.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const samples[] = {
	"--root @/root",
	"--root @/root/",
	"--root host",
	"--root @/root --root-mode ro",
	"--root @/root --root-mode rw",
	"--root @/root --root-mode cow",
	"--cwd cow",
	"--cwd ro",
	"--cwd rw",
	"--cwd off",
	"--ro @/home:/srv",
	"--rw @/home:/srv",
	"--cow @/home:/srv",
	"--volume @/home:/srv:ro",
	"--mount type=bind,src=@/home,dst=/srv,readonly",
	"--mount type=tmpfs,dst=/srv",
	"--mask /etc/passwd",
	"--mask /usr/share --ro /usr/share/doc",
	"--proc new",
	"--proc pids",
	"--proc host",
	"--proc none",
	"--root @/root --map single --user 0:0",
	"--root @/root --map subuid --user app",
	"--groups keep",
	"--groups drop",
	"--root @/root --map subuid --group-add staff --group-add 12",
	"--map single",
	"--root @/root --map subuid",
	"--root @/root --map keep-id",
	"--root @/root --map auto",
	"--env A=1 --env B= --env A=2",
	"--keep-env",
	"--keep-env=SBX_*",
	"--share net",
	"--share ipc --share uts --share cgroup",
	"--share pid --proc host",
	"--root @/root --cap-drop CHOWN",
	"--tty=on",
	"--tty=off",
	"--tty=auto",
	"--interactive --detach",
	"--init",
	"--preserve-fds 2",
	"--detach",
	"--stats",
	"--stats=@/stats",
	"--config @/other.json",
	"--log-format text",
	"--dry-run",
};

/* ---- what samples name -------------------------------------------------------------- */

/* A process in user and network namespaces that the caller may join; -1: not here. */
static pid_t start_joinable(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			_exit(1);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(ready[0]);
	return pid;
}

static void end_joinable(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void write_other_config(struct planning *at)
{
	struct arena arena = { 0 };

	assert_int_equal(planning_root(at, "--hostname other"), 0);
	planning_write(at, "other.json", plan_to_oci(&at->plan, false, &arena));
	arena_free(&arena);
}

static int make_place(void **state)
{
	struct planning *at;

	if (planning_make(state) < 0 || dup2(STDERR_FILENO, 3) < 0 ||
	    dup2(STDERR_FILENO, 4) < 0)
		return -1;
	at = *state;
	setenv("SBX_SAMPLE", "kept", 1);
	write_other_config(at);
	return 0;
}

/* ---- there and back ----------------------------------------------------------------- */

static bool needs(const char *words, const char *option)
{
	return strstr(words, option) != NULL;
}

/* What this machine may lack; anything else that fails is a failure. */
static bool may_be_missing(const struct planning *at, const char *words)
{
	return (at->err.id == ERROR_SUBIDS_MISSING || at->err.id == ERROR_IDMAP_HELPER ||
		at->err.id == ERROR_GROUPS) &&
	       (needs(words, "subuid") || needs(words, "keep-id") ||
		needs(words, "--root"));
}

/* The plan of the words, as a copy that needs neither them nor the place. */
static struct plan write_config(struct planning *at, const char *words)
{
	struct arena arena = { 0 };
	const char *text = plan_to_oci(&at->plan, false, &arena), *field;
	struct plan copy = { 0 };
	struct error err;

	planning_write(at, "config.json", text);
	if (plan_from_oci(text, strlen(text), "-", &copy, &err) < 0)
		fail_msg("%s: %s", words, err.text);
	field = plan_difference(&at->plan, &copy);
	if (field)
		fail_msg("%s: %s differs in\n%s", words, field, text);
	arena_free(&arena);
	return copy;
}

static void check_sample(struct planning *at, const char *options)
{
	bool has_root = needs(options, "@/root") || needs(options, "--config ");
	const char *command = has_root ? "/bin/tool" : "/bin/sh";
	const char *field;
	struct plan first;
	char words[512];

	snprintf(words, sizeof(words), "%s -- %s an argument", options, command);
	if (planning_words(at, words) < 0) {
		if (!may_be_missing(at, words))
			fail_msg("%s: %s", words, at->err.text);
		print_message("not on this machine: %s: %s\n", words, at->err.text);
		return;
	}
	first = write_config(at, words);
	if (planning_words(at, "--config @/config.json") < 0)
		fail_msg("%s: %s", words, at->err.text);
	field = plan_difference(&first, &at->plan);
	if (field)
		fail_msg("%s: %s differs when --config reads it", words, field);
	plan_free(&first);
}

static void check_join(struct planning *at)
{
	pid_t pid = start_joinable();
	char words[256];

	if (pid < 0) {
		print_message("no user namespaces here\n");
		skip();
	}
	snprintf(words, sizeof(words),
		 "--join user:/proc/%d/ns/user --join net:/proc/%d/ns/net", (int)pid,
		 (int)pid);
	check_sample(at, words);
	end_joinable(pid);
}

static void every_sample_comes_back_through_config(void **state)
{
	struct planning *at = *state;

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		check_sample(at, samples[i]);
}

static void namespaces_that_are_joined_come_back(void **state)
{
	check_join(*state);
}

static void only_what_differs_from_the_defaults_is_shown_on_request(void **state)
{
	struct planning *at = *state;
	struct arena arena = { 0 };
	const char *text;

	assert_int_equal(planning_words(at, "--no-config --hostname box -- /bin/sh"), 0);
	assert_false(at->plan.namespaces.hostname_optional);
	text = plan_to_oci(&at->plan, true, &arena);
	assert_non_null(strstr(text, "\"hostname\": \"box\""));
	assert_non_null(strstr(text, "\"sbx.from.hostname\": \"command line\""));
	assert_null(strstr(text, "\"mounts\""));
	assert_null(strstr(text, "\"process\""));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_comes_back_through_config),
		cmocka_unit_test(namespaces_that_are_joined_come_back),
		cmocka_unit_test(only_what_differs_from_the_defaults_is_shown_on_request),
	};

	return cmocka_run_group_tests(tests, make_place, planning_remove);
}
