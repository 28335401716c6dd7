/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/state.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "launcher/report.h"
#include "plan/plan.h"
#include "tests/unit/emulated.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { RACERS = 16 };

static const char *const command[] = { "nginx", "-g", "daemon off;", NULL };

static struct plan named_plan(const char *name)
{
	struct plan plan = { 0 };

	plan.life.name = name;
	plan.process.argv = command;
	plan.process.cwd = "/";
	plan.process.stop_signal = SIGTERM;
	plan.rootfs.kind = ROOT_HOST;
	return plan;
}

/* Each test has a runtime directory of its own. */
static const char *use_runtime_dir(void **state, const char *name)
{
	const struct temporary *temporary = *state;
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", temporary->path, name);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", path, 1), 0);
	return path;
}

static bool is_there(const char *runtime_dir, const char *name)
{
	char path[1024];
	struct stat status;

	snprintf(path, sizeof(path), "%s/sbx/%s", runtime_dir, name);
	return lstat(path, &status) == 0;
}

static int count_running(void)
{
	struct arena arena = { 0 };
	const struct state_entry *entries;
	struct error err;
	int count = state_list(&arena, &entries, &err);

	arena_free(&arena);
	return count;
}

/*
 * A launcher in a process of its own, which runs until SIGTERM and ends with this status.
 * Returns its pid once it is published.
 */
static _Noreturn void live(const struct plan *plan, int told, int status)
{
	const struct outcome outcome = { .status = status };
	struct state state;
	struct error err;
	sigset_t end;
	int number;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	state_init(&state);
	if (state_claim(&state, plan, true, &err) == 0 &&
	    state_publish(&state, plan, getpid(), &err) == 0)
		(void)!write(told, "!", 1);
	close(told);
	alarm(20);
	sigwait(&end, &number);
	state_end(&state, &outcome);
	_exit(0);
}

static pid_t launch(const struct plan *plan, int status)
{
	char byte = '?';
	int told[2];
	pid_t pid;

	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		live(plan, told[1], status);
	close(told[1]);
	assert_int_equal(read(told[0], &byte, 1), 1);
	close(told[0]);
	return pid;
}

static void end(pid_t launcher, int number)
{
	kill(launcher, number);
	assert_int_equal(waitpid(launcher, NULL, 0), launcher);
}

/* Sends it the signal a little later. */
static pid_t end_soon(pid_t launcher, int number)
{
	pid_t pid = fork();

	if (pid == 0) {
		poll(NULL, 0, 100);
		kill(launcher, number);
		_exit(0);
	}
	return pid;
}

/* ---- names ----------------------------------------------------------------------------- */

static void names_that_could_be_paths_are_refused(void **state)
{
	static const char *const bad[] = { "",   ".",   "..",  "a/b", "-a",
					   ".a", "a b", "a\n", "\xff" };
	char too_long[66];
	struct state claimed;
	struct error err;

	use_runtime_dir(state, "bad-names");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct plan plan = named_plan(bad[i]);

		state_init(&claimed);
		assert_int_equal(state_claim(&claimed, &plan, true, &err), -1);
		assert_int_equal(err.id, ERROR_USAGE);
		assert_int_equal(state_check(&plan, &err), -1);
	}
	memset(too_long, 'a', sizeof(too_long));
	too_long[65] = '\0';
	struct plan plan = named_plan(too_long);
	assert_int_equal(state_claim(&claimed, &plan, true, &err), -1);
	too_long[64] = '\0';
	assert_int_equal(state_claim(&claimed, &plan, true, &err), 0);
	state_end(&claimed, &(struct outcome){ 0 });
}

static void a_name_in_use_is_taken_and_free_afterwards(void **state)
{
	const struct plan plan = named_plan("web");
	pid_t launcher;
	struct state second;
	struct error err;

	use_runtime_dir(state, "taken");
	launcher = launch(&plan, 0);
	state_init(&second);
	assert_int_equal(state_claim(&second, &plan, true, &err), -1);
	assert_int_equal(err.id, ERROR_NAME_TAKEN);
	assert_string_equal(err.text, "use the name web: a running sandbox has it");
	assert_int_equal(state_check(&plan, &err), -1);
	assert_int_equal(err.id, ERROR_NAME_TAKEN);
	end(launcher, SIGTERM);
	assert_int_equal(state_check(&plan, &err), 0);
	assert_int_equal(state_claim(&second, &plan, true, &err), 0);
	state_end(&second, &(struct outcome){ 0 });
}

