/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts.h"
#include "base/accounts_ask.h"
#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/emulated.h"
#include "tests/unit/temporary.h"

#include <errno.h>
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
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;

/* ---- one line ----------------------------------------------------------------------- */

static int parse_passwd(const char *line, const char *name, struct account *ret_account)
{
	return accounts_parse_passwd(line, strlen(line), name, NULL, ret_account);
}

static void an_account_is_read(void **state)
{
	struct account account;
	const uint32_t uid = 1000, other = 1001;
	static const char line[] = "ann:x:1000:100:Ann,,,:/home/ann:/bin/sh";

	(void)state;
	assert_int_equal(parse_passwd(line, "ann", &account), 0);
	assert_int_equal(account.uid, 1000);
	assert_int_equal(account.gid, 100);
	assert_string_equal(account.name, "ann");
	assert_string_equal(account.home, "/home/ann");
	assert_string_equal(account.shell, "/bin/sh");
	assert_int_equal(accounts_parse_passwd(line, strlen(line), NULL, &uid, &account),
			 0);
	assert_int_equal(
		accounts_parse_passwd(line, strlen(line), NULL, &other, &account), 1);
	assert_int_equal(accounts_parse_passwd(line, strlen(line), "bob", &uid, &account),
			 1);
	assert_int_equal(parse_passwd(line, "an", &account), 1);
	assert_int_equal(parse_passwd(line, "annn", &account), 1);
	assert_int_equal(parse_passwd(line, NULL, &account), 0);
}

static void what_stands_at_the_end_may_be_left_out(void **state)
{
	struct account account;

	(void)state;
	assert_int_equal(parse_passwd("a:x:1:2", "a", &account), 0);
	assert_string_equal(account.home, "");
	assert_string_equal(account.shell, "");
	assert_int_equal(parse_passwd("a:x:1:2::/h", "a", &account), 0);
	assert_string_equal(account.home, "/h");
	assert_int_equal(parse_passwd("a:x:4294967294:0:::", "a", &account), 0);
	assert_true(account.uid == 4294967294);
}

static void lines_that_are_no_entries_match_nothing(void **state)
{
	static const char *const lines[] = { "",   "# a:x:1:2",  "+", "+@group::::::",
					     "-a", " a:x:1:2:::" };
	struct account account;
	struct subid_range range;
	uint32_t gid;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *line = lines[i];

		assert_int_equal(parse_passwd(line, NULL, &account), 1);
		assert_int_equal(
			accounts_parse_group(line, strlen(line), NULL, NULL, &gid), 1);
		assert_int_equal(accounts_parse_subid(line, strlen(line), "a", 1, &range),
				 1);
	}
}

static void malformed_accounts_leave_the_result(void **state)
{
	static const char *const lines[] = {
		"a",
		"a:x",
		"a:x:1",
		":x:1:2:::",
		"a:x::2:::",
		"a:x:1::::",
		"a:x:-1:2:::",
		"a:x:1 :2:::",
		"a:x:0x1:2:::",
		"a:x:4294967295:2:::",
		"a:x:1:4294967295:::",
		"a:x:4294967296:2:::",
		"a:x:99999999999999999999999999:2:::",
	};
	struct account account, before;

	(void)state;
	memset(&account, 'x', sizeof(account));
	before = account;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(parse_passwd(lines[i], NULL, &account), -1);
	assert_int_equal(accounts_parse_passwd("a:x:1:2:\0::", 11, NULL, NULL, &account),
			 -1);
	assert_memory_equal(&account, &before, sizeof(account));
}

static void fields_that_are_too_long_are_malformed(void **state)
{
	char line[6000];
	struct account account;

	(void)state;
	snprintf(line, sizeof(line), "%0255d:x:1:2:::", 0);
	assert_int_equal(parse_passwd(line, NULL, &account), 0);
	snprintf(line, sizeof(line), "%0256d:x:1:2:::", 0);
	assert_int_equal(parse_passwd(line, NULL, &account), -1);
	snprintf(line, sizeof(line), "a:x:1:2::%04095d:", 0);
	assert_int_equal(parse_passwd(line, NULL, &account), 0);
	snprintf(line, sizeof(line), "a:x:1:2::%04096d:", 0);
	assert_int_equal(parse_passwd(line, NULL, &account), -1);
	snprintf(line, sizeof(line), "a:x:1:2:::%04096d", 0);
	assert_int_equal(parse_passwd(line, NULL, &account), -1);
}

