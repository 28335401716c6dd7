/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts on process 1 of the sandbox, and on every other process that is sbx. */
#include "tests/sandbox/attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { JOINER_SECONDS = 4 };

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

static const char *read_memory(void)
{
	static const char *const files[] = { "environ",      "mem",        "maps",
					     "smaps",        "auxv",       "syscall",
					     "stack",        "io",         "pagemap",
					     "smaps_rollup", "personality" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char path[64], byte;
		int fd;

		snprintf(path, sizeof(path), "/proc/1/%s", files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (strcmp(files[i], "mem") == 0 || read(fd, &byte, 1) > 0)
			return reached("%s can be read", path);
		close(fd);
	}
	return NULL;
}

static const char *follow_links(void)
{
	static const char *const links[] = { "cwd", "root", "exe", "ns/mnt", "ns/user" };
	char target[256];

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/1/%s", links[i]);
		/* On 5.10 the link of a namespace that is closed is empty, not refused. */
		if (strncmp(links[i], "ns/", 3) != 0 &&
		    (readlink(path, target, sizeof(target)) >= 0 ||
		     open(path, O_PATH | O_CLOEXEC) >= 0))
			return reached("%s can be followed", path);
		if (open(path, O_RDONLY | O_CLOEXEC) >= 0)
			return reached("%s can be opened", path);
	}
	return NULL;
}

static const char *list_descriptors(void)
{
	static const char *const lists[] = { "/proc/1/fd", "/proc/1/fdinfo",
					     "/proc/1/map_files" };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		DIR *list = opendir(lists[i]);
		const struct dirent *entry;

		while (list && (entry = readdir(list)) != NULL)
			if (entry->d_name[0] != '.')
				return reached("%s shows %s", lists[i], entry->d_name);
		if (list)
			closedir(list);
	}
	return NULL;
}