static void of_many_starts_with_one_name_one_wins(void **state)
{
	const struct plan plan = named_plan("one");
	pid_t racers[RACERS];
	int start[2], winners = 0;

	use_runtime_dir(state, "race");
	assert_int_equal(pipe2(start, O_CLOEXEC), 0);
	for (size_t i = 0; i < RACERS; i++) {
		racers[i] = fork();
		if (racers[i] == 0) {
			struct state own;
			struct error err;
			char byte;

			close(start[1]);
			state_init(&own);
			(void)!read(start[0], &byte, 1);
			if (state_claim(&own, &plan, true, &err) < 0)
				_exit(err.id == ERROR_NAME_TAKEN ? 1 : 2);
			(void)state_publish(&own, &plan, getpid(), &err);
			poll(NULL, 0, 500);
			state_end(&own, &(struct outcome){ 0 });
			_exit(0);
		}
	}
	close(start[1]);
	for (size_t i = 0; i < RACERS; i++) {
		int status;

		waitpid(racers[i], &status, 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		winners += WEXITSTATUS(status) == 0;
	}
	close(start[0]);
	assert_int_equal(winners, 1);
	assert_int_equal(count_running(), 0);
}

static void runs_without_a_name_get_one(void **state)
{
	struct plan plan = named_plan(NULL);
	struct state first, second;
	struct error err;
	char name[32];

	use_runtime_dir(state, "made-up");
	plan.life.detach = true;
	state_init(&first);
	state_init(&second);
	snprintf(name, sizeof(name), "run-%d", getpid());
	assert_int_equal(state_claim(&first, &plan, true, &err), 0);
	assert_string_equal(first.name, name);
	assert_int_equal(state_claim(&second, &plan, true, &err), 0);
	assert_string_not_equal(second.name, name);
	state_end(&first, &(struct outcome){ 0 });
	state_end(&second, &(struct outcome){ 0 });
}

/* ---- what is read ---------------------------------------------------------------------- */

static void what_is_published_is_found(void **state)
{
	const char *const words[] = { "caf\xc3\xa9", "\xff\xfe\n", "", NULL };
	struct plan plan = named_plan("web");
	struct arena arena = { 0 };
	pid_t launcher;
	struct state_entry entry;
	struct error err;

	use_runtime_dir(state, "found");
	plan.process.argv = words;
	plan.process.stop_signal = SIGINT;
	plan.life.detach = true;
	plan.rootfs.kind = ROOT_DIRECTORY;
	plan.rootfs.path = "/srv/debian";
	launcher = launch(&plan, 0);
	assert_int_equal(state_find("web", &arena, &entry, &err), 0);
	assert_string_equal(entry.name, "web");
	assert_true(entry.named);
	assert_true(entry.detached);
	assert_int_equal(entry.launcher, launcher);
	assert_true(state_is_alive(entry.launcher, entry.launcher_start));
	assert_int_equal(entry.stop_signal, SIGINT);
	assert_string_equal(entry.root, "/srv/debian");
	for (size_t i = 0; i < 4; i++) {
		if (!words[i])
			assert_null(entry.command[i]);
		else
			assert_string_equal(entry.command[i], words[i]);
	}
	end(launcher, SIGTERM);
	assert_int_equal(count_running(), 0);
	arena_free(&arena);
}

static void all_are_listed_and_the_nearest_is_named(void **state)
{
	const struct plan plans[] = { named_plan("alpha"), named_plan("beta") };
	struct arena arena = { 0 };
	pid_t launchers[2];
	const struct state_entry *entries;
	struct state_entry entry;
	struct error err;

	use_runtime_dir(state, "listed");
	launchers[0] = launch(&plans[0], 0);
	poll(NULL, 0, 30);
	launchers[1] = launch(&plans[1], 0);
	assert_int_equal(state_list(&arena, &entries, &err), 2);
	assert_string_equal(entries[0].name, "alpha");
	assert_string_equal(entries[1].name, "beta");
	assert_int_equal(state_find("alpah", &arena, &entry, &err), -1);
	assert_int_equal(err.id, ERROR_NO_SUCH_SANDBOX);
	assert_string_equal(err.hint, "did you mean alpha?");
	end(launchers[0], SIGTERM);
	end(launchers[1], SIGTERM);
	arena_free(&arena);
}

static void what_was_not_published_is_not_listed(void **state)
{
	const struct plan plan = named_plan("hidden");
	struct state own;
	struct error err;

	use_runtime_dir(state, "unpublished");
	state_init(&own);
	assert_int_equal(state_claim(&own, &plan, true, &err), 0);
	assert_int_equal(count_running(), 0);
	state_end(&own, &(struct outcome){ 0 });
}

static void a_pid_is_believed_only_with_its_start(void **state)
{
	(void)state;
	assert_false(state_is_alive(getpid(), 1));
	assert_false(state_is_alive(0, 0));
	assert_false(state_is_alive(-1, 0));
}

/* ---- the end --------------------------------------------------------------------------- */

static void a_waiter_learns_the_status(void **state)
{
	const struct plan plan = named_plan("waited");
	const char *dir = use_runtime_dir(state, "status");
	pid_t launcher = launch(&plan, 42);
	pid_t ender = end_soon(launcher, SIGTERM);
	struct error err;
	int status = -1;

	assert_int_equal(state_wait("waited", &status, &err), 0);
	assert_int_equal(status, 42);
	assert_int_equal(waitpid(ender, NULL, 0), ender);
	assert_int_equal(waitpid(launcher, NULL, 0), launcher);
	assert_false(is_there(dir, "waited"));
	assert_int_equal(state_wait("waited", &status, &err), -1);
	assert_int_equal(err.id, ERROR_NO_SUCH_SANDBOX);
}

static void a_killed_launcher_means_137(void **state)
{
	const struct plan plan = named_plan("killed");
	struct error err;
	int status = -1;
	pid_t launcher, ender;

	use_runtime_dir(state, "killed-wait");
	launcher = launch(&plan, 42);
	ender = end_soon(launcher, SIGKILL);
	assert_int_equal(state_wait("killed", &status, &err), 0);
	assert_int_equal(status, 137);
	assert_int_equal(waitpid(ender, NULL, 0), ender);
	assert_int_equal(waitpid(launcher, NULL, 0), launcher);
}

static void what_a_killed_launcher_left_is_removed(void **state)
{
	const struct plan plan = named_plan("left");
	const char *dir = use_runtime_dir(state, "left-over");
	pid_t launcher = launch(&plan, 0);
	struct state own;
	struct error err;

	end(launcher, SIGKILL);
	assert_true(is_there(dir, "left"));
	assert_int_equal(count_running(), 0);
	assert_false(is_there(dir, "left"));

	launcher = launch(&plan, 0);
	end(launcher, SIGKILL);
	state_init(&own);
	assert_int_equal(state_claim(&own, &plan, true, &err), 0);
	state_end(&own, &(struct outcome){ 0 });
	assert_false(is_there(dir, "left"));
}

/* ---- where it stands ------------------------------------------------------------------- */

/* Only where nobody asked for it: then nothing is made, and nothing is said. */
static void a_directory_that_others_may_use_is_not_used(void **state)
{
	const struct plan plan = named_plan("open");
	const char *dir = use_runtime_dir(state, "open");
	struct state own;
	struct error err;
	char path[600];

	snprintf(path, sizeof(path), "%s/sbx", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0770), 0);
	state_init(&own);
	assert_int_equal(state_claim(&own, &plan, false, &err), 0);
	assert_int_equal(own.dir, -1);
	assert_false(is_there(dir, "open"));

	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(state_claim(&own, &plan, false, &err), 0);
	assert_int_equal(own.dir, -1);
	assert_false(is_there(dir, "open"));
}