static int parse_group(const char *line, const char *name, const char *member)
{
	uint32_t gid = 4242;
	int parsed = accounts_parse_group(line, strlen(line), name, member, &gid);

	assert_true(parsed == 0 || gid == 4242);
	return parsed == 0 ? (int)gid : -parsed;
}

static void groups_are_found_by_name_or_member(void **state)
{
	(void)state;
	assert_int_equal(parse_group("audio:x:29:ann,bob", "audio", NULL), 29);
	assert_int_equal(parse_group("audio:x:29:ann,bob", "audi", NULL), -1);
	assert_int_equal(parse_group("audio:x:29:ann,bob", NULL, "bob"), 29);
	assert_int_equal(parse_group("audio:x:29:ann,bob", NULL, "an"), -1);
	assert_int_equal(parse_group("audio:x:29:ann,bob", NULL, "ann,bob"), -1);
	assert_int_equal(parse_group("audio:x:29:", NULL, "ann"), -1);
	assert_int_equal(parse_group("audio:x:29", "audio", NULL), 29);
	assert_int_equal(parse_group("audio:x:", "audio", NULL), 1);
	assert_int_equal(parse_group("audio:x:4294967295:", "audio", NULL), 1);
	assert_int_equal(parse_group(":x:1:", NULL, NULL), 1);
	assert_int_equal(parse_group("audio", "audio", NULL), 1);
}

static int parse_subid(const char *line, struct subid_range *ret_range)
{
	return accounts_parse_subid(line, strlen(line), "ann", 1000, ret_range);
}

static void ranges_belong_to_a_name_or_a_number(void **state)
{
	struct subid_range range;

	(void)state;
	assert_int_equal(parse_subid("ann:100000:65536", &range), 0);
	assert_int_equal(range.start, 100000);
	assert_int_equal(range.count, 65536);
	assert_int_equal(parse_subid("1000:200000:1", &range), 0);
	assert_int_equal(range.start, 200000);
	assert_int_equal(parse_subid("bob:100000:65536", &range), 1);
	assert_int_equal(parse_subid("1001:100000:65536", &range), 1);
	assert_int_equal(parse_subid("10000:100000:65536", &range), 1);
	assert_int_equal(accounts_parse_subid("1000:1:2", 8, NULL, 1000, &range), 0);
	assert_int_equal(accounts_parse_subid("ann:1:2", 7, NULL, 1000, &range), 1);
}

static void ranges_may_lie_above_31_bits(void **state)
{
	struct subid_range range;

	(void)state;
	assert_int_equal(parse_subid("ann:2147483648:65536", &range), 0);
	assert_true(range.start == 2147483648);
	assert_int_equal(parse_subid("ann:4294901759:65536", &range), 0);
	assert_true(range.start == 4294901759);
	assert_int_equal(parse_subid("ann:0:4294967295", &range), 0);
	assert_true(range.count == 4294967295);
}

static void ranges_that_overflow_or_are_empty_are_left_out(void **state)
{
	static const char *const bad[] = {
		"ann:4294901760:65536",
		"ann:1:4294967295",
		"ann:4294967295:1",
		"ann:4294967296:1",
		"ann:-1:1",
		"ann:1:-1",
		"ann:1",
		"ann",
		"ann:1:",
		"ann::1",
		"ann:1:2:3",
		"ann:1: 2",
		":1:2",
		"ann:99999999999999999999999999:1",
		"ann:1:18446744073709551615",
	};
	struct subid_range range = { 42, 43 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_subid(bad[i], &range), -1);
	assert_int_equal(parse_subid("ann:100000:0", &range), 1);
	assert_int_equal(range.start, 42);
	assert_int_equal(range.count, 43);
}

static bool parse_nsswitch(const char *line)
{
	return accounts_parse_nsswitch(line, strlen(line));
}

static void another_source_of_ranges_is_seen(void **state)
{
	(void)state;
	assert_true(parse_nsswitch("subid: sss"));
	assert_true(parse_nsswitch("  subid\t:\tsss # comment"));
	assert_true(parse_nsswitch("subid:sss"));
	assert_false(parse_nsswitch("subid: files"));
	assert_false(parse_nsswitch("subid: files # sss"));
	assert_false(parse_nsswitch("subid:"));
	assert_false(parse_nsswitch("# subid: sss"));
	assert_false(parse_nsswitch("subids: sss"));
	assert_false(parse_nsswitch("passwd: sss"));
	assert_false(parse_nsswitch(""));
}

