/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is tried here is what an archive would try that has taken sbx-image over: each from
 * inside, with the real root and the real filter around it.
 */
#include "image/confine_parts.h"
#include "image/tasks.h"

#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/nursery.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A sanitizer takes memory and makes calls that nothing else may. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

/* Sub is a directory of the temporary one. */
static const char *path_in(const struct temporary *temporary, const char *name)
{
	static char paths[8][300];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", temporary->path, name);
	return path;
}

static void put_file(const char *path, const char *text, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	expect(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0, "%s is made", path);
	expect(fchmod(fd, mode) == 0, "%s gets its mode", path);
	close(fd);
}

static bool says(const char *path, const char *text)
{
	char buffer[64] = "";
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t length = fd < 0 ? -1 : fd_read_all(fd, buffer, sizeof(buffer) - 1);

	if (fd >= 0)
		close(fd);
	return length >= 0 && strcmp(buffer, text) == 0;
}

static void must(int result, const struct error *err)
{
	expect(result == 0, "cannot %s: %s", err->text, strerror(err->errnum));
}

static void expect_no_host(void)
{
	static const char *const names[] = { "/etc/passwd", "../../../../etc/passwd",
					     "/proc/self/root/etc/passwd",
					     "./../etc/passwd", "/../etc/passwd" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		expect(open(names[i], O_RDONLY | O_CLOEXEC) < 0 && errno == ENOENT,
		       "%s is not there", names[i]);
	expect(chdir("/") == 0 && chdir("..") == 0, "the root is above itself");
	expect(access("etc", F_OK) < 0, "nothing is above the root");
}

/* ---- roots ------------------------------------------------------------------------------- */

static void play_nothing(const void *context)
{
	struct error err = { 0 };

	(void)context;
	must(confine_to_nothing(&err), &err);
	expect_no_host();
	expect(open("/x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EROFS,
	       "nothing can be written");
	expect(mkdir("/x", 0700) < 0 && errno == EROFS, "nothing can be made");
}

static void play_directory(const void *context)
{
	const char *dir = path_in(context, "dir");
	struct error err = { 0 };

	expect(mkdir(dir, 0700) == 0, "a directory is made");
	put_file(path_in(context, "dir/own"), "own", 0600);
	put_file(path_in(context, "outside"), "outside", 0600);
	expect(symlink("/etc/passwd", path_in(context, "dir/absolute")) == 0, "a link");
	expect(symlink("../outside", path_in(context, "dir/relative")) == 0, "a link");
	must(confine_to_directory(dir, &err), &err);
	expect_no_host();
	expect(says("/own", "own") && says("own", "own"), "what is in it is there");
	expect(access("/absolute", F_OK) < 0, "an absolute link leads nowhere");
	expect(access("/relative", F_OK) < 0, "a link upwards leads nowhere");
	expect(symlink("/own", "inner") == 0 && says("/inner", "own"),
	       "links lead inside");
}

static void play_missing_directory(const void *context)
{
	struct error err = { 0 };

	expect(confine_to_directory(path_in(context, "not there"), &err) < 0,
	       "it is refused");
	expect(err.errnum == ENOENT && strstr(err.text, "not there"), "it is named: %s",
	       err.text);
}

static void play_memory(const void *context)
{
	static const char zeros[1 << 16];
	struct error err = { 0 };
	ssize_t written = 0;
	size_t total = 0;
	int fd, clone;

	(void)context;
	must(confine_to_memory(1 << 20, &err), &err);
	expect_no_host();
	clone = confine_clone_root(&err);
	must(clone < 0 ? -1 : 0, &err);
	fd = open("/big", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	while (total < (4 << 20)) {
		written = write(fd, zeros, sizeof(zeros));
		if (written <= 0)
			break;
		total += (size_t)written;
	}
	expect(written < 0 && errno == ENOSPC, "it is as large as it was to be");
	expect(faccessat(clone, "big", F_OK, 0) == 0, "the clone is the same tree");
	expect(faccessat(clone, "../etc", F_OK, 0) < 0, "nothing is above the clone");
}

static bool is_whiteout(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISCHR(status.st_mode) &&
	       status.st_rdev == makedev(0, 0);
}

/* In a mount namespace of its own: the test then looks at what is left. */
static void in_child(void (*act)(const struct temporary *), const void *context)
{
	int status = 1;
	const pid_t child = fork();

	if (child == 0) {
		expect(unshare(CLONE_NEWNS) == 0, "mounts of its own");
		act(context);
		_exit(0);
	}
	expect(waitpid(child, &status, 0) == child && status == 0, "the child is well");
}

static void write_layer(const struct temporary *context)
{
	const char *const lowers[] = { path_in(context, "low: 1,"),
				       path_in(context, "low2") };
	struct error err = { 0 };

	must(confine_to_layers(lowers, 2, path_in(context, "place/up"), &err), &err);
	expect_no_host();
	expect(says("/a", "a") && says("/b", "b"), "both are there");
	expect(says("/both", "upper"), "the last one is on top");
	expect(unlink("/a") == 0, "a file of a lower layer is removed");
	expect(link("/b", "/linked") == 0, "a file of a lower layer is linked to");
	put_file("/c", "c", 0644);
	must(confine_process(CONFINE_WRITES, false, &err), &err);
	expect(unlink("/both") == 0, "the filter lets whiteouts be made");
}

static void play_layers(const void *context)
{
	expect(mkdir(path_in(context, "low: 1,"), 0755) == 0 &&
		       mkdir(path_in(context, "low2"), 0755) == 0 &&
		       mkdir(path_in(context, "place"), 0755) == 0 &&
		       mkdir(path_in(context, "place/up"), 0755) == 0,
	       "layers are made");
	put_file(path_in(context, "low: 1,/a"), "a", 0644);
	put_file(path_in(context, "low: 1,/both"), "lower", 0644);
	put_file(path_in(context, "low2/b"), "b", 0644);
	put_file(path_in(context, "low2/both"), "upper", 0644);
	in_child(write_layer, context);
	expect(is_whiteout(path_in(context, "place/up/a")), "removing left a whiteout");
	expect(is_whiteout(path_in(context, "place/up/both")),
	       "so it did behind the filter");
	expect(says(path_in(context, "place/up/c"), "c"),
	       "what was written is in the upper");
	expect(says(path_in(context, "place/up/linked"), "b"), "what was linked is, too");
	expect(says(path_in(context, "low: 1,/a"), "a"), "the lower is as it was");
}

static void play_many_layers(const void *context)
{
	static char paths[CONFINE_LOWERS_MAX + 1][300];
	const char *lowers[CONFINE_LOWERS_MAX + 1];
	struct error err = { 0 };

	for (int i = 0; i <= CONFINE_LOWERS_MAX; i++) {
		lowers[i] = paths[i];
		snprintf(paths[i], sizeof(paths[i]), "%s/many%d",
			 ((const struct temporary *)context)->path, i);
		expect(mkdir(paths[i], 0755) == 0, "a layer is made");
	}
	put_file(path_in(context, "many0/lowest"), "0", 0644);
	expect(mkdir(path_in(context, "top"), 0755) == 0, "the upper is made");
	expect(confine_to_layers(lowers, CONFINE_LOWERS_MAX + 1, path_in(context, "top"),
				 &err) < 0 &&
		       err.id == ERROR_OVERLAY,
	       "one more is refused");
	must(confine_to_layers(lowers, CONFINE_LOWERS_MAX, path_in(context, "top"), &err),
	     &err);
	expect(says("/lowest", "0"), "the lowest is seen");
}

static void play_source(const void *context)
{
	struct error err = { 0 };
	struct stat here, above;
	int fd;

	expect(mkdir(path_in(context, "source"), 0700) == 0, "a directory is made");
	put_file(path_in(context, "source/index"), "text", 0600);
	fd = confine_open_source(path_in(context, "source"), &err);
	must(fd < 0 ? -1 : 0, &err);
	must(confine_to_nothing(&err), &err);
	must(confine_process(CONFINE_READS, false, &err), &err);
	expect(openat(fd, "index", O_RDONLY | O_CLOEXEC) >= 0, "what is in it is read");
	expect(fstat(fd, &here) == 0 && fstatat(fd, "../../..", &above, 0) == 0 &&
		       here.st_ino == above.st_ino && here.st_dev == above.st_dev,
	       "it is above itself");
	expect(openat(fd, "../outside", O_RDONLY | O_CLOEXEC) < 0,
	       "nothing is beside it");
	expect(openat(fd, "index", O_WRONLY | O_CLOEXEC) < 0, "it is not written");
}

/* ---- the process ------------------------------------------------------------------------- */

/* EPERM, whatever else would have been wrong with it. */
static bool refused(long result)
{
	return result == -1 && errno == EPERM;
}

static void confine(enum confine_power power, bool threads)
{
	struct error err = { 0 };

	must(confine_to_memory(1 << 24, &err), &err);
	put_file("/closed", "closed", 0);
	must(confine_process(power, threads, &err), &err);
}

static void play_writer(const void *context)
{
	struct rlimit limit;
	int fd;

	(void)context;
	confine(CONFINE_WRITES, false);
	expect(says("/closed", "closed"), "what nobody may read is read");
	fd = open("/file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	expect(fd >= 0 && write(fd, "x", 1) == 1, "a file is written");
	expect(fchown(fd, 0, 0) == 0 && fchmod(fd, 06755) == 0, "it gets owner and mode");
	expect(mkdirat(AT_FDCWD, "/dir", 0) == 0 &&
		       linkat(AT_FDCWD, "/file", AT_FDCWD, "/dir/link", 0) == 0,
	       "a directory and a link are made");
	expect(mkfifo("/fifo", 0600) == 0, "a FIFO is made");
	expect(unlink("/file") == 0 && unlink("/dir/link") == 0 && rmdir("/dir") == 0,
	       "they are removed");
	expect(getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_max == 0, "no process");
	expect(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max <= 256, "files");
	expect(refused(mknod("/dev", S_IFCHR | 0600, makedev(1, 3))),
	       "no device is made");
	expect(refused(mknod("/white", S_IFCHR | 0600, makedev(0, 0))), "nor a whiteout");
}

static void play_reader(const void *context)
{
	const enum confine_power power = *(const enum confine_power *)context;

	confine(power, false);
	if (power == CONFINE_READS)
		expect(open("/closed", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES,
		       "what is closed stays closed");
	else
		expect(says("/closed", "closed"), "what is closed is read");
	expect(refused(open("/closed", O_RDWR | O_CLOEXEC)), "nothing is written");
	expect(refused(open("/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)),
	       "nothing is made");
	expect(refused(open("/", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)), "nor nameless");
}

static void play_refusals(const void *context)
{
	const pid_t other = 12345;
	struct rlimit limit = { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };
	int fd;

	(void)context;
	confine(CONFINE_WRITES, false);
	fd = open("/closed", O_RDONLY | O_CLOEXEC);
	expect(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED,
	       "no memory is made executable");
	expect(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED,
	       "no file is loaded as code");
	expect(refused(fcntl(fd, F_SETOWN, other)), "nobody is signalled by a file");
	expect(refused(fcntl(fd, F_SETSIG, SIGKILL)), "nor by another signal");
	expect(refused(syscall(SYS_prlimit64, other, RLIMIT_CORE, NULL, &limit)),
	       "nobody else's limits are changed");
	expect(setrlimit(RLIMIT_NOFILE, &limit) < 0, "limits are not raised");
	expect(syscall(SYS_ioctl, fd, 0x5412 /* TIOCSTI */, "x") < 0 && errno == ENOTTY,
	       "no terminal is typed at");
	expect(syscall(435 /* clone3 */, NULL, 0) < 0 && errno == ENOSYS,
	       "no child by the newer call");
#ifndef SANITIZED
	expect(mmap(NULL, 320 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0) == MAP_FAILED &&
		       errno == ENOMEM,
	       "memory is bounded");
#endif
}

static void *count_to_one(void *number)
{
	*(int *)number += 1;
	return NULL;
}

static void play_threads(const void *context)
{
	pthread_t thread;
	int number = 0;

	(void)context;
	confine(CONFINE_WRITES, true);
	expect(pthread_create(&thread, NULL, count_to_one, &number) == 0 &&
		       pthread_join(thread, NULL) == 0 && number == 1,
	       "a thread runs");
	expect(refused(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)),
	       "no process is made");
	expect(refused(syscall(SYS_clone, CLONE_NEWUSER | CLONE_THREAD, NULL, NULL, NULL,
			       NULL)),
	       "no namespace is made");
}

/* Nobody calls these by mistake. */
static const struct {
	const char *name;
	int number;
} attacks[] = {
	{ "execve", SYS_execve },
	{ "execveat", SYS_execveat },
	{ "mount", SYS_mount },
	{ "umount2", SYS_umount2 },
	{ "ptrace", SYS_ptrace },
	{ "socket", SYS_socket },
	{ "kill", SYS_kill },
	{ "unshare", SYS_unshare },
	{ "setns", SYS_setns },
	{ "chroot", SYS_chroot },
	{ "setuid", SYS_setuid },
#ifndef SANITIZED
	{ "pivot_root", SYS_pivot_root },
	{ "capset", SYS_capset },
	{ "seccomp", SYS_seccomp },
	{ "open_by_handle_at", SYS_open_by_handle_at },
	{ "name_to_handle_at", SYS_name_to_handle_at },
	{ "process_vm_readv", SYS_process_vm_readv },
	{ "process_vm_writev", SYS_process_vm_writev },
	{ "keyctl", SYS_keyctl },
	{ "personality", SYS_personality },
	{ "connect", SYS_connect },
	{ "socketpair", SYS_socketpair },
	{ "recvmsg", SYS_recvmsg },
	{ "tgkill", SYS_tgkill },
	{ "userfaultfd", SYS_userfaultfd },
	{ "perf_event_open", SYS_perf_event_open },
	{ "io_uring_setup", 425 },
	{ "open_tree", 428 },
	{ "move_mount", 429 },
	{ "fsopen", 430 },
	{ "pidfd_open", 434 },
	{ "pidfd_getfd", 438 },
	{ "mount_setattr", 442 },
#endif
};

static void play_attack(const void *context)
{
	confine(CONFINE_WRITES, true);
	(void)syscall(*(const int *)context, 0, 0, 0, 0, 0, 0);
	_exit(0);
}

static void play_attacks(const void *context)
{
	(void)context;
	for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
		int status = 0;
		const pid_t child = fork();

		if (child == 0)
			play_attack(&attacks[i].number);
		expect(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
			       WTERMSIG(status) == SIGSYS,
		       "%s ends the process", attacks[i].name);
	}
}

/* ---- the tests --------------------------------------------------------------------------- */

static void play(void (*part)(const void *), const void *context)
{
	nursery_run(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET, part,
		    context);
}

static void an_empty_root_is_empty(void **state)
{
	play(play_nothing, *state);
}

static void a_directory_is_all_there_is(void **state)
{
	play(play_directory, *state);
}

static void a_missing_directory_is_named(void **state)
{
	play(play_missing_directory, *state);
}

static void memory_is_a_root_of_its_size(void **state)
{
	play(play_memory, *state);
}

static void a_layer_is_written_over_others(void **state)
{
	play(play_layers, *state);
}

static void as_many_layers_as_images_have(void **state)
{
	play(play_many_layers, *state);
}

static void a_source_leads_nowhere(void **state)
{
	play(play_source, *state);
}

static void a_writer_can_write(void **state)
{
	play(play_writer, *state);
}

static void a_reader_can_only_read(void **state)
{
	static const enum confine_power powers[] = { CONFINE_READS, CONFINE_READS_ALL };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		play(play_reader, &powers[i]);
}

static void what_could_be_misused_is_refused(void **state)
{
	play(play_refusals, *state);
}

static void threads_are_no_processes(void **state)
{
	play(play_threads, *state);
}

static void what_only_an_attacker_calls_ends_it(void **state)
{
	play(play_attacks, *state);
}

static void the_programs_are_short_enough(void **state)
{
	struct sock_filter program[CONFINE_CALLS_MAX];

	(void)state;
	assert_in_range(confine_write_calls(CONFINE_WRITES, true, program), 150,
			CONFINE_CALLS_MAX - 50);
	assert_in_range(confine_write_calls(CONFINE_READS, false, program), 100,
			CONFINE_CALLS_MAX - 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_root_is_empty),
		cmocka_unit_test(a_directory_is_all_there_is),
		cmocka_unit_test(a_missing_directory_is_named),
		cmocka_unit_test(memory_is_a_root_of_its_size),
		cmocka_unit_test(a_layer_is_written_over_others),
		cmocka_unit_test(as_many_layers_as_images_have),
		cmocka_unit_test(a_source_leads_nowhere),
		cmocka_unit_test(a_writer_can_write),
		cmocka_unit_test(a_reader_can_only_read),
		cmocka_unit_test(what_could_be_misused_is_refused),
		cmocka_unit_test(threads_are_no_processes),
		cmocka_unit_test(what_only_an_attacker_calls_ends_it),
		cmocka_unit_test(the_programs_are_short_enough),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
