/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/files.h"
#include "base/files_walk.h"
#include "tests/fuzz/tree.h"
#include "tests/unit/fresh.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Both ways to resolve a path: the kernel's where it has one, and ours. */
static int (*const openers[])(int, const char *, int, mode_t) = { files_open_in_root,
								  files_walk_open };
static int (*const makers[])(int, const char *, mode_t) = { files_make_dirs_in_root,
							    files_walk_make_dirs };
static int (*const parents[])(int, const char *, char *) = { files_open_parent_in_root,
							     files_walk_parent };

enum { WAYS = 2 };

static void assert_holds(int fd, const char *text)
{
	char buffer[64];
	ssize_t length;

	assert_true(fd >= 0);
	length = fd_read_all(fd, buffer, sizeof(buffer) - 1);
	assert_true(length >= 0);
	buffer[length] = '\0';
	assert_string_equal(buffer, text);
	close(fd);
}

/* ---- opening beneath a root --------------------------------------------------------- */

static void absolute_links_and_dot_dot_stay_inside(void **state)
{
	auto_close int outer = fresh_fd(state);
	auto_close int root = -1;

	make_file(outer, "file", "outside");
	assert_int_equal(mkdirat(outer, "root", 0700), 0);
	root = openat(outer, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	make_file(root, "file", "inside");
	assert_int_equal(mkdirat(root, "dir", 0700), 0);
	assert_int_equal(symlinkat("/file", root, "dir/absolute"), 0);
	assert_int_equal(symlinkat("../../../file", root, "dir/up"), 0);
	assert_int_equal(symlinkat("/dir/up", root, "twice"), 0);
	for (int i = 0; i < WAYS; i++) {
		assert_holds(openers[i](root, "file", O_RDONLY, 0), "inside");
		assert_holds(openers[i](root, "/../file", O_RDONLY, 0), "inside");
		assert_holds(openers[i](root, "dir/../../file", O_RDONLY, 0), "inside");
		assert_holds(openers[i](root, "dir/absolute", O_RDONLY, 0), "inside");
		assert_holds(openers[i](root, "dir/up", O_RDONLY, 0), "inside");
		assert_holds(openers[i](root, "//twice", O_RDONLY, 0), "inside");
	}
}

static void a_created_file_stays_inside(void **state)
{
	auto_close int outer = fresh_fd(state);
	auto_close int root = -1;

	assert_int_equal(mkdirat(outer, "root", 0700), 0);
	root = openat(outer, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlinkat("/../../made", root, "link"), 0);
	for (int i = 0; i < WAYS; i++) {
		auto_close int fd = openers[i](root, "link", O_WRONLY | O_CREAT, 0640);

		assert_true(fd >= 0);
		assert_int_equal(unlinkat(root, "made", 0), 0);
		assert_int_equal(faccessat(outer, "made", F_OK, 0), -1);
		assert_fails(openers[i](root, "link", O_WRONLY | O_CREAT | O_EXCL, 0640),
			     EEXIST);
		assert_fails(openers[i](root, "new/", O_WRONLY | O_CREAT, 0640), EISDIR);
	}
}

static void missing_and_unsuitable_names_are_told_apart(void **state)
{
	auto_close int root = fresh_fd(state);
	char long_name[NAME_MAX + 2], long_path[PATH_MAX + 1];

	make_file(root, "file", "");
	assert_int_equal(symlinkat("nowhere", root, "dangling"), 0);
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	memset(long_path, '/', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	for (int i = 0; i < WAYS; i++) {
		assert_fails(openers[i](root, "", O_PATH, 0), ENOENT);
		assert_fails(openers[i](root, "missing", O_PATH, 0), ENOENT);
		assert_fails(openers[i](root, "missing/..", O_PATH, 0), ENOENT);
		assert_fails(openers[i](root, "dangling", O_PATH, 0), ENOENT);
		assert_fails(openers[i](root, "file/", O_PATH, 0), ENOTDIR);
		assert_fails(openers[i](root, "file/.", O_PATH, 0), ENOTDIR);
		assert_fails(openers[i](root, "file/..", O_PATH, 0), ENOTDIR);
		assert_fails(openers[i](root, "file/x", O_PATH, 0), ENOTDIR);
		assert_fails(openers[i](root, "file", O_PATH | O_DIRECTORY, 0), ENOTDIR);
		assert_fails(openers[i](root, long_name, O_PATH, 0), ENAMETOOLONG);
		assert_fails(openers[i](root, long_path, O_PATH, 0), ENAMETOOLONG);
		assert_fails(openers[i](-1, "file", O_PATH, 0), EBADF);
	}
}

static void forty_links_are_followed_and_no_more(void **state)
{
	auto_close int root = fresh_fd(state);

	make_file(root, "0", "end");
	for (int i = 1; i <= 41; i++) {
		char name[16], target[16];

		snprintf(name, sizeof(name), "%d", i);
		snprintf(target, sizeof(target), "%d", i - 1);
		assert_int_equal(symlinkat(target, root, name), 0);
	}
	assert_int_equal(symlinkat("loop", root, "loop"), 0);
	for (int i = 0; i < WAYS; i++) {
		assert_holds(openers[i](root, "40", O_RDONLY, 0), "end");
		assert_fails(openers[i](root, "41", O_RDONLY, 0), ELOOP);
		assert_fails(openers[i](root, "loop", O_PATH, 0), ELOOP);
		assert_fails(openers[i](root, "loop/x", O_PATH, 0), ELOOP);
	}
}

static void the_last_link_is_opened_itself_when_asked(void **state)
{
	auto_close int root = fresh_fd(state);

	assert_int_equal(mkdirat(root, "dir", 0700), 0);
	assert_int_equal(symlinkat("dir", root, "link"), 0);
	for (int i = 0; i < WAYS; i++) {
		auto_close int link = openers[i](root, "link", O_PATH | O_NOFOLLOW, 0);
		auto_close int slash = openers[i](root, "link/", O_PATH | O_NOFOLLOW, 0);
		struct stat stat;

		assert_int_equal(fstat(link, &stat), 0);
		assert_true(S_ISLNK(stat.st_mode));
		assert_int_equal(fstat(slash, &stat), 0);
		assert_true(S_ISDIR(stat.st_mode));
		assert_fails(openers[i](root, "link", O_RDONLY | O_NOFOLLOW, 0), ELOOP);
	}
}

static void descriptors_are_closed_on_exec(void **state)
{
	auto_close int root = fresh_fd(state);

	for (int i = 0; i < WAYS; i++) {
		auto_close int fd = openers[i](root, "/", O_PATH, 0);

		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	}
}

static void magic_links_of_procfs_are_refused_and_others_followed(void **state)
{
	static const char *const magic[] = { "self/exe",   "self/cwd",    "self/root",
					     "self/fd/0",  "self/ns/mnt", "self/root/etc",
					     "self/fd/0/x" };
	static const char *const plain[] = { "self",        "thread-self",
					     "mounts",      "net",
					     "self/status", "thread-self/../../mounts" };
	auto_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (int i = 0; i < WAYS; i++) {
		for (size_t j = 0; j < sizeof(magic) / sizeof(magic[0]); j++)
			assert_fails(openers[i](proc, magic[j], O_PATH, 0), ELOOP);
		for (size_t j = 0; j < sizeof(plain) / sizeof(plain[0]); j++) {
			auto_close int fd = openers[i](proc, plain[j], O_PATH, 0);

			assert_true(fd >= 0);
		}
	}
}

/* The length that procfs gives to a link of a descriptor is 64, whatever it leads to. */
static void a_magic_link_whose_target_is_as_long_as_its_size_is_refused(void **state)
{
	const struct temporary *temporary = *state;
	size_t length = strlen(temporary->path);
	auto_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = -1;
	char path[65], link[32];

	assert_true(length < 62);
	memset(path, 'x', 64);
	memcpy(path, temporary->path, length);
	path[length] = '/';
	path[64] = '\0';
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	snprintf(link, sizeof(link), "self/fd/%d", fd);
	assert_fails(files_walk_open(proc, link, O_PATH, 0), ELOOP);
}

static void few_descriptors_are_enough(void **state)
{
	auto_close int root = fresh_fd(state);
	struct rlimit limit, few;

	assert_int_equal(mkdirat(root, "a", 0700), 0);
	assert_int_equal(mkdirat(root, "a/b", 0700), 0);
	assert_int_equal(mkdirat(root, "a/b/c", 0700), 0);
	assert_int_equal(symlinkat("/a/b/c/../..", root, "a/b/c/link"), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = (rlim_t)root + 4;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < WAYS; i++) {
		auto_close int fd = openers[i](root, "a/b/c/link/b/c", O_PATH, 0);

		assert_true(fd >= 0);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The way from the root may be longer than any path that the kernel takes at once. */
static void a_deep_place_is_reached_by_links(void **state)
{
	auto_close int root = fresh_fd(state);
	auto_close int here = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[201], ten[10 * sizeof(name) + 1] = "";

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 10; i++)
		strcat(strcat(ten, name), "/");
	ten[strlen(ten) - 1] = '\0';
	for (int i = 0; i < 30; i++) {
		int next;

		if (i % 10 == 0)
			assert_int_equal(symlinkat(ten, here, "l"), 0);
		assert_int_equal(mkdirat(here, name, 0700), 0);
		next = openat(here, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(here);
		here = next;
	}
	make_file(here, "file", "deep");
	for (int i = 0; i < WAYS; i++) {
		assert_holds(openers[i](root, "l/l/l/file", O_RDONLY, 0), "deep");
		assert_holds(openers[i](root,
					"l/l/l/../../../../../../../../../../l/file",
					O_RDONLY, 0),
			     "deep");
	}
}

/* ---- parents and directories -------------------------------------------------------- */

static void assert_parent(int root, const char *path, const char *parent,
			  const char *name)
{
	for (int i = 0; i < WAYS; i++) {
		char found[NAME_MAX + 1] = "?";
		auto_close int fd = parents[i](root, path, found);
		auto_close int wanted = openat(root, parent, O_PATH | O_CLOEXEC);
		struct stat a, b;

		assert_true(fd >= 0);
		assert_string_equal(found, name);
		assert_int_equal(fstat(fd, &a), 0);
		assert_int_equal(fstat(wanted, &b), 0);
		assert_true(files_same(&a, &b));
	}
}

static void the_parent_of_a_place_and_its_name_are_found(void **state)
{
	auto_close int root = fresh_fd(state);

	assert_int_equal(mkdirat(root, "a", 0700), 0);
	assert_int_equal(mkdirat(root, "a/b", 0700), 0);
	make_file(root, "a/file", "");
	assert_int_equal(symlinkat("/a/b", root, "link"), 0);
	assert_int_equal(symlinkat("a/new", root, "dangling"), 0);
	assert_int_equal(symlinkat("..", root, "a/up"), 0);
	assert_parent(root, "a/file", "a", "file");
	assert_parent(root, "/a/missing", "a", "missing");
	assert_parent(root, "missing", ".", "missing");
	assert_parent(root, "missing/", ".", "missing");
	assert_parent(root, "a/b/", "a", "b");
	assert_parent(root, "a/b/.", "a", "b");
	assert_parent(root, "a/b/..", ".", "a");
	assert_parent(root, "link", "a", "b");
	assert_parent(root, "link/x", "a/b", "x");
	assert_parent(root, "dangling", "a", "new");
	assert_parent(root, "/", ".", "");
	assert_parent(root, "..", ".", "");
	assert_parent(root, "a/up", ".", "");
}

static void a_missing_parent_has_no_parent(void **state)
{
	auto_close int root = fresh_fd(state);
	char name[NAME_MAX + 1] = "as it was";

	make_file(root, "file", "");
	assert_int_equal(symlinkat("loop", root, "loop"), 0);
	for (int i = 0; i < WAYS; i++) {
		assert_fails(parents[i](root, "no/such", name), ENOENT);
		assert_fails(parents[i](root, "no/such/..", name), ENOENT);
		assert_fails(parents[i](root, "file/x", name), ENOTDIR);
		assert_fails(parents[i](root, "file/", name), ENOTDIR);
		assert_fails(parents[i](root, "loop", name), ELOOP);
		assert_fails(parents[i](root, "", name), ENOENT);
	}
	assert_string_equal(name, "as it was");
}

static void directories_are_made_with_exact_modes(void **state)
{
	for (int i = 0; i < WAYS; i++) {
		auto_close int root = fresh_fd(state);
		mode_t mask = umask(0777);
		auto_close int fd = makers[i](root, "/a/b//c/", 01770);
		auto_close int again = makers[i](root, "a/b/c", 0700);
		struct stat first, second;

		assert_int_equal(umask(mask), 0777);
		assert_true(fd >= 0 && again >= 0);
		assert_int_equal(mode_of(root, "a"), 0755);
		assert_int_equal(mode_of(root, "a/b"), 0755);
		assert_int_equal(mode_of(root, "a/b/c"), 01770);
		assert_int_equal(fstat(fd, &first), 0);
		assert_int_equal(fstat(again, &second), 0);
		assert_true(files_same(&first, &second));
	}
}

static void directories_are_made_where_links_lead_inside(void **state)
{
	for (int i = 0; i < WAYS; i++) {
		auto_close int outer = fresh_fd(state);
		auto_close int root = -1, fd = -1, up = -1;

		assert_int_equal(mkdirat(outer, "root", 0700), 0);
		root = openat(outer, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_int_equal(symlinkat("/../../x/y", root, "link"), 0);
		fd = makers[i](root, "link", 0711);
		assert_true(fd >= 0);
		assert_int_equal(mode_of(root, "x"), 0755);
		assert_int_equal(mode_of(root, "x/y"), 0711);
		assert_int_equal(faccessat(outer, "x", F_OK, 0), -1);
		up = makers[i](root, "new/../../other", 0700);
		assert_true(up >= 0);
		assert_int_equal(mode_of(root, "new"), 0755);
		assert_int_equal(mode_of(root, "other"), 0700);
	}
}

static void directories_are_not_made_in_files(void **state)
{
	auto_close int root = fresh_fd(state);

	make_file(root, "file", "");
	assert_int_equal(symlinkat("file", root, "link"), 0);
	for (int i = 0; i < WAYS; i++) {
		assert_fails(makers[i](root, "file", 0700), ENOTDIR);
		assert_fails(makers[i](root, "file/x", 0700), ENOTDIR);
		assert_fails(makers[i](root, "link", 0700), ENOTDIR);
		assert_fails(makers[i](root, "", 0700), ENOENT);
	}
}

/* ---- the walk and the kernel -------------------------------------------------------- */

/* xorshift64: the same trees in every run. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void compare_one_tree(void **state, uint64_t *seed)
{
	auto_close int dir_fd = fresh_fd(state);
	uint8_t data[512];
	struct bytes bytes = { data, sizeof(data) };
	struct tree tree;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(next_random(seed) >> 24);
	assert_int_equal(tree_make(&tree, dir_fd, &bytes), 0);
	for (int i = 0; i < 8; i++) {
		char path[TREE_PATH_MAX];
		const char *difference;

		tree_path(path, &bytes);
		difference = tree_compare(&tree, path);
		if (difference)
			fail_msg("%s", difference);
	}
	tree_close(&tree);
}

static void the_walk_answers_as_openat2_on_random_trees(void **state)
{
	uint64_t seed = 0x5eed;

	if (!tree_has_openat2())
		skip();
	for (int i = 0; i < 400; i++)
		compare_one_tree(state, &seed);
}

/* Swaps a directory for a link that leads out, over and over, until it is killed. */
static _Noreturn void swap_forever(int root)
{
	for (;;) {
		renameat(root, "dir", root, "away");
		if (symlinkat("../../outside", root, "dir") == 0)
			unlinkat(root, "dir", 0);
		renameat(root, "away", root, "dir");
		renameat(root, "dir/in", root, "in");
		renameat(root, "in", root, "dir/in");
	}
}

static void renames_meanwhile_never_lead_out(void **state)
{
	auto_close int outer = fresh_fd(state);
	auto_close int root = -1;
	pid_t pid;

	assert_int_equal(mkdirat(outer, "outside", 0700), 0);
	make_file(outer, "outside/file", "outside");
	make_file(outer, "file", "outside");
	assert_int_equal(mkdirat(outer, "root", 0700), 0);
	root = openat(outer, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(root, "dir", 0700), 0);
	assert_int_equal(mkdirat(root, "dir/in", 0700), 0);
	make_file(root, "file", "inside");
	make_file(root, "dir/file", "inside");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		swap_forever(root);
	for (int i = 0; i < 3000; i++) {
		int fd = files_walk_open(root, i & 1 ? "dir/file" : "dir/in/../../file",
					 O_RDONLY, 0);

		if (fd >= 0)
			assert_holds(fd, "inside");
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* From here on openat2 (437 on every architecture) fails with errnum. */
static int refuse_openat2(int errnum)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 437, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)errnum),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { 4, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* 0 every door still works, 77 no filter can be set. */
static int use_doors_without_openat2(int root, int errnum)
{
	char name[NAME_MAX + 1];

	if (refuse_openat2(errnum) < 0)
		return 77;
	if (tree_has_openat2())
		return 1;
	if (files_open_in_root(root, "link/file", O_RDONLY, 0) < 0)
		return 2;
	if (files_open_in_root(root, "missing", O_RDONLY, 0) >= 0 || errno != ENOENT)
		return 3;
	if (files_open_parent_in_root(root, "link/new", name) < 0 ||
	    strcmp(name, "new") != 0)
		return 4;
	return files_make_dirs_in_root(root, "link/new/dir", 0700) < 0 ? 5 : 0;
}

static void the_walk_steps_in_where_openat2_is_missing_or_refused(void **state)
{
	static const int refusals[] = { ENOSYS, EPERM };

	for (int i = 0; i < 2; i++) {
		auto_close int root = fresh_fd(state);
		int status;
		pid_t pid;

		assert_int_equal(mkdirat(root, "dir", 0700), 0);
		make_file(root, "dir/file", "");
		assert_int_equal(symlinkat("/dir", root, "link"), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(use_doors_without_openat2(root, refusals[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absolute_links_and_dot_dot_stay_inside),
		cmocka_unit_test(a_created_file_stays_inside),
		cmocka_unit_test(missing_and_unsuitable_names_are_told_apart),
		cmocka_unit_test(forty_links_are_followed_and_no_more),
		cmocka_unit_test(the_last_link_is_opened_itself_when_asked),
		cmocka_unit_test(descriptors_are_closed_on_exec),
		cmocka_unit_test(magic_links_of_procfs_are_refused_and_others_followed),
		cmocka_unit_test(
			a_magic_link_whose_target_is_as_long_as_its_size_is_refused),
		cmocka_unit_test(few_descriptors_are_enough),
		cmocka_unit_test(a_deep_place_is_reached_by_links),
		cmocka_unit_test(the_parent_of_a_place_and_its_name_are_found),
		cmocka_unit_test(a_missing_parent_has_no_parent),
		cmocka_unit_test(directories_are_made_with_exact_modes),
		cmocka_unit_test(directories_are_made_where_links_lead_inside),
		cmocka_unit_test(directories_are_not_made_in_files),
		cmocka_unit_test(the_walk_answers_as_openat2_on_random_trees),
		cmocka_unit_test(renames_meanwhile_never_lead_out),
		cmocka_unit_test(the_walk_steps_in_where_openat2_is_missing_or_refused),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