/* ---- a root of its own -------------------------------------------------------------- */

static int make_root(void **state)
{
	const struct temporary *temporary;

	if (temporary_make(state) < 0)
		return -1;
	temporary = *state;
	return mkdirat(temporary->fd, "etc", 0700);
}

static void set_file(void **state, const char *name, const char *text)
{
	temporary_file(*state, name, text, strlen(text));
}

static void the_accounts_of_a_root_are_its_own(void **state)
{
	const struct temporary *root = *state;
	struct account account;
	uint32_t gid;

	set_file(
		state, "etc/passwd",
		"root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1234:55::/home/ann:/bin/ash");
	set_file(state, "etc/group", "root:x:0:\nstaff:x:50:ann\n");
	assert_int_equal(account_by_name(root->fd, "ann", &account, &err), 0);
	assert_int_equal(account.uid, 1234);
	assert_int_equal(account_by_uid(root->fd, 1234, &account, &err), 0);
	assert_string_equal(account.name, "ann");
	assert_int_equal(account_by_name(root->fd, "nobody-here", &account, &err), 1);
	assert_int_equal(account_by_uid(root->fd, 4321, &account, &err), 1);
	assert_int_equal(group_by_name(root->fd, "staff", &gid, &err), 0);
	assert_int_equal(gid, 50);
	assert_int_equal(group_by_name(root->fd, "stuff", &gid, &err), 1);
}

static void numbers_and_odd_names_are_never_looked_up(void **state)
{
	const struct temporary *root = *state;
	struct account account;
	uint32_t gid;

	set_file(state, "etc/passwd", "1000:x:0:0::/:\n-s:x:0:0::/:\n");
	set_file(state, "etc/group", "1000:x:0:\n");
	assert_int_equal(account_by_name(root->fd, "1000", &account, &err), 1);
	assert_int_equal(account_by_name(root->fd, "", &account, &err), 1);
	assert_int_equal(account_by_name(root->fd, "-s", &account, &err), 1);
	assert_int_equal(account_by_name(-1, "--help", &account, &err), 1);
	assert_int_equal(group_by_name(root->fd, "1000", &gid, &err), 1);
}

static void a_root_without_the_file_knows_nobody(void **state)
{
	const struct temporary *root = *state;
	struct account account;
	uint32_t gids[4];

	unlinkat(root->fd, "etc/passwd", 0);
	unlinkat(root->fd, "etc/group", 0);
	assert_int_equal(account_by_name(root->fd, "root", &account, &err), 1);
	assert_int_equal(groups_of_user(root->fd, "root", gids, 4, &err), 0);
}

static void a_link_of_a_root_leads_to_no_file_of_the_host(void **state)
{
	const struct temporary *root = *state;
	struct account account;

	unlinkat(root->fd, "etc/passwd", 0);
	assert_int_equal(symlinkat("/etc/../../../../etc/group", root->fd, "etc/passwd"),
			 0);
	set_file(state, "etc/group", "inside:x:7:8:::\n");
	assert_int_equal(account_by_name(root->fd, "inside", &account, &err), 0);
	assert_int_equal(account_by_uid(root->fd, 0, &account, &err), 1);
	unlinkat(root->fd, "etc/passwd", 0);
}

static void what_is_no_file_is_an_error_and_nobody_waits(void **state)
{
	const struct temporary *root = *state;
	struct account account;

	unlinkat(root->fd, "etc/passwd", 0);
	assert_int_equal(mkfifoat(root->fd, "etc/passwd", 0600), 0);
	assert_int_equal(account_by_name(root->fd, "ann", &account, &err), -1);
	assert_string_equal(err.text, "read /etc/passwd of the root: not a regular file");
	unlinkat(root->fd, "etc/passwd", 0);
}

static void endless_lines_are_passed_over(void **state)
{
	const struct temporary *root = *state;
	size_t size = 300000;
	char *text = malloc(size + 200);
	struct account account;

	assert_non_null(text);
	strcpy(text, "a:x:1:1:::\n");
	memset(text + 11, 'x', size);
	strcpy(text + 11 + size, ":x:2:2:::\nann:x:3:3::/home/ann:\n");
	set_file(state, "etc/passwd", text);
	assert_int_equal(account_by_uid(root->fd, 1, &account, &err), 0);
	assert_int_equal(account_by_uid(root->fd, 2, &account, &err), 1);
	assert_int_equal(account_by_name(root->fd, "ann", &account, &err), 0);
	text[11 + size] = '\0';
	set_file(state, "etc/passwd", text);
	assert_int_equal(account_by_uid(root->fd, 3, &account, &err), 1);
	free(text);
}

