/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: the least a program can do to start a command in a sandbox, to measure sbx
 * against. It makes the same namespaces and mounts and gives up the same powers, but it
 * checks nothing, explains nothing, forwards no signal and knows the host's root only.
 *
 *	floor --exit
 *	floor [--keyring] [OPERATION DST | --bind SRC DST]… -- COMMAND [ARG…]
 *
 * Operations are done in their order; a DST must exist. --exit ends the program at once:
 * what is left is the cost of an exec and of the C library's start. --keyring joins a
 * session keyring: a named one, which all floors alive share, because a user may have few.
 *
 * The host's tree is not copied a second time: the clone has made a copy already, which
 * becomes read-only in one call, and what is to be hidden is covered.
 */
#include "base/syscalls.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PLAIN = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	NO_PROGRAMS = PLAIN | MOUNT_ATTR_NOEXEC,
	KEYCTL_JOIN = 1,
	KEYCTL_SETPERM = 5,
	VIEW_AND_SEARCH = 0x00090000,
	LAST_CAPABILITY = 63,
};

/* What the operations share: the host's /dev, and one tmpfs for all that is written. */
struct host {
	int dev_fd;
	int scratch_fd;
	int scratch_count;
};

#define SESSION_KEYRING ((unsigned long)-3)

static void die(const char *what)
{
	dprintf(STDERR_FILENO, "floor: cannot %s: %s\n", what, strerror(errno));
	_exit(125);
}

static int must(long result, const char *what)
{
	if (result < 0)
		die(what);
	return (int)result;
}

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

static void bring_loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket");

	request.ifr_flags = IFF_UP | IFF_RUNNING;
	must(ioctl(fd, SIOCSIFFLAGS, &request), "bring lo up");
	close(fd);
}

/* ---- mounts ------------------------------------------------------------------------- */

static void attach(int tree, const char *dest)
{
	must(sys_move_mount(tree, "", AT_FDCWD, dest, MOVE_MOUNT_F_EMPTY_PATH), dest);
}

/* options: pairs of key and value, ended by NULL. Returns the detached mount. */
static int make_mount(const char *type, unsigned int attributes,
		      const char *const *options)
{
	int fs = must(sys_fsopen(type, FSOPEN_CLOEXEC), type);

	for (; options && *options; options += 2)
		must(sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, options[0], options[1], 0),
		     options[0]);
	must(sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0), type);

	int tree = must(sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes), type);

	close(fs);
	return tree;
}

static int make_tmpfs(const char *mode)
{
	const char *const options[] = { "mode", mode, NULL };

	return make_mount("tmpfs", PLAIN, options);
}

static void set_attributes(int tree, const char *path, unsigned int flags,
			   const struct sys_mount_attr *attr)
{
	must(sys_mount_setattr(tree, path, flags, attr), "set mount attributes");
}

static void mount_proc(struct host *host, const char *const *words)
{
	int tree = make_mount("proc", NO_PROGRAMS, NULL);

	(void)host;
	attach(tree, words[0]);
	close(tree);
}

static void mount_sys(struct host *host, const char *const *words)
{
	int tree = make_mount("sysfs", NO_PROGRAMS | MOUNT_ATTR_RDONLY, NULL);

	(void)host;
	attach(tree, words[0]);
	close(tree);
}

static void mount_tmpfs(struct host *host, const char *const *words)
{
	int tree = make_tmpfs("0755");

	(void)host;
	attach(tree, words[0]);
	close(tree);
}