static void links_are_not_followed(void **state)
{
	const struct plan plan = named_plan("link");
	const char *dir = use_runtime_dir(state, "links");
	struct state own;
	struct error err;
	char path[600], target[600];

	snprintf(target, sizeof(target), "%s/target", dir);
	snprintf(path, sizeof(path), "%s/sbx", dir);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, path), 0);
	state_init(&own);
	assert_int_equal(state_claim(&own, &plan, false, &err), 0);
	assert_int_equal(own.dir, -1);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/sbx/link", dir);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(state_claim(&own, &plan, true, &err), -1);
	assert_int_equal(err.id, ERROR_STATE);
	assert_int_equal(count_running(), 0);
	assert_int_equal(rmdir(target), 0);
}

/* A limit of no bytes stands for a disk without space. */
static void a_full_directory_is_an_error_only_where_it_is_needed(void **state)
{
	const struct plan plan = named_plan("full");
	const char *dir = use_runtime_dir(state, "full");
	struct rlimit before, none;
	struct state own;
	struct error err;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	state_init(&own);
	assert_int_equal(state_claim(&own, &plan, false, &err), 0);
	assert_int_equal(own.dir, -1);
	assert_int_equal(state_claim(&own, &plan, true, &err), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(err.id, ERROR_STATE);
	assert_int_equal(err.errnum, EFBIG);
	assert_false(is_there(dir, "full"));
}

static void a_full_mask_does_no_harm(void **state)
{
	const struct plan plan = named_plan("masked");
	pid_t launcher;

	use_runtime_dir(state, "mask");
	umask(0777);
	launcher = launch(&plan, 0);
	umask(022);
	assert_int_equal(count_running(), 1);
	end(launcher, SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_could_be_paths_are_refused),
		cmocka_unit_test(a_name_in_use_is_taken_and_free_afterwards),
		cmocka_unit_test(of_many_starts_with_one_name_one_wins),
		cmocka_unit_test(runs_without_a_name_get_one),
		cmocka_unit_test(what_is_published_is_found),
		cmocka_unit_test(all_are_listed_and_the_nearest_is_named),
		cmocka_unit_test(what_was_not_published_is_not_listed),
		cmocka_unit_test(a_pid_is_believed_only_with_its_start),
		cmocka_unit_test(a_waiter_learns_the_status),
		cmocka_unit_test(a_killed_launcher_means_137),
		cmocka_unit_test(what_a_killed_launcher_left_is_removed),
		cmocka_unit_test(a_directory_that_others_may_use_is_not_used),
		cmocka_unit_test(links_are_not_followed),
		cmocka_unit_test(a_full_directory_is_an_error_only_where_it_is_needed),
		cmocka_unit_test(a_full_mask_does_no_harm),
	};

	if (is_emulated()) {
		puts("an emulator shows start times of its own");
		return 77;
	}
	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