/* Every place where a line may meet the end of what was read. */
static void lines_of_any_length_are_read(void **state)
{
	const struct temporary *root = *state;
	char *text = calloc(1, 200000);
	struct account account;

	assert_non_null(text);
	for (int length = 65520; length < 65560; length++) {
		snprintf(text, 200000,
			 "a:x:1:1:%0*d:/a:\nann:x:7:7::/home/ann:", length - 12, 0);
		set_file(state, "etc/passwd", text);
		assert_int_equal(account_by_name(root->fd, "ann", &account, &err), 0);
		assert_string_equal(account.home, "/home/ann");
		assert_int_equal(account_by_uid(root->fd, 1, &account, &err),
				 length < 65536 ? 0 : 1);
	}
	free(text);
}

static void a_huge_file_is_an_error(void **state)
{
	const struct temporary *root = *state;
	struct account account;

	set_file(state, "etc/passwd", "");
	{
		auto_close int fd = openat(root->fd, "etc/passwd", O_WRONLY | O_CLOEXEC);

		assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	}
	assert_int_equal(account_by_name(root->fd, "ann", &account, &err), -1);
	assert_int_equal(err.errnum, EFBIG);
	set_file(state, "etc/passwd", "");
}

static void groups_of_a_user_are_listed_in_order_up_to_a_bound(void **state)
{
	const struct temporary *root = *state;
	uint32_t gids[3] = { 0, 0, 42 };

	set_file(state, "etc/group",
		 "a:x:30:ann\nb:x:20:bob\nbroken\nc:x:10:bob,ann\nd:x:40:ann\n");
	assert_int_equal(groups_of_user(root->fd, "ann", gids, 2, &err), 2);
	assert_int_equal(gids[0], 30);
	assert_int_equal(gids[1], 10);
	assert_int_equal(gids[2], 42);
	assert_int_equal(groups_of_user(root->fd, "ann", gids, 3, &err), 3);
	assert_int_equal(gids[2], 40);
	assert_int_equal(groups_of_user(root->fd, "eve", gids, 3, &err), 0);
	assert_int_equal(groups_of_user(root->fd, "ann", gids, 0, &err), 0);
}

/* ---- programs that are asked -------------------------------------------------------- */

static void the_answer_of_a_program_is_read(void **state)
{
	const char *const words[] = { "/bin/sh", "-c",
				      "echo a; env; cat; echo lost >&2; exit 2", NULL };
	char answer[ANSWER_SIZE];

	(void)state;
	assert_int_equal(setenv("SECRET", "x", 1), 0);
	assert_int_equal(accounts_ask(words, answer, &err), 0);
	assert_int_equal(strncmp(answer, "a\n", 2), 0);
	assert_null(strstr(answer, "SECRET"));
	assert_null(strstr(answer, "lost"));
}

static void a_program_that_is_missing_has_no_answer(void **state)
{
	const char *const words[] = { "/nowhere/getent", NULL };
	const char *const no_program[] = { "/etc/hostname/x", NULL };
	char answer[ANSWER_SIZE] = "as it was";

	(void)state;
	if (is_emulated())
		skip();
	assert_int_equal(accounts_ask(words, answer, &err), 0);
	assert_string_equal(answer, "");
	assert_int_equal(accounts_ask(no_program, answer, &err), -1);
	assert_string_equal(err.text, "ask /etc/hostname/x");
}

static void a_long_answer_is_cut(void **state)
{
	const char *const words[] = { "/bin/sh", "-c", "yes | head -c 1000000", NULL };
	char answer[ANSWER_SIZE];

	(void)state;
	assert_int_equal(accounts_ask(words, answer, &err), 0);
	assert_int_equal(strlen(answer), ANSWER_SIZE - 1);
}