/* The first directory is where the shared tmpfs is put; it ends up below its own part. */
static int scratch_directory(struct host *host, const char *dest)
{
	char name[32];

	if (host->scratch_fd < 0) {
		host->scratch_fd = make_tmpfs("0755");
		attach(host->scratch_fd, dest);
	}
	snprintf(name, sizeof(name), "%d", host->scratch_count++);
	must(mkdirat(host->scratch_fd, name, 0755), dest);
	return must(sys_open_tree(host->scratch_fd, name,
				  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
		    dest);
}

static void mount_scratch(struct host *host, const char *const *words)
{
	int tree = scratch_directory(host, words[0]);

	attach(tree, words[0]);
	close(tree);
}

static void make_directory(struct host *host, const char *const *words)
{
	(void)host;
	must(mkdir(words[0], 0755), words[0]);
}

/* The working directory is the lower layer; "." names it even when it is covered. */
static void mount_cow(struct host *host, const char *const *words)
{
	char options[256];
	int part = scratch_directory(host, words[0]);

	must(mkdirat(part, "upper", 0755), "make an upper layer");
	must(mkdirat(part, "work", 0755), "make an upper layer");
	/* A detached tree has no path that overlayfs could take. */
	attach(part, words[0]);
	snprintf(options, sizeof(options),
		 "lowerdir=.,upperdir=%s/upper,workdir=%s/work,userxattr,volatile",
		 words[0], words[0]);
	must(mount("overlay", words[0], "overlay", MS_NOSUID | MS_NODEV, options),
	     "mount an overlay");
	close(part);
}

static void bind_directory(struct host *host, const char *const *words)
{
	int tree = must(sys_open_tree(AT_FDCWD, words[0],
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE),
			words[0]);
	const struct sys_mount_attr attr = { .attr_set = PLAIN | MOUNT_ATTR_RDONLY };

	(void)host;
	set_attributes(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr);
	attach(tree, words[1]);
	close(tree);
}

static void cover_directory(struct host *host, const char *const *words)
{
	const struct sys_mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int tree = scratch_directory(host, words[0]);

	set_attributes(tree, "", AT_EMPTY_PATH, &attr);
	attach(tree, words[0]);
	close(tree);
}

/* The null device hides a file: nodev, it cannot even be opened. */
static void mask_file(struct host *host, const char *const *words)
{
	int tree = must(
		sys_open_tree(host->dev_fd, "null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
		words[0]);

	attach(tree, words[0]);
	close(tree);
}

static void bind_device(struct host *host, int dev, const char *name)
{
	int file = must(openat(dev, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0444), name);
	int tree = must(
		sys_open_tree(host->dev_fd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
		name);
	const struct sys_mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.attr_clr = MOUNT_ATTR_NODEV,
	};

	set_attributes(tree, "", AT_EMPTY_PATH, &attr);
	must(sys_move_mount(tree, "", file, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
	     name);
	close(tree);
	close(file);
}

static void fill_dev(struct host *host, int dev)
{
	static const char *const nodes[] = { "null",   "zero",    "full",
					     "random", "urandom", "tty" };
	static const char *const links[][2] = {
		{ "/proc/self/fd/0", "stdin" },  { "/proc/self/fd/1", "stdout" },
		{ "/proc/self/fd/2", "stderr" }, { "/proc/self/fd", "fd" },
		{ "/proc/kcore", "core" },       { "pts/ptmx", "ptmx" },
	};
	static const char *const pts_options[] = { "ptmxmode", "0666", "mode", "0620",
						   NULL };

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		bind_device(host, dev, nodes[i]);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		must(symlinkat(links[i][0], dev, links[i][1]), links[i][1]);
	must(mkdirat(dev, "shm", 01777), "make shm");
	must(mkdirat(dev, "pts", 0755), "make pts");

	int pts =
		make_mount("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, pts_options);

	must(sys_move_mount(pts, "", dev, "pts", MOVE_MOUNT_F_EMPTY_PATH),
	     "mount devpts");
	close(pts);
}

static void mount_dev(struct host *host, const char *const *words)
{
	int tree = make_tmpfs("0755");

	attach(tree, words[0]);
	fill_dev(host, tree);
	close(tree);
}

static const struct operation {
	const char *word;
	int operands;
	void (*run)(struct host *host, const char *const *words);
} operations[] = {
	{ "--proc", 1, mount_proc },       { "--sys", 1, mount_sys },
	{ "--dev", 1, mount_dev },         { "--tmpfs", 1, mount_tmpfs },
	{ "--scratch", 1, mount_scratch }, { "--dir", 1, make_directory },
	{ "--cow", 1, mount_cow },         { "--bind", 2, bind_directory },
	{ "--mask", 1, mask_file },        { "--cover", 1, cover_directory },
};

static const struct operation *find_operation(const char *word)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(operations[i].word, word) == 0)
			return &operations[i];
	}
	errno = EINVAL;
	die(word);
	return NULL;
}

/* Does the operations up to "--"; returns the words behind it. */
static const char *const *build_root(const char *const *words)
{
	struct host host = { .scratch_fd = -1 };
	const struct sys_mount_attr attr = { .attr_set = PLAIN | MOUNT_ATTR_RDONLY,
					     .propagation = MS_PRIVATE };

	host.dev_fd = must(open("/dev", O_PATH | O_CLOEXEC), "open /dev");
	set_attributes(AT_FDCWD, "/", AT_RECURSIVE, &attr);
	while (*words && strcmp(*words, "--") != 0) {
		const struct operation *operation = find_operation(*words);

		operation->run(&host, words + 1);
		words += 1 + operation->operands;
	}
	close(host.scratch_fd);
	close(host.dev_fd);
	return *words ? words + 1 : words;
}

/*
 * Leaves the caller's keys behind. Who may not search a keyring by its user's permission
 * cannot find it by name; who only joined it may not change it.
 */
static void join_keyring(void)
{
	must(sys_keyctl(KEYCTL_JOIN, (unsigned long)"sbx-floor", 0, 0, 0),
	     "join a keyring");
	(void)sys_keyctl(KEYCTL_SETPERM, SESSION_KEYRING, VIEW_AND_SEARCH, 0, 0);
}

/* ---- processes ---------------------------------------------------------------------- */

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const struct __user_cap_data_struct none[2] = { { 0 } };

	for (unsigned long cap = 0; cap <= LAST_CAPABILITY; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			break;
	}
	must(syscall(SYS_capset, &header, none), "drop capabilities");
}