static const char *read_arguments(void)
{
	char text[4096] = "";
	int fd = open("/proc/1/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text));

	/* Its own name is all that it says. */
	if (length > 0 && strcmp(text, "sbx-init") == 0)
		memset(text, 0, sizeof("sbx-init"));
	for (ssize_t i = 0; i < length; i++)
		if (text[i] != '\0')
			return reached("/proc/1/cmdline says '%.*s'", (int)(length - i),
				       text + i);
	return NULL;
}

static const char *trace(void)
{
	char byte;
	struct iovec here = { &byte, 1 };
	struct iovec there = { &byte, 1 };
	long pidfd = syscall(SYS_pidfd_open, 1, 0);

	if (ptrace(PTRACE_SEIZE, 1, NULL, NULL) == 0 ||
	    ptrace(PTRACE_ATTACH, 1, NULL, NULL) == 0)
		return reached("process 1 can be traced");
	/* EFAULT and ESRCH come behind the permission check. */
	if (process_vm_readv(1, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT)
		return reached("process_vm_readv passes");
	if (process_vm_writev(1, &here, 1, &there, 0, 0) >= 0 && errno == EFAULT)
		return reached("process_vm_writev passes");
	if (syscall(SYS_kcmp, getpid(), 1, KCMP_FILE, 0, 0) >= 0)
		return reached("kcmp passes");
	if (pidfd >= 0 && (syscall(SYS_pidfd_getfd, pidfd, 0, 0) >= 0 || errno == EBADF))
		return reached("pidfd_getfd passes");
	return NULL;
}

static const char *write_settings(void)
{
	static const char *const files[] = {
		"oom_score_adj", "oom_adj",   "clear_refs", "coredump_filter",
		"uid_map",       "gid_map",   "setgroups",  "mem",
		"sched",         "autogroup",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/1/%s", files[i]);
		if (open(path, O_WRONLY | O_CLOEXEC) >= 0)
			return reached("%s can be written", path);
	}
	return NULL;
}

/* As /proc/1/stat has it, behind the name in parentheses. */
static char state_of_init(void)
{
	char text[256];
	int fd = open("/proc/1/stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	const char *behind;

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	behind = strrchr(text, ')');
	return behind && behind[1] ? behind[2] : '?';
}

static const char *send_signals(void)
{
	for (int number = 1; number < 65; number++)
		(void)kill(1, number);
	usleep(100000);
	if (kill(1, 0) < 0 && errno == ESRCH)
		return reached("process 1 is gone");
	if (strchr("TtZX", state_of_init()))
		return reached("process 1 is in state %c", state_of_init());
	return NULL;
}

static bool is_sbx(const char *pid)
{
	char path[300], name[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)!read(fd, name, sizeof(name) - 1);
	close(fd);
	return strncmp(name, "sbx", 3) == 0 || strcmp(pid, "1") == 0;
}

/* "Text file busy" is as good as opened: the file is busy only while it runs. */
static const char *write_program(void)
{
	DIR *list = opendir("/proc");
	const struct dirent *entry;

	while (list && (entry = readdir(list)) != NULL) {
		char path[300];

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !is_sbx(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/exe", entry->d_name);
		if (open(path, O_WRONLY | O_CLOEXEC) >= 0 || errno == ETXTBSY)
			return reached("%s can be opened for writing", path);
	}
	return NULL;
}

/*
 * Who has the same ids may set the limits of process 1. That must not change what it does;
 * the test looks at the clock.
 */
static const char *starve(void)
{
	const struct rlimit nothing = { 0, 0 };
	static const int limits[] = { RLIMIT_NOFILE, RLIMIT_SIGPENDING, RLIMIT_NPROC,
				      RLIMIT_FSIZE,  RLIMIT_MSGQUEUE,   RLIMIT_LOCKS };

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		(void)syscall(SYS_prlimit64, 1, limits[i], &nothing, NULL);
	return NULL;
}

/* The command stops and goes on, more often than anybody can be told. */
static const char *stop_and_continue(void)
{
	const pid_t command = getppid();

	for (int i = 0; i < 40000; i++) {
		(void)kill(command, SIGSTOP);
		(void)kill(command, SIGCONT);
		usleep(20);
	}
	return NULL;
}

/*
 * Whoever enters this pid namespace is sbx until it has become a command: its root is the
 * caller's, and its memory holds what the caller had.
 */
static const char *wait_for_joiner(void)
{
	const time_t end = time(NULL) + JOINER_SECONDS;

	while (time(NULL) < end) {
		for (int pid = 2; pid < 100; pid++) {
			char path[1200];

			if (pid == getpid() || pid == getppid())
				continue;
			snprintf(path, sizeof(path), "/proc/%d/root%s", pid,
				 canary("CANARY_FILE"));
			if (open(path, O_RDONLY | O_CLOEXEC) >= 0)
				return reached("%s can be read", path);
		}
		usleep(500);
	}
	return NULL;
}

/* A server of the sandbox stands in the caller's root, and has the command's own id. */
static const char *enter_other_roots(void)
{
	DIR *list = opendir("/proc");
	const struct dirent *entry;

	while (list && (entry = readdir(list)) != NULL) {
		char path[1500];

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/root%s", entry->d_name,
			 canary("CANARY_FILE"));
		if (open(path, O_RDONLY | O_CLOEXEC) >= 0)
			return reached("%s can be read", path);
	}
	return NULL;
}

const struct attempt attempts_on_init[] = {
	{ "init-memory", read_memory },
	{ "init-links", follow_links },
	{ "init-descriptors", list_descriptors },
	{ "init-arguments", read_arguments },
	{ "init-trace", trace },
	{ "init-settings", write_settings },
	{ "init-signals", send_signals },
	{ "init-program", write_program },
	{ "init-limits", starve },
	{ "stop-and-continue", stop_and_continue },
	{ "joiner", wait_for_joiner },
	{ "other-roots", enter_other_roots },
	{ NULL, NULL },
};
