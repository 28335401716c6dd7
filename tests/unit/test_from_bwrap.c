/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	WORDS_MAX = 64,
	TEXT_MAX = 4096,
};

/* The plan and the error of the last reading. */
struct reading {
	struct plan plan;
	struct error err;
};

static int start(void **state)
{
	static struct reading reading;

	memset(&reading, 0, sizeof(reading));
	*state = &reading;
	return 0;
}

static int stop(void **state)
{
	struct reading *at = *state;

	plan_free(&at->plan);
	return 0;
}

static int read_list(struct reading *at, const char *const *words)
{
	plan_free(&at->plan);
	memset(&at->err, 0, sizeof(at->err));
	return plan_from_bwrap(words, &at->plan, &at->err);
}

/* Words that blanks separate; '' is an empty one. A plan borrows them. */
static int read_text(struct reading *at, const char *text)
{
	static char copy[TEXT_MAX];
	static const char *words[WORDS_MAX] = { "bwrap" };
	size_t count = 1;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok(copy, " "); word && count < WORDS_MAX - 1;
	     word = strtok(NULL, " "))
		words[count++] = strcmp(word, "''") ? word : "";
	words[count] = NULL;
	return read_list(at, words);
}

/* With `true` behind. */
static void made(struct reading *at, const char *text)
{
	char words[TEXT_MAX];

	snprintf(words, sizeof(words), "%s true", text);
	if (read_text(at, words) < 0)
		fail_msg("%s: %s", words, at->err.text);
}

static void refused(struct reading *at, const char *words, const char *text)
{
	if (read_text(at, words) == 0)
		fail_msg("not refused: %s", words);
	if (strcmp(at->err.text, text) != 0)
		fail_msg("%s: '%s' instead of '%s'", words, at->err.text, text);
}