static pid_t start_command(const char *const *argv)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	/* A copy of the address space is what the floor saves. */
	pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */

	if (pid == 0) {
		execve(argv[0], (char *const *)argv, (char *const *)env);
		_exit(127);
	}
	return must(pid, "fork");
}

/* Process 1: reaps everything, and reports only when nothing is left but itself. */
static void reap(pid_t command, int report_fd)
{
	int result = 125;

	for (;;) {
		int status;
		pid_t pid = wait(&status);

		if (pid < 0 && errno == ECHILD)
			break;
		if (pid != command)
			continue;
		result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		kill(-1, SIGKILL);
	}
	must(write(report_fd, &result, sizeof(result)), "report");
	_exit(0);
}

static void run_child(const char *const *words, uid_t uid, gid_t gid, int report_fd)
{
	const struct rlimit no_core = { 0, 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	map_own_id(uid, gid);
	must(setsid(), "make a session");
	bring_loopback_up();

	char cwd[4096];
	const char *home = getcwd(cwd, sizeof(cwd)) ? cwd : "/";
	const char *const *argv = build_root(words);

	must(chdir(home), home);
	setrlimit(RLIMIT_CORE, &no_core);
	drop_capabilities();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	reap(start_command(argv), report_fd);
}

int main(int argc, char **argv)
{
	const struct sys_clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
			 CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET,
		.exit_signal = SIGCHLD,
	};
	int pair[2];
	int result;

	if (argc < 2 || strcmp(argv[1], "--exit") == 0)
		return 0;
	if (strcmp(argv[1], "--keyring") == 0) {
		join_keyring();
		argv++;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	must(pipe2(pair, O_CLOEXEC), "make a pipe");

	uid_t uid = getuid();
	gid_t gid = getgid();
	pid_t child = must(sys_clone3(&args), "make namespaces");

	if (child == 0)
		run_child((const char *const *)argv + 1, uid, gid, pair[1]);
	close(pair[1]);
	if (read(pair[0], &result, sizeof(result)) != sizeof(result))
		return 125;
	return result;
}
