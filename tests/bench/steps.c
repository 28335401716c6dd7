/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the single steps of a start cost on this kernel, each in namespaces of its own that
 * have just been made, in turn, round after round.
 *
 *	steps [ROUNDS]
 *
 * Prints a line for each: microseconds at the 10th and 50th percentile, and the median
 * from the step's end until the namespaces are gone and init has been waited for, which
 * is what a step leaves to be taken down.
 */
#include "base/syscalls.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PLAIN = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	NO_PROGRAMS = PLAIN | MOUNT_ATTR_NOEXEC,
	TIMES = 10, /* of a step that is too short for one */
	ROUNDS_MAX = 2000,
	KEYCTL_JOIN = 1,
	LAST_CAPABILITY = 40,
};

/* Where things are mounted, and a tmpfs that is there already. */
static const char place[] = "/mnt";
static const char scratch[] = "/tmp";

static void die(const char *what)
{
	dprintf(STDERR_FILENO, "steps: cannot %s: %s\n", what, strerror(errno));
	_exit(1);
}

static int must(long result, const char *what)
{
	if (result < 0)
		die(what);
	return (int)result;
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* ---- steps --------------------------------------------------------------------------- */

static void attach(int tree, const char *dest)
{
	must(sys_move_mount(tree, "", AT_FDCWD, dest, MOVE_MOUNT_F_EMPTY_PATH), dest);
	close(tree);
}

static int new_mount(const char *type, unsigned int attributes)
{
	int fs = must(sys_fsopen(type, FSOPEN_CLOEXEC), type);
	int tree;

	must(sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0), type);
	tree = must(sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes), type);
	close(fs);
	return tree;
}

static void do_nothing(void)
{
}

static void mount_tmpfs(void)
{
	attach(new_mount("tmpfs", PLAIN), place);
}

static void mount_tmpfs_the_old_way(void)
{
	must(mount("none", place, "tmpfs", MS_NOSUID | MS_NODEV, NULL), "mount tmpfs");
}

static void mount_proc(void)
{
	attach(new_mount("proc", NO_PROGRAMS), "/proc");
}

static void mount_sys(void)
{
	attach(new_mount("sysfs", NO_PROGRAMS | MOUNT_ATTR_RDONLY), "/sys");
}

static void mount_devpts(void)
{
	attach(new_mount("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), place);
}

static void mount_mqueue(void)
{
	attach(new_mount("mqueue", NO_PROGRAMS), place);
}

static void make_layers(void)
{
	must(mkdir("/tmp/upper", 0755), "make a layer");
	must(mkdir("/tmp/work", 0755), "make a layer");
}

static void mount_overlay(void)
{
	static const char *const options[][2] = {
		{ "lowerdir", "/usr" },
		{ "upperdir", "/tmp/upper" },
		{ "workdir", "/tmp/work" },
	};
	int fs;

	make_layers();
	fs = must(sys_fsopen("overlay", FSOPEN_CLOEXEC), "open overlay");
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		must(sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, options[i][0],
				  options[i][1], 0),
		     options[i][0]);
	must(sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "userxattr", NULL, 0), "userxattr");
	must(sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "volatile", NULL, 0), "volatile");
	must(sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0), "make an overlay");
	attach(must(sys_fsmount(fs, FSMOUNT_CLOEXEC, PLAIN), "mount an overlay"), place);
}

static void mount_overlay_the_old_way(void)
{
	make_layers();
	must(mount("none", place, "overlay", MS_NOSUID | MS_NODEV,
		   "lowerdir=/usr,upperdir=/tmp/upper,workdir=/tmp/work,userxattr,volatile"),
	     "mount an overlay");
}

static void bind_read_only(void)
{
	const struct sys_mount_attr attr = { .attr_set = PLAIN | MOUNT_ATTR_RDONLY };

	for (int i = 0; i < TIMES; i++) {
		int tree = must(
			sys_open_tree(AT_FDCWD, "/usr",
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE),
			"clone /usr");

		must(sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr),
		     "set attributes");
		attach(tree, place);
	}
}

static void bind_the_old_way(void)
{
	for (int i = 0; i < TIMES; i++)
		must(mount("/usr", place, NULL, MS_BIND | MS_REC, NULL), "bind /usr");
}

static void bind_scratch_directories(void)
{
	for (int i = 0; i < TIMES; i++) {
		char path[32];

		snprintf(path, sizeof(path), "%s/%d", scratch, i);
		must(mkdir(path, 0755), path);
		attach(must(sys_open_tree(AT_FDCWD, path,
					  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
			    path),
		       place);
	}
}

static void close_root_in_place(void)
{
	const struct sys_mount_attr attr = { .attr_set = PLAIN | MOUNT_ATTR_RDONLY,
					     .propagation = MS_PRIVATE };

	must(sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr), "set attributes");
}

static void copy_root_and_pivot(void)
{
	const struct sys_mount_attr attr = { .attr_set = PLAIN | MOUNT_ATTR_RDONLY };
	int tree = must(sys_open_tree(AT_FDCWD, "/",
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE),
			"clone /");

	must(sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr),
	     "set attributes");
	must(sys_move_mount(tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), "stack");
	must(fchdir(tree), "enter the copy");
	must(sys_pivot_root(".", "."), "pivot");
	must(umount2(".", MNT_DETACH), "let go of the old root");
}