/* A descriptor that these bytes can be read from. */
static int make_file(const void *bytes, size_t size)
{
	int fd = memfd_create("words", MFD_CLOEXEC);

	assert_true(fd >= 0 && fd_write_all(fd, bytes, size) == 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

#define MAKE_FILE(text) make_file(text, sizeof(text) - 1)

/* The format's only conversion is a descriptor's number. */
static const char *with_fd(const char *format, int fd)
{
	static char text[TEXT_MAX];
	const char *place = strstr(format, "FD");

	snprintf(text, sizeof(text), "%.*s%d%s", (int)(place - format), format, fd,
		 place + 2);
	return text;
}

static const struct mount_entry *mount_at(const struct reading *at, size_t index)
{
	assert_true(index < at->plan.rootfs.mount_count);
	return &at->plan.rootfs.mounts[index];
}

static const char *variable(const struct reading *at, const char *name)
{
	const struct process_spec *process = &at->plan.process;
	size_t length = strlen(name);

	for (size_t i = 0; i < process->env_count; i++) {
		if (!strncmp(process->env[i], name, length) &&
		    process->env[i][length] == '=')
			return process->env[i] + length + 1;
	}
	return NULL;
}

static bool is_own(const struct reading *at, int fd)
{
	for (size_t i = 0; i < at->plan.wrap.own_fd_count; i++) {
		if (at->plan.wrap.own_fds[i] == fd)
			return true;
	}
	return false;
}

/* ---- words ---- */

static void the_first_other_word_is_the_command(void **state)
{
	struct reading *at = *state;

	assert_int_equal(read_text(at, "--new-session echo --new-session -x"), 0);
	assert_int_equal(at->plan.process.argc, 3);
	assert_string_equal(at->plan.process.argv[0], "echo");
	assert_string_equal(at->plan.process.argv[1], "--new-session");
	assert_int_equal(read_text(at, "--new-session -- -x"), 0);
	assert_string_equal(at->plan.process.argv[0], "-x");
	assert_int_equal(read_text(at, "--new-session '' x"), 0);
	assert_string_equal(at->plan.process.argv[0], "");
	assert_int_equal(at->plan.process.argc, 2);
}

static void each_misuse_has_its_text(void **state)
{
	if (!policy_is_built_in())
		skip();
	static const struct {
		const char *words, *text;
	} rows[] = {
		{ "--foo", "Unknown option --foo" },
		{ "-", "Unknown option -" },
		{ "--bind=/ / true", "Unknown option --bind=/" },
		{ "--debug-opt=unheard-of true",
		  "Unknown option --debug-opt=unheard-of" },
		{ "--argv0", "--argv0 takes one argument" },
		{ "--chdir", "--chdir takes one argument" },
		{ "--remount-ro", "--remount-ro takes one argument" },
		{ "--uid", "--uid takes an argument" },
		{ "--perms", "--perms takes an argument" },
		{ "--setenv A", "--setenv takes two arguments" },
		{ "--bind /", "--bind takes two arguments" },
		{ "--chmod 0755", "--chmod takes two arguments" },
		{ "--overlay-src / --overlay /a /b", "--overlay takes three arguments" },
		{ "--args x", "Invalid fd: x" },
		{ "--info-fd -1 true", "Invalid fd: -1" },
		{ "--seccomp 3x true", "Invalid fd: 3x" },
		{ "--bind-fd x / true", "Invalid fd: x" },
		{ "--file '' / true", "Invalid fd: " },
		{ "--ro-bind-data 99999999999 / true", "Invalid fd: 99999999999" },
		{ "--userns no true", "Invalid fd: no" },
		{ "--uid x true", "Invalid uid: x" },
		{ "--gid -3 true", "Invalid gid: -3" },
		{ "--uid 4294967295 true", "Invalid uid: 4294967295" },
		{ "--argv0 a --argv0 b true", "--argv0 used multiple times" },
		{ "--perms 8 --dir /a true", "--perms takes an octal argument <= 07777" },
		{ "--perms 10000 --dir /a true",
		  "--perms takes an octal argument <= 07777" },
		{ "--perms 0 --perms 0 --dir /a true",
		  "--perms given twice for the same action" },
		{ "--perms 0700 --bind / / true",
		  "--perms must be followed by an option that creates a file" },
		{ "--perms 0700 --unshare-pid true",
		  "--perms must be followed by an option that creates a file" },
		{ "--size 0 --tmpfs / true", "--size takes a non-zero number of bytes" },
		{ "--size 1k --tmpfs / true", "--size takes a non-zero number of bytes" },
		{ "--size 1 --size 1 --tmpfs / true",
		  "--size given twice for the same action" },
		{ "--size 1 --perms 0700 --dir /a true",
		  "--size must be followed by --tmpfs" },
		{ "--chmod 77777 / true", "--chmod takes an octal argument <= 07777" },
		{ "--overlay-src /a --bind / / true",
		  "--overlay-src must be followed by another --overlay-src or one of "
		  "--overlay, --tmp-overlay, or --ro-overlay" },
		{ "--overlay-src /a true",
		  "--overlay-src must be followed by another --overlay-src or one of "
		  "--overlay, --tmp-overlay, or --ro-overlay" },
		{ "--overlay /a /b /c true",
		  "--overlay requires at least one --overlay-src" },
		{ "--tmp-overlay /a true",
		  "--tmp-overlay requires at least one --overlay-src" },
		{ "--overlay-src /a --ro-overlay /b true",
		  "--ro-overlay requires at least two --overlay-src" },
		{ "--cap-add NET_RAW true", "unknown cap: NET_RAW" },
		{ "--cap-drop cap_none true", "unknown cap: cap_none" },
		{ "--exec-label x true", "labeling not supported on this system" },
		{ "--file-label x true", "labeling not supported on this system" },
		{ "--setenv '' x true", "setenv failed" },
		{ "--setenv a=b x true", "setenv failed" },
		{ "--unsetenv a=b true", "unsetenv failed" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(*state, rows[i].words, rows[i].text);
}

static void each_contradiction_has_its_text(void **state)
{
	static const struct {
		const char *words, *text;
	} rows[] = {
		{ "--userns-block-fd 9 --info-fd 8 true",
		  "--userns-block-fd requires --unshare-user" },
		{ "--userns-block-fd 9 --unshare-user true",
		  "--userns-block-fd requires --info-fd" },
		{ "--userns 9 --unshare-user true",
		  "--userns not compatible --unshare-user" },
		{ "--userns 9 --unshare-all true",
		  "--userns not compatible --unshare-user-try" },
		{ "--disable-userns --unshare-user-try true",
		  "--disable-userns requires --unshare-user" },
		{ "--disable-userns --unshare-user --info-fd 8 --userns-block-fd 9 true",
		  "--disable-userns is not compatible with  --userns-block-fd" },
		{ "--hostname x true", "Specifying --hostname requires --unshare-uts" },
		{ "--as-pid-1 true", "Specifying --as-pid-1 requires --unshare-pid" },
		{ "--as-pid-1 --unshare-pid --lock-file /a true",
		  "Specifying --as-pid-1 and --lock-file is not permitted" },
		/* said before the usage */
		{ "--disable-userns", "--disable-userns requires --unshare-user" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(*state, rows[i].words, rows[i].text);
	if (geteuid() != 0)
		return;
	refused(*state, "--uid 7 true",
		"Specifying --uid requires --unshare-user or --userns");
	refused(*state, "--gid 7 true",
		"Specifying --gid requires --unshare-user or --userns");
}

static void a_size_has_the_limit_of_memory(void **state)
{
	struct reading *at = *state;
	char text[128];

	snprintf(text, sizeof(text), "--size (for tmpfs) is limited to %zu",
		 SIZE_MAX / 2);
	refused(at, "--size 18446744073709551615 --tmpfs / true", text);
}

static void at_most_9000_words_are_read(void **state)
{
	const char **words = calloc(9003, sizeof(*words));
	struct reading *at = *state;

	assert_non_null(words);
	words[0] = "bwrap";
	for (size_t i = 1; i <= 9000; i++)
		words[i] = "true";
	assert_int_equal(read_list(at, words), 0);
	words[9001] = "true";
	assert_int_equal(read_list(at, words), -1);
	assert_string_equal(at->err.text, "Exceeded maximum number of arguments 9000");
	plan_free(&at->plan);
	free(words);
}

static void without_a_command_there_is_a_usage(void **state)
{
	static const char *const texts[] = { "", "--bind / /", "--as-pid-1",
					     "--unshare-user --", "--perms 0700" };
	struct reading *at = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		refused(at, texts[i], "usage: bwrap [OPTIONS...] [--] COMMAND [ARGS...]");
		assert_int_equal(at->err.id, ERROR_NO_COMMAND);
	}
}

static void help_and_version_end_the_words(void **state)
{
	struct reading *at = *state;

	assert_int_equal(read_text(at, "--unshare-pid --version --foo"), 0);
	assert_string_equal(at->plan.wrap.answer, "bubblewrap 0.11.1\n");
	assert_int_equal(read_text(at, "--version"), 0);
	assert_string_equal(at->plan.wrap.answer, "bubblewrap 0.11.1\n");
	assert_int_equal(read_text(at, "--perms 0700 --help"), 0);
	assert_int_equal(strncmp(at->plan.wrap.answer,
				 "usage: bwrap [OPTIONS...] [--] COMMAND [ARGS...]\n\n",
				 50),
			 0);
	assert_non_null(strstr(at->plan.wrap.answer, "\n    --ro-bind SRC DEST  "));
	assert_int_equal(read_text(at, "--foo --help"), -1);
}

static void what_is_given_twice_is_warned_of(void **state)
{
	if (!policy_is_built_in())
		skip();
	static const char *const names[] = {
		"chdir",   "sync-fd",        "block-fd", "userns-block-fd",
		"info-fd", "json-status-fd", "seccomp",  "userns",
		"userns2", "pidns",          "uid",      "gid",
		"hostname"
	};
	struct reading *at = *state;
	char words[128], text[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(words, sizeof(words), "--%s 5 --%s 6 --foo", names[i], names[i]);
		snprintf(text, sizeof(text), "Only the last --%s option will take effect",
			 names[i]);
		refused(at, words, "Unknown option --foo");
		assert_int_equal(at->plan.wrap.warning_count, 1);
		assert_string_equal(at->plan.wrap.warnings[0], text);
	}
	made(at, "--setenv A b --setenv A c --unshare-pid --unshare-pid "
		 "--level-prefix --level-prefix");
	assert_int_equal(at->plan.wrap.warning_count, 0);
	made(at, "--chdir /a --chdir /b");
	assert_string_equal(at->plan.process.cwd, "/b");
}

static void an_error_knows_of_the_level_prefix(void **state)
{
	struct reading *at = *state;

	refused(at, "--foo --level-prefix", "Unknown option --foo");
	assert_false(at->plan.wrap.level_prefix);
	refused(at, "--level-prefix --foo", "Unknown option --foo");
	assert_true(at->plan.wrap.level_prefix);
}

/* ---- files of words ---- */

static void words_of_a_file_stand_where_it_is_named(void **state)
{
	static const char words[] = "--dir\0/b\0--setenv\0A\0\0--chdir\0/x\0stop\0--foo";
	struct reading *at = *state;
	int fd = MAKE_FILE(words);

	made(at, with_fd("--dir /a --args FD --dir /c", fd));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(at->plan.rootfs.mount_count, 3);
	assert_string_equal(mount_at(at, 0)->dest, "/a");
	assert_string_equal(mount_at(at, 1)->dest, "/b");
	assert_string_equal(mount_at(at, 2)->dest, "/c");
	assert_string_equal(variable(at, "A"), "");
	assert_string_equal(at->plan.process.cwd, "/x");
	assert_string_equal(at->plan.process.argv[0], "true");
	assert_int_equal(at->plan.process.argc, 1);
}

static void an_empty_file_and_an_empty_word_end_quietly(void **state)
{
	struct reading *at = *state;

	made(at, with_fd("--args FD", MAKE_FILE("")));
	made(at, with_fd("--args FD", MAKE_FILE("\0--foo")));
	made(at, with_fd("--args FD", MAKE_FILE("--\0--foo")));
}

static void a_file_of_words_names_no_other(void **state)
{
	struct reading *at = *state;

	refused(at, with_fd("--args FD true", MAKE_FILE("--args\0009")),
		"--args not supported in arguments file");
	refused(at, with_fd("--args FD true", MAKE_FILE("--bind\0/")),
		"--bind takes two arguments");
	assert_int_equal(read_text(at, with_fd("--args FD true", INT_MAX)), -1);
	assert_string_equal(at->err.text, "Can't read --args data");
	assert_int_equal(at->err.errnum, EBADF);
}

static void what_waits_does_not_cross_the_end_of_a_file(void **state)
{
	struct reading *at = *state;

	made(at, with_fd("--args FD --dir /a", MAKE_FILE("--perms\0000700")));
	assert_int_equal(mount_at(at, 0)->mode, 0755);
	refused(at, with_fd("--perms 0700 --args FD true", MAKE_FILE("--dir\0/a")),
		"--perms must be followed by an option that creates a file");
	made(at, with_fd("--args FD", MAKE_FILE("--perms\0000700\0--dir\0/a")));
	assert_int_equal(mount_at(at, 0)->mode, 0700);
}

static void files_count_to_the_9000(void **state)
{
	struct reading *at = *state;
	char *text = malloc(9000 * 2);
	const size_t room = 9000 - 3; /* --args FD true */

	assert_non_null(text);
	for (size_t i = 0; i < 9000; i++)
		memcpy(text + 2 * i, "a", 2);
	assert_int_equal(
		read_text(at, with_fd("--args FD true", make_file(text, 2 * room))), 0);
	refused(at, with_fd("--args FD true", make_file(text, 2 * (room + 1))),
		"Exceeded maximum number of arguments 9000");
	free(text);
}

/* ---- namespaces and ids ---- */

static void namespaces_are_shared_unless_asked(void **state)
{
	struct reading *at = *state;
	const struct ns_choice *kinds = at->plan.namespaces.kinds;

	made(at, "");
	assert_int_equal(kinds[NS_MOUNT].mode, NS_PRIVATE);
	assert_int_equal(kinds[NS_USER].mode, geteuid() ? NS_PRIVATE : NS_SHARED);
	for (int kind = NS_PID; kind < NS_TIME; kind++)
		assert_int_equal(kinds[kind].mode, NS_SHARED);
	assert_false(at->plan.net.loopback);
	assert_true(at->plan.process.no_init);

	made(at, "--unshare-all");
	for (int kind = NS_PID; kind < NS_TIME; kind++)
		assert_int_equal(kinds[kind].mode, NS_PRIVATE);
	assert_true(at->plan.net.loopback);
	assert_true(at->plan.wrap.reaper);
	assert_false(at->plan.process.no_init);
}

static void each_namespace_has_its_option(void **state)
{
	static const struct {
		const char *words;
		enum ns_kind kind;
	} rows[] = {
		{ "--unshare-user", NS_USER },     { "--unshare-ipc", NS_IPC },
		{ "--unshare-pid", NS_PID },       { "--unshare-net", NS_NET },
		{ "--unshare-uts", NS_UTS },       { "--unshare-cgroup", NS_CGROUP },
		{ "--unshare-user-try", NS_USER }, { "--unshare-cgroup-try", NS_CGROUP },
	};
	struct reading *at = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		made(at, rows[i].words);
		assert_int_equal(at->plan.namespaces.kinds[rows[i].kind].mode,
				 NS_PRIVATE);
	}
}

static void the_net_is_shared_again_in_order(void **state)
{
	struct reading *at = *state;

	made(at, "--unshare-all --share-net");
	assert_int_equal(at->plan.namespaces.kinds[NS_NET].mode, NS_SHARED);
	assert_false(at->plan.net.loopback);
	made(at, "--share-net --unshare-net");
	assert_int_equal(at->plan.namespaces.kinds[NS_NET].mode, NS_PRIVATE);
}

static void namespaces_are_joined_by_descriptor(void **state)
{
	struct reading *at = *state;
	const struct ns_choice *kinds = at->plan.namespaces.kinds;

	made(at, "--userns 11 --userns2 12 --pidns 13");
	assert_int_equal(kinds[NS_USER].mode, NS_JOINED);
	assert_string_equal(kinds[NS_USER].path, "/proc/self/fd/11");
	assert_int_equal(at->plan.wrap.userns2_fd, 12);
	assert_int_equal(kinds[NS_PID].mode, NS_JOINED);
	assert_string_equal(kinds[NS_PID].path, "/proc/self/fd/13");
	assert_int_equal(at->plan.ids.uids.count, 0);
	assert_int_equal(at->plan.wrap.own_fd_count, 0);
	assert_false(at->plan.wrap.reaper);

	made(at, "--unshare-pid --pidns 13");
	assert_int_equal(kinds[NS_PID].mode, NS_PRIVATE);
	assert_string_equal(kinds[NS_PID].path, "/proc/self/fd/13");
}

static void one_id_is_mapped(void **state)
{
	struct reading *at = *state;
	const struct ids_spec *ids = &at->plan.ids;

	made(at, "--unshare-user --uid 4294967294 --gid 5");
	assert_int_equal(ids->uids.count, 1);
	assert_int_equal(ids->uids.ranges[0].inside, 4294967294);
	assert_int_equal(ids->uids.ranges[0].outside, geteuid());
	assert_int_equal(ids->uids.ranges[0].count, 1);
	assert_int_equal(ids->gids.ranges[0].inside, 5);
	assert_int_equal(ids->gids.ranges[0].outside, getegid());
	assert_true(ids->keep_groups);
	assert_false(ids_mapped_by_parent(ids));
	assert_int_equal(at->plan.process.uid, 4294967294);
	assert_int_equal(at->plan.process.gid, 5);

	made(at, "--unshare-user");
	assert_int_equal(ids->uids.ranges[0].inside, geteuid());
	assert_int_equal(at->plan.process.uid, geteuid());
}

static void user_namespaces_can_be_ended(void **state)
{
	struct reading *at = *state;

	made(at, "--unshare-user --disable-userns --assert-userns-disabled");
	assert_true(at->plan.wrap.disable_userns);
	assert_true(at->plan.wrap.assert_userns_disabled);
	made(at, "--unshare-uts --hostname here");
	assert_string_equal(at->plan.namespaces.hostname, "here");
}

/* ---- environment and lifetime ---- */

static void variables_change_in_the_order_of_the_words(void **state)
{
	struct reading *at = *state;
	const struct process_spec *process = &at->plan.process;

	setenv("SBX_TEST_KEPT", "outside", 1);
	made(at, "--setenv A 1 --setenv A 2 --setenv B 3 --unsetenv B");
	assert_string_equal(variable(at, "A"), "2");
	assert_null(variable(at, "B"));
	assert_string_equal(variable(at, "SBX_TEST_KEPT"), "outside");
	made(at, "--setenv A 1 --clearenv --setenv B 2");
	assert_int_equal(process->env_count, 1);
	assert_string_equal(process->env[0], "B=2");
	made(at, "--unsetenv SBX_TEST_KEPT --clearenv");
	assert_int_equal(process->env_count, 0);
	/* the NULL and the free places behind it */
	for (size_t i = 0; i < 5; i++)
		assert_null(process->env[i]);
	assert_string_equal(getenv("SBX_TEST_KEPT"), "outside");
}

static void the_start_directory_is_known(void **state)
{
	struct reading *at = *state;
	char cwd[PATH_MAX];

	made(at, "");
	assert_false(at->plan.wrap.cwd_given);
	assert_string_equal(at->plan.process.cwd, "/");
	assert_string_equal(at->plan.wrap.old_cwd, getcwd(cwd, sizeof(cwd)));
	made(at, "--chdir some/where");
	assert_true(at->plan.wrap.cwd_given);
	assert_string_equal(at->plan.process.cwd, "some/where");
}

static void flags_are_as_asked(void **state)
{
	struct reading *at = *state;

	made(at, "--argv0 name --new-session --die-with-parent --level-prefix "
		 "--not-a-security-boundary --debug-opt=force-openat-fallback "
		 "--debug-opt=force-mount-setattr-fallback");
	assert_string_equal(at->plan.wrap.argv0, "name");
	assert_true(at->plan.wrap.new_session);
	assert_true(at->plan.life.die_with_parent);
	assert_true(at->plan.rootfs.tolerates_submounts);
	made(at, "");
	assert_null(at->plan.wrap.argv0);
	assert_false(at->plan.wrap.new_session);
	assert_false(at->plan.life.die_with_parent);
	assert_false(at->plan.rootfs.tolerates_submounts);
	assert_int_equal(at->plan.life.ready_fd, -1);
	assert_int_equal(at->plan.life.status_fd, -1);
	assert_int_equal(at->plan.process.stop_signal, SIGTERM);
}

static void the_umask_is_the_callers(void **state)
{
	struct reading *at = *state;
	mode_t before = umask(027);

	made(at, "");
	assert_int_equal(at->plan.process.umask, 027);
	assert_int_equal(umask(before), 027);
}

static void a_reaper_is_there_where_it_is_needed(void **state)
{
	struct reading *at = *state;

	made(at, "--lock-file /a --lock-file /b");
	assert_true(at->plan.wrap.reaper);
	assert_int_equal(at->plan.wrap.lock_file_count, 2);
	assert_string_equal(at->plan.wrap.lock_files[1], "/b");
	made(at, "--sync-fd 9");
	assert_true(at->plan.wrap.reaper);
	assert_true(is_own(at, 9));
	made(at, "--unshare-pid --as-pid-1 --sync-fd 9");
	assert_false(at->plan.wrap.reaper);
	assert_true(at->plan.process.no_init);
	assert_false(is_own(at, 9));
	made(at, "--unshare-ipc");
	assert_false(at->plan.wrap.reaper);
}

static void descriptors_of_options_are_not_the_commands(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct reading *at = *state;
	const struct wrap_spec *wrap = &at->plan.wrap;

	made(at, "--unshare-user --info-fd 21 --json-status-fd 22 --block-fd 23 "
		 "--userns-block-fd 24 --seccomp 25 --file 26 /a --bind-fd 27 /b "
		 "--ro-bind-data 28 /c");
	assert_int_equal(wrap->info_fd, 21);
	assert_int_equal(wrap->json_status_fd, 22);
	assert_int_equal(wrap->block_fd, 23);
	assert_int_equal(wrap->userns_block_fd, 24);
	assert_int_equal(wrap->seccomp_fd, 25);
	for (int fd = 21; fd <= 28; fd++)
		assert_true(is_own(at, fd));
	made(at, "--info-fd 21 --info-fd 22");
	assert_int_equal(wrap->info_fd, 22);
	assert_true(is_own(at, 21));
	assert_int_equal(wrap->json_status_fd, -1);
	assert_int_equal(wrap->seccomp_fd, -1);
	assert_int_equal(wrap->userns2_fd, -1);
}

/* ---- files ---- */

static void binds_have_the_flags_of_their_names(void **state)
{
	static const struct {
		const char *name;
		unsigned int flags;
	} rows[] = {
		{ "--bind", MOUNT_F_NODEV },
		{ "--bind-try", MOUNT_F_NODEV | MOUNT_F_OPTIONAL },
		{ "--dev-bind", 0 },
		{ "--dev-bind-try", MOUNT_F_OPTIONAL },
		{ "--ro-bind", MOUNT_F_NODEV | MOUNT_F_RDONLY },
		{ "--ro-bind-try", MOUNT_F_NODEV | MOUNT_F_RDONLY | MOUNT_F_OPTIONAL },
	};
	struct reading *at = *state;
	char words[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(words, sizeof(words), "%s here/./x //there//../x/",
			 rows[i].name);
		made(at, words);
		assert_int_equal(mount_at(at, 0)->kind, MOUNT_BIND);
		assert_int_equal(mount_at(at, 0)->flags, MOUNT_F_NOSUID | rows[i].flags);
		assert_string_equal(mount_at(at, 0)->source, "here/./x");
		assert_string_equal(mount_at(at, 0)->dest, "/there/../x");
	}
	made(at, "--bind-fd 9 x --ro-bind-fd 10 ''");
	assert_int_equal(mount_at(at, 0)->flags,
			 MOUNT_F_NOSUID | MOUNT_F_NODEV | MOUNT_F_FD);
	assert_int_equal(mount_at(at, 0)->fd, 9);
	assert_null(mount_at(at, 0)->source);
	assert_int_equal(mount_at(at, 1)->flags,
			 MOUNT_F_NOSUID | MOUNT_F_NODEV | MOUNT_F_FD | MOUNT_F_RDONLY);
	assert_string_equal(mount_at(at, 1)->dest, "/");
}

static void overlays_take_the_layers_before_them(void **state)
{
	struct reading *at = *state;

	made(at, "--overlay-src /1 --overlay-src /2 --overlay /up /work /a "
		 "--overlay-src /3 --tmp-overlay /b "
		 "--overlay-src /4 --overlay-src /5 --ro-overlay /c");
	assert_int_equal(at->plan.rootfs.mount_count, 3);
	assert_int_equal(mount_at(at, 0)->kind, MOUNT_OVERLAY);
	assert_int_equal(mount_at(at, 0)->lower_count, 2);
	assert_string_equal(mount_at(at, 0)->lowers[0], "/1");
	assert_string_equal(mount_at(at, 0)->lowers[1], "/2");
	assert_string_equal(mount_at(at, 0)->upper, "/up");
	assert_string_equal(mount_at(at, 0)->work, "/work");
	assert_string_equal(mount_at(at, 0)->dest, "/a");
	assert_int_equal(mount_at(at, 1)->flags, MOUNT_F_THROWAWAY);
	assert_string_equal(mount_at(at, 1)->lowers[0], "/3");
	assert_null(mount_at(at, 1)->upper);
	assert_int_equal(mount_at(at, 2)->flags, 0);
	assert_int_equal(mount_at(at, 2)->lower_count, 2);
	assert_string_equal(mount_at(at, 2)->lowers[0], "/4");
}

static void modes_and_sizes_reach_the_next_option(void **state)
{
	struct reading *at = *state;

	made(at, "--perms 0 --size 0x1000 --tmpfs /a --tmpfs /b --perms 1700 --dir /c "
		 "--dir /d --size 010 --perms 7 --tmpfs /e");
	assert_int_equal(mount_at(at, 0)->kind, MOUNT_TMPFS);
	assert_int_equal(mount_at(at, 0)->mode, 0);
	assert_true(mount_at(at, 0)->flags & MOUNT_F_MODE);
	assert_int_equal(mount_at(at, 0)->size, 4096);
	assert_int_equal(mount_at(at, 1)->mode, 0755);
	assert_false(mount_at(at, 1)->flags & MOUNT_F_MODE);
	assert_int_equal(mount_at(at, 1)->size, 0);
	assert_int_equal(mount_at(at, 2)->kind, MOUNT_DIR);
	assert_int_equal(mount_at(at, 2)->mode, 01700);
	assert_int_equal(mount_at(at, 2)->flags, MOUNT_F_MODE);
	assert_int_equal(mount_at(at, 3)->mode, 0755);
	assert_int_equal(mount_at(at, 4)->size, 8);
	assert_int_equal(mount_at(at, 4)->mode, 07);
}

static void files_come_from_descriptors(void **state)
{
	struct reading *at = *state;

	made(at, "--file 5 /a --perms 0640 --file 6 /b --bind-data 7 /c "
		 "--perms 0444 --ro-bind-data 8 /d");
	assert_int_equal(mount_at(at, 0)->kind, MOUNT_FILE);
	assert_int_equal(mount_at(at, 0)->flags, MOUNT_F_FD);
	assert_int_equal(mount_at(at, 0)->fd, 5);
	assert_int_equal(mount_at(at, 0)->mode, 0666);
	assert_int_equal(mount_at(at, 1)->flags, MOUNT_F_FD | MOUNT_F_MODE);
	assert_int_equal(mount_at(at, 1)->mode, 0640);
	assert_int_equal(mount_at(at, 2)->kind, MOUNT_DATA);
	assert_int_equal(mount_at(at, 2)->flags, MOUNT_F_FD);
	assert_int_equal(mount_at(at, 2)->mode, 0600);
	assert_int_equal(mount_at(at, 3)->flags,
			 MOUNT_F_FD | MOUNT_F_MODE | MOUNT_F_RDONLY);
	assert_int_equal(mount_at(at, 3)->fd, 8);
}

static void the_other_operations_keep_their_order(void **state)
{
	static const enum mount_kind kinds[] = { MOUNT_DEV,        MOUNT_MQUEUE,
						 MOUNT_SYMLINK,    MOUNT_CHMOD,
						 MOUNT_REMOUNT_RO, MOUNT_DIR };
	struct reading *at = *state;

	made(at, "--dev /dev --mqueue /dev/mqueue --symlink ../x/ /l "
		 "--chmod 0 /l --remount-ro / --dir /dev/");
	/* no terminal is on the standard output of a test */
	if (isatty(STDOUT_FILENO))
		skip();
	assert_int_equal(at->plan.rootfs.mount_count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(mount_at(at, i)->kind, kinds[i]);
	assert_int_equal(mount_at(at, 0)->mode, 0755);
	assert_string_equal(mount_at(at, 2)->source, "../x/");
	assert_int_equal(mount_at(at, 3)->flags, MOUNT_F_MODE);
	assert_int_equal(mount_at(at, 3)->mode, 0);
	assert_string_equal(mount_at(at, 5)->dest, "/dev");
}

static void proc_is_the_outer_one_of_a_shared_pid_namespace(void **state)
{
	struct reading *at = *state;

	made(at, "--proc /proc");
	assert_int_equal(mount_at(at, 0)->kind, MOUNT_PROC);
	assert_string_equal(mount_at(at, 0)->source, "host");
	made(at, "--proc /proc --unshare-pid");
	assert_null(mount_at(at, 0)->source);
	assert_int_equal(at->plan.rootfs.mount_count, geteuid() ? 1 : 5);
	if (geteuid() != 0)
		return;
	assert_int_equal(mount_at(at, 4)->kind, MOUNT_READONLY);
	assert_string_equal(mount_at(at, 4)->dest, "/proc/bus");
	made(at, "--proc /");
	assert_string_equal(mount_at(at, 1)->dest, "/sys");
}

/* ---- the root ---- */

static void a_first_bind_of_the_root_is_the_root(void **state)
{
	static const struct {
		const char *words;
		enum root_kind kind;
		enum root_mode mode;
		size_t left;
	} rows[] = {
		{ "", ROOT_EMPTY, ROOT_RW, 0 },
		{ "--dir /a --bind / /", ROOT_EMPTY, ROOT_RW, 2 },
		{ "--bind /usr /", ROOT_EMPTY, ROOT_RW, 1 },
		{ "--bind . /", ROOT_EMPTY, ROOT_RW, 1 },
		{ "--bind-fd 9 /", ROOT_EMPTY, ROOT_RW, 1 },
		{ "--bind / /a", ROOT_EMPTY, ROOT_RW, 1 },
		{ "--bind / /", ROOT_DIRECTORY, ROOT_RW, 0 },
		{ "--ro-bind-try //. ''", ROOT_DIRECTORY, ROOT_RO, 0 },
		{ "--ro-bind / / --dev /dev", ROOT_HOST, ROOT_RO, 1 },
		{ "--bind / / --dir /a --remount-ro / --dev /dev/", ROOT_HOST, ROOT_RW,
		  3 },
		{ "--bind / / --dev /dev --dir /dev/a --bind / /host", ROOT_HOST, ROOT_RW,
		  3 },
		{ "--bind / / --dir /dev/a --dev /dev", ROOT_DIRECTORY, ROOT_RW, 2 },
		{ "--bind / / --dir /x/../dev --dev /dev", ROOT_DIRECTORY, ROOT_RW, 2 },
		{ "--bind / / --tmpfs /dev --dev /dev", ROOT_DIRECTORY, ROOT_RW, 2 },
		{ "--bind / / --dev /dev --tmpfs /", ROOT_DIRECTORY, ROOT_RW, 2 },
		{ "--bind / / --dev /dev --overlay-src /a --tmp-overlay /b",
		  ROOT_DIRECTORY, ROOT_RW, 2 },
		{ "--bind / / --dev /device", ROOT_DIRECTORY, ROOT_RW, 1 },
	};
	struct reading *at = *state;

	if (isatty(STDOUT_FILENO))
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rootfs_spec *rootfs = &at->plan.rootfs;

		made(at, rows[i].words);
		if (rootfs->kind != rows[i].kind || rootfs->mode != rows[i].mode)
			fail_msg("%s: kind %d, mode %d", rows[i].words, rootfs->kind,
				 rootfs->mode);
		assert_int_equal(rootfs->mount_count, rows[i].left);
		assert_true(rootfs->makes_everywhere);
		assert_false(rootfs->devices);
		if (rootfs->kind == ROOT_DIRECTORY)
			assert_string_equal(rootfs->path, "/");
	}
	made(at, "--dev-bind / / --tmpfs /tmp");
	assert_true(at->plan.rootfs.devices);
}

/* ---- lockdown ---- */

static void capabilities_are_kept_in_order(void **state)
{
	struct reading *at = *state;
	const struct caps_spec *caps = &at->plan.policy.caps;
	const uint64_t raw = caps_by_name("NET_RAW"), chown = caps_by_name("CHOWN");

	made(at, "--unshare-user --cap-drop ALL --cap-add cap_net_raw "
		 "--cap-add CAP_chown --cap-drop cap_chown --cap-add 13");
	assert_int_equal(caps->kept, raw);
	assert_int_equal(caps->ambient, raw);
	assert_false(at->plan.wrap.keep_caps);
	made(at, "--cap-add all --cap-drop cap_chown");
	assert_int_equal(caps->kept, caps_all() & ~chown);
	made(at, "");
	assert_int_equal(caps->kept, geteuid() ? 0 : caps_effective());
	assert_int_equal(at->plan.wrap.keep_caps, geteuid() == 0);
	made(at, "--unshare-user");
	assert_false(at->plan.wrap.keep_caps);
}

static void filters_are_read_in_order(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct reading *at = *state;
	int first = MAKE_FILE("12345678"), second = MAKE_FILE("abcdefghABCDEFGH");
	char words[128];

	snprintf(words, sizeof(words), "--add-seccomp-fd %d --add-seccomp-fd %d", first,
		 second);
	made(at, words);
	assert_int_equal(at->plan.wrap.filter_count, 2);
	assert_int_equal(at->plan.wrap.filters[0].count, 1);
	assert_int_equal(at->plan.wrap.filters[1].count, 2);
	assert_memory_equal(at->plan.wrap.filters[1].instructions, "abcdefgh", 8);
	assert_int_equal(at->plan.wrap.warning_count, 0);
	assert_int_equal(fcntl(first, F_GETFD), -1);
}

static void bad_filters_are_refused(void **state)
{
	if (!policy_is_built_in())
		skip();
	struct reading *at = *state;

	refused(at, with_fd("--add-seccomp-fd FD true", MAKE_FILE("1234567")),
		"Invalid seccomp data, must be multiple of 8");
	refused(at, with_fd("--add-seccomp-fd FD true", MAKE_FILE("")),
		"Unable to set up system call filtering as requested: "
		"prctl(PR_SET_SECCOMP) reported EINVAL. (Hint: this requires a kernel "
		"configured with CONFIG_SECCOMP and CONFIG_SECCOMP_FILTER.)");
	refused(at, with_fd("--add-seccomp-fd FD true", INT_MAX),
		"Can't read seccomp data");
	assert_int_equal(at->err.errnum, EBADF);
	refused(at, with_fd("--add-seccomp-fd FD --seccomp 9", MAKE_FILE("12345678")),
		"--seccomp cannot be combined with --add-seccomp-fd");
	refused(at, "--seccomp 9 --add-seccomp-fd 10",
		"--add-seccomp-fd cannot be combined with --seccomp");
}

/* ---- the configuration on top ---- */

#define OPTIONS "SBX_BWRAP_OPTIONS"

/* The variable stays: a plan borrows the environment, and unsetenv(3) may free it. */
static void configured(struct reading *at, const char *options, const char *words)
{
	setenv(OPTIONS, options, 1);
	made(at, words);
}

static void options_on_top_add_to_the_plan(void **state)
{
	struct reading *at = *state;
	const struct limits_spec *limits = &at->plan.policy.limits;
	const uint64_t raw = caps_by_name("NET_RAW");

	configured(at,
		   " --rlimit nofile=16:32 --mask=/srv --ro /usr:/opt/a -e A=top "
		   "--tmpfs /opt/b:size=4k --cap-drop NET_RAW --hostname h ",
		   "--dir /a --setenv A low --setenv B low --unshare-user "
		   "--unshare-uts --cap-add ALL");
	assert_int_equal(limits->rlimit_count, 1);
	assert_int_equal(limits->rlimits[0].soft, 16);
	assert_int_equal(limits->rlimits[0].hard, 32);
	assert_int_equal(at->plan.rootfs.mount_count, 4);
	assert_string_equal(mount_at(at, 0)->dest, "/a");
	assert_int_equal(mount_at(at, 1)->kind, MOUNT_MASK);
	assert_true(mount_at(at, 1)->flags & MOUNT_F_OPTIONAL);
	assert_string_equal(mount_at(at, 2)->source, "/usr");
	assert_true(mount_at(at, 2)->flags & MOUNT_F_RDONLY);
	assert_int_equal(mount_at(at, 3)->size, 4096);
	assert_string_equal(variable(at, "A"), "top");
	assert_string_equal(variable(at, "B"), "low");
	assert_int_equal(at->plan.policy.caps.kept, caps_all() & ~raw);
	assert_int_equal(at->plan.policy.caps.ambient, caps_all() & ~raw);
	assert_string_equal(at->plan.namespaces.hostname, "h");
	for (size_t i = 0; i < 5; i++)
		assert_null(at->plan.process.env[at->plan.process.env_count + i]);
}

static void lines_on_top_are_those_of_a_profile(void **state)
{
	struct reading *at = *state;

	configured(at, "# a comment\nenv A=two words\n\nrlimit core=0", "");
	assert_string_equal(variable(at, "A"), "two words");
	assert_int_equal(at->plan.policy.limits.rlimit_count, 1);
	configured(at, "", "--dir /a");
	assert_int_equal(at->plan.rootfs.mount_count, 1);
	assert_int_equal(at->plan.policy.limits.rlimit_count, 0);
}

static void what_the_caller_says_is_not_contradicted(void **state)
{
	static const struct {
		const char *options, *words, *text;
	} rows[] = {
		{ "--cap-add ALL", "true",
		  OPTIONS ": cap-add: that is for the caller of bubblewrap to say" },
		{ "share net", "true",
		  OPTIONS ":1: share: that is for the caller of bubblewrap to say" },
		{ "# x\nmap auto", "true",
		  OPTIONS ":2: map: that is for the caller of bubblewrap to say" },
		{ "tmpfs //:size=4k", "true",
		  OPTIONS ":1: tmpfs: that is for the caller of bubblewrap to say" },
		{ "ro /usr:/.", "true",
		  OPTIONS ":1: ro: that is for the caller of bubblewrap to say" },
		{ "hostname h", "true",
		  OPTIONS ":1: hostname: it needs --unshare-uts of the caller" },
		{ "hostname h", "--unshare-uts --hostname i true",
		  OPTIONS ":1: hostname: the caller says --hostname" },
		{ "unheard", "true", OPTIONS ":1: unheard: no such option" },
		{ "--unheard", "true", OPTIONS ": --unheard: no such option" },
		{ "--rlimit core=0 x", "true", OPTIONS ": x is no option" },
		{ "rlimit core", "true",
		  OPTIONS ":1: rlimit: 'core' is not NAME=SOFT[:HARD]" },
		{ "--rlimit core=x", "true",
		  OPTIONS ": rlimit: 'core=x' is not NAME=SOFT[:HARD] with numbers or "
			  "'unlimited'" },
		{ "profile /no/such/file", "true",
		  OPTIONS ":1: read /no/such/file: /no does not exist" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv(OPTIONS, rows[i].options, 1);
		refused(*state, rows[i].words, rows[i].text);
	}
	unsetenv(OPTIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_other_word_is_the_command),
		cmocka_unit_test(each_misuse_has_its_text),
		cmocka_unit_test(each_contradiction_has_its_text),
		cmocka_unit_test(a_size_has_the_limit_of_memory),
		cmocka_unit_test(at_most_9000_words_are_read),
		cmocka_unit_test(without_a_command_there_is_a_usage),
		cmocka_unit_test(help_and_version_end_the_words),
		cmocka_unit_test(what_is_given_twice_is_warned_of),
		cmocka_unit_test(an_error_knows_of_the_level_prefix),
		cmocka_unit_test(words_of_a_file_stand_where_it_is_named),
		cmocka_unit_test(an_empty_file_and_an_empty_word_end_quietly),
		cmocka_unit_test(a_file_of_words_names_no_other),
		cmocka_unit_test(what_waits_does_not_cross_the_end_of_a_file),
		cmocka_unit_test(files_count_to_the_9000),
		cmocka_unit_test(namespaces_are_shared_unless_asked),
		cmocka_unit_test(each_namespace_has_its_option),
		cmocka_unit_test(the_net_is_shared_again_in_order),
		cmocka_unit_test(namespaces_are_joined_by_descriptor),
		cmocka_unit_test(one_id_is_mapped),
		cmocka_unit_test(user_namespaces_can_be_ended),
		cmocka_unit_test(variables_change_in_the_order_of_the_words),
		cmocka_unit_test(the_start_directory_is_known),
		cmocka_unit_test(flags_are_as_asked),
		cmocka_unit_test(the_umask_is_the_callers),
		cmocka_unit_test(a_reaper_is_there_where_it_is_needed),
		cmocka_unit_test(descriptors_of_options_are_not_the_commands),
		cmocka_unit_test(binds_have_the_flags_of_their_names),
		cmocka_unit_test(overlays_take_the_layers_before_them),
		cmocka_unit_test(modes_and_sizes_reach_the_next_option),
		cmocka_unit_test(files_come_from_descriptors),
		cmocka_unit_test(the_other_operations_keep_their_order),
		cmocka_unit_test(proc_is_the_outer_one_of_a_shared_pid_namespace),
		cmocka_unit_test(a_first_bind_of_the_root_is_the_root),
		cmocka_unit_test(capabilities_are_kept_in_order),
		cmocka_unit_test(filters_are_read_in_order),
		cmocka_unit_test(bad_filters_are_refused),
		cmocka_unit_test(options_on_top_add_to_the_plan),
		cmocka_unit_test(lines_on_top_are_those_of_a_profile),
		cmocka_unit_test(what_the_caller_says_is_not_contradicted),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