static void a_slow_program_is_killed(void **state)
{
	const char *const words[] = { "/bin/sleep", "60", NULL };
	char answer[ANSWER_SIZE];
	time_t start = time(NULL);

	(void)state;
	assert_int_equal(accounts_ask(words, answer, &err), -1);
	assert_int_equal(err.errnum, ETIME);
	assert_true(time(NULL) - start < 10);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void an_endless_answer_is_ended(void **state)
{
	const char *const words[] = { "/usr/bin/yes", NULL };
	char answer[ANSWER_SIZE];

	(void)state;
	assert_int_equal(accounts_ask(words, answer, &err), -1);
	assert_int_equal(err.errnum, ETIME);
}

static void ignored_children_do_not_matter(void **state)
{
	const char *const words[] = { "/bin/echo", "here", NULL };
	char answer[ANSWER_SIZE];

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(accounts_ask(words, answer, &err), 0);
	signal(SIGCHLD, SIG_DFL);
	assert_string_equal(answer, "here\n");
}

/* ---- the host ----------------------------------------------------------------------- */

static void the_host_knows_root(void **state)
{
	struct account account;
	uint32_t gid;

	(void)state;
	assert_int_equal(account_by_uid(-1, 0, &account, &err), 0);
	assert_string_equal(account.name, "root");
	assert_int_equal(account_by_name(-1, "root", &account, &err), 0);
	assert_int_equal(group_by_name(-1, "root", &gid, &err), 0);
	assert_int_equal(gid, 0);
	assert_int_equal(account_by_name(-1, "no-such-account", &account, &err), 1);
	assert_int_equal(account_by_uid(-1, 4294967290, &account, &err), 1);
	assert_int_equal(group_by_name(-1, "no-such-group", &gid, &err), 1);
}

enum { NO_NAMESPACE = 77 };

/* Runs check in a mount namespace where files of the host can be replaced. */
static void in_namespace(void **state, int (*check)(const char *directory))
{
	const struct temporary *temporary = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			_exit(NO_NAMESPACE);
		_exit(check(temporary->path));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int cover(const char *directory, const char *name, const char *place)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return mount(path, place, NULL, MS_BIND, NULL);
}

static int check_ranges(const char *directory)
{
	struct subid_range ranges[3];

	if (cover(directory, "subuid", "/etc/subuid") < 0 ||
	    cover(directory, "nsswitch", "/etc/nsswitch.conf") < 0)
		return NO_NAMESPACE;
	if (subids_of_user(SUBID_UID, 1000, "ann", ranges, 3, &err) != 4)
		return 1;
	if (ranges[0].start != 100000 || ranges[0].count != 10)
		return 2;
	if (ranges[1].start != 3000000000 || ranges[1].count != 65536)
		return 3;
	if (ranges[2].start != 200000 || ranges[2].count != 5)
		return 4;
	if (subids_of_user(SUBID_UID, 1000, NULL, ranges, 3, &err) != 1 ||
	    ranges[0].start != 3000000000)
		return 5;
	return subids_of_user(SUBID_UID, 1001, "eve", ranges, 3, &err);
}

static void all_good_ranges_of_a_user_are_found_in_order(void **state)
{
	set_file(state, "subuid",
		 "ann:100000:10\nbob:1:1\n1000:3000000000:65536\nann:5:0\nann:100009:7\n"
		 "ann:4294967295:9\nann:200000:5\n\nann:300000:5\nann:100000:10\n");
	set_file(state, "nsswitch", "passwd: files sss\nsubid: files\n");
	in_namespace(state, check_ranges);
}

static int check_mapped(const char *directory)
{
	struct subid_range ranges[] = {
		{ 100000, 65536 }, { 1, 10 },    { 65530, 10 },
		{ 65536, 1 },      { 65530, 6 }, { 3000000000, 2 }
	};

	if (cover(directory, "uid_map", "/proc/self/uid_map") < 0 ||
	    cover(directory, "gid_map", "/proc/self/gid_map") < 0)
		return NO_NAMESPACE;
	if (subids_keep_mapped(SUBID_UID, ranges, 6) != 3)
		return 1;
	if (ranges[0].start != 1 || ranges[1].start != 65530 || ranges[1].count != 6 ||
	    ranges[2].start != 3000000000)
		return 2;
	return subids_keep_mapped(SUBID_GID, ranges, 3);
}

static void ranges_that_the_own_namespace_lacks_are_left_out(void **state)
{
	set_file(state, "uid_map",
		 "         0       1000          1\n         1     100000      65535\n"
		 "3000000000    1000000          2\n");
	set_file(state, "gid_map", "      1000       1000          1\n");
	in_namespace(state, check_mapped);
}

static int check_answers(const char *directory)
{
	struct account account;
	struct subid_range ranges[3];
	uint32_t gid;

	if (cover(directory, "nsswitch", "/etc/nsswitch.conf") < 0 ||
	    cover(directory, "getent", GETENT_PATH) < 0 ||
	    cover(directory, "getsubids", GETSUBIDS_PATH) < 0)
		return NO_NAMESPACE;
	if (subids_of_user(SUBID_UID, 1000, "ann", ranges, 3, &err) != 2 ||
	    ranges[0].start != 100000 || ranges[1].count != 7)
		return 1;
	if (subids_of_user(SUBID_GID, 1000, "ann", ranges, 3, &err) != 1 ||
	    ranges[0].start != 300000)
		return 2;
	if (subids_of_user(SUBID_UID, 1000, NULL, ranges, 3, &err) != 0)
		return 3;
	if (account_by_name(-1, "far-away", &account, &err) != 0 ||
	    account.uid != 70000 || strcmp(account.home, "/home/far") != 0)
		return 4;
	if (account_by_uid(-1, 70000, &account, &err) != 0)
		return 5;
	if (account_by_uid(-1, 70001, &account, &err) != 1)
		return 6;
	return group_by_name(-1, "far-group", &gid, &err) != 0 || gid != 70002;
}

static void set_script(void **state, const char *name, const char *text)
{
	const char *path = temporary_file(*state, name, text, strlen(text));

	assert_int_equal(chmod(path, 0755), 0);
}

static void directory_services_are_asked_for_what_no_file_has(void **state)
{
	set_file(state, "nsswitch", "subid: sss\n");
	set_script(state, "getent",
		   "#!/bin/sh\ncase $* in\n"
		   "'passwd far-away'|'passwd 70000'|'passwd 70001')\n"
		   "echo 'FAR-AWAY:*:70000:70002:Far:/home/far:/bin/sh';;\n"
		   "'group far-group') echo far-group:x:70002:;;\n*) exit 2;;\nesac\n");
	set_script(state, "getsubids",
		   "#!/bin/sh\ncase $* in\n"
		   "ann) echo '0: ann 100000 65536'; echo '1: ann 200000 7'; echo junk\n"
		   "echo '2: ann 4294967295 7';;\n"
		   "'-g ann') echo '0: ann 300000 65536';;\n*) exit 1;;\nesac\n");
	in_namespace(state, check_answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_is_read),
		cmocka_unit_test(what_stands_at_the_end_may_be_left_out),
		cmocka_unit_test(lines_that_are_no_entries_match_nothing),
		cmocka_unit_test(malformed_accounts_leave_the_result),
		cmocka_unit_test(fields_that_are_too_long_are_malformed),
		cmocka_unit_test(groups_are_found_by_name_or_member),
		cmocka_unit_test(ranges_belong_to_a_name_or_a_number),
		cmocka_unit_test(ranges_may_lie_above_31_bits),
		cmocka_unit_test(ranges_that_overflow_or_are_empty_are_left_out),
		cmocka_unit_test(another_source_of_ranges_is_seen),
		cmocka_unit_test(the_accounts_of_a_root_are_its_own),
		cmocka_unit_test(numbers_and_odd_names_are_never_looked_up),
		cmocka_unit_test(a_root_without_the_file_knows_nobody),
		cmocka_unit_test(a_link_of_a_root_leads_to_no_file_of_the_host),
		cmocka_unit_test(what_is_no_file_is_an_error_and_nobody_waits),
		cmocka_unit_test(endless_lines_are_passed_over),
		cmocka_unit_test(lines_of_any_length_are_read),
		cmocka_unit_test(a_huge_file_is_an_error),
		cmocka_unit_test(groups_of_a_user_are_listed_in_order_up_to_a_bound),
		cmocka_unit_test(the_answer_of_a_program_is_read),
		cmocka_unit_test(a_program_that_is_missing_has_no_answer),
		cmocka_unit_test(a_long_answer_is_cut),
		cmocka_unit_test(a_slow_program_is_killed),
		cmocka_unit_test(an_endless_answer_is_ended),
		cmocka_unit_test(ignored_children_do_not_matter),
		cmocka_unit_test(the_host_knows_root),
		cmocka_unit_test(ranges_that_the_own_namespace_lacks_are_left_out),
		cmocka_unit_test(all_good_ranges_of_a_user_are_found_in_order),
		cmocka_unit_test(directory_services_are_asked_for_what_no_file_has),
	};

	return cmocka_run_group_tests(tests, make_root, temporary_remove);
}