static void join_keyring(void)
{
	must(sys_keyctl(KEYCTL_JOIN, 0, 0, 0, 0), "join a keyring");
}

static void empty_bounding_set(void)
{
	for (unsigned long cap = 0; cap <= LAST_CAPABILITY; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static void read_status(void)
{
	char text[4096];
	int fd = must(open("/proc/self/status", O_RDONLY | O_CLOEXEC), "open status");

	must(read(fd, text, sizeof(text)), "read status");
	close(fd);
}

static void make_net_namespace(void)
{
	must(unshare(CLONE_NEWNET), "make a network namespace");
}

static void make_user_namespace(void)
{
	must(unshare(CLONE_NEWUSER), "make a user namespace");
}

static void fork_and_wait(void)
{
	pid_t pid = must(fork(), "fork");

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void vfork_and_wait(void)
{
	pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */

	if (pid == 0)
		_exit(0);
	waitpid(must(pid, "vfork"), NULL, 0);
}

static const struct step {
	const char *name;
	void (*run)(void);
} steps[] = {
	{ "nothing", do_nothing },
	{ "root read-only in place", close_root_in_place },
	{ "root copied, pivot, umount", copy_root_and_pivot },
	{ "tmpfs", mount_tmpfs },
	{ "tmpfs by mount(2)", mount_tmpfs_the_old_way },
	{ "proc", mount_proc },
	{ "sysfs", mount_sys },
	{ "devpts", mount_devpts },
	{ "mqueue", mount_mqueue },
	{ "overlay", mount_overlay },
	{ "overlay by mount(2)", mount_overlay_the_old_way },
	{ "10 read-only binds", bind_read_only },
	{ "10 binds by mount(2)", bind_the_old_way },
	{ "10 binds of scratch dirs", bind_scratch_directories },
	{ "keyring", join_keyring },
	{ "bounding set", empty_bounding_set },
	{ "/proc/self/status read", read_status },
	{ "network namespace", make_net_namespace },
	{ "user namespace", make_user_namespace },
	{ "fork and wait", fork_and_wait },
	{ "vfork and wait", vfork_and_wait },
};

enum { STEPS = sizeof(steps) / sizeof(*steps) };

/* ---- rounds -------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	int fd = must(open(path, O_WRONLY | O_CLOEXEC), path);

	must(write(fd, text, strlen(text)), path);
	close(fd);
}

static void map_own_id(uid_t uid, gid_t gid)
{
	char line[64];

	write_file("/proc/self/setgroups", "deny");
	snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	write_file("/proc/self/uid_map", line);
	snprintf(line, sizeof(line), "%u %u 1", gid, gid);
	write_file("/proc/self/gid_map", line);
}

/* What the child tells: how long its step took, and when it was over. */
struct times {
	double step_us, end_us;
};

static _Noreturn void run_step(const struct step *step, uid_t uid, gid_t gid,
			       struct times *ret_times)
{
	double begin;

	map_own_id(uid, gid);
	attach(new_mount("tmpfs", PLAIN), scratch);
	begin = now_us();
	step->run();
	ret_times->end_us = now_us();
	ret_times->step_us = ret_times->end_us - begin;
	_exit(0);
}

/* Returns whether the step worked. */
static bool time_step(const struct step *step, struct times *shared)
{
	const struct sys_clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
			 CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET,
		.exit_signal = SIGCHLD,
	};
	const uid_t uid = getuid();
	const gid_t gid = getgid();
	pid_t pid = must(sys_clone3(&args), "make namespaces");
	int status;

	if (pid == 0)
		run_step(step, uid, gid, shared);
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	shared->end_us = now_us() - shared->end_us;
	return status == 0;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

static void report(const struct step *step, double *step_us, double *end_us, size_t count)
{
	if (count == 0) {
		printf("%-28s  does not work here\n", step->name);
		return;
	}
	qsort(step_us, count, sizeof(*step_us), compare);
	qsort(end_us, count, sizeof(*end_us), compare);
	printf("%-28s %9.1f %9.1f %9.1f\n", step->name, step_us[count / 10],
	       step_us[count / 2], end_us[count / 2]);
}

int main(int argc, char **argv)
{
	static double step_us[STEPS][ROUNDS_MAX];
	static double end_us[STEPS][ROUNDS_MAX];
	static size_t counts[STEPS];
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	struct times *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (rounds < 1 || rounds > ROUNDS_MAX || shared == MAP_FAILED) {
		fprintf(stderr, "usage: steps [ROUNDS], at most %d\n", ROUNDS_MAX);
		return 2;
	}
	for (unsigned long round = 0; round < rounds; round++) {
		for (size_t i = 0; i < STEPS; i++) {
			if (!time_step(&steps[i], shared))
				continue;
			step_us[i][counts[i]] = shared->step_us;
			end_us[i][counts[i]++] = shared->end_us;
		}
	}
	printf("%-28s %9s %9s %9s\n", "us", "p10", "p50", "end");
	for (size_t i = 0; i < STEPS; i++)
		report(&steps[i], step_us[i], end_us[i], counts[i]);
	return 0;
}
