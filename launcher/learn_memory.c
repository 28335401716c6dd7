/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pointers of a waiting call point to. It is foreign memory that may change while
 * it is read: good enough to learn from, and nothing is decided by it.
 */
#include "launcher/learn.h"

#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"
#include "policy/learn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum use {
	USE_OPEN,  /* flags in the argument behind the path */
	USE_OPEN2, /* struct open_how there */
	USE_EXECUTE,
	USE_WRITE,   /* the file itself */
	USE_CHANGE,  /* a name in its directory */
	USE_ADDRESS, /* a struct sockaddr, its length behind it */
};

/* Arguments by their place; NONE: paths start at the working directory. */
enum { NONE = -1 };

static const struct told_path {
	long number;
	int dirfd, path;
	enum use use;
} told_paths[] = {
#ifdef SYS_open
	{ SYS_open, NONE, 0, USE_OPEN },      { SYS_creat, NONE, 0, USE_CHANGE },
	{ SYS_mkdir, NONE, 0, USE_CHANGE },   { SYS_rmdir, NONE, 0, USE_CHANGE },
	{ SYS_unlink, NONE, 0, USE_CHANGE },  { SYS_rename, NONE, 0, USE_CHANGE },
	{ SYS_rename, NONE, 1, USE_CHANGE },  { SYS_link, NONE, 0, USE_CHANGE },
	{ SYS_link, NONE, 1, USE_CHANGE },    { SYS_symlink, NONE, 1, USE_CHANGE },
	{ SYS_mknod, NONE, 0, USE_CHANGE },
#endif
	{ SYS_openat, 0, 1, USE_OPEN },       { SYS_openat2, 0, 1, USE_OPEN2 },
	{ SYS_mkdirat, 0, 1, USE_CHANGE },    { SYS_unlinkat, 0, 1, USE_CHANGE },
	{ SYS_renameat2, 0, 1, USE_CHANGE },  { SYS_renameat2, 2, 3, USE_CHANGE },
#ifdef SYS_renameat
	{ SYS_renameat, 0, 1, USE_CHANGE },   { SYS_renameat, 2, 3, USE_CHANGE },
#endif
	{ SYS_linkat, 0, 1, USE_CHANGE },     { SYS_linkat, 2, 3, USE_CHANGE },
	{ SYS_symlinkat, 1, 2, USE_CHANGE },  { SYS_mknodat, 0, 1, USE_CHANGE },
	{ SYS_truncate, NONE, 0, USE_WRITE }, { SYS_execve, NONE, 0, USE_EXECUTE },
	{ SYS_execveat, 0, 1, USE_EXECUTE },  { SYS_connect, NONE, 1, USE_ADDRESS },
	{ SYS_bind, NONE, 1, USE_ADDRESS },   { SYS_sendto, NONE, 4, USE_ADDRESS },
};

/* ---- memory and paths ------------------------------------------------------------------ */

static ssize_t read_memory(pid_t pid, uint64_t from, void *to, size_t size)
{
	const struct iovec local = { to, size };
	const struct iovec remote = { (void *)(uintptr_t)from, size };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

/* Page by page: the text may end just before one that is not there. */
static bool read_text(pid_t pid, uint64_t from, char *text, size_t size)
{
	size_t used = 0;

	while (used < size) {
		size_t part = 4096 - (size_t)((from + used) % 4096);

		if (part > size - used)
			part = size - used;
		if (read_memory(pid, from + used, text + used, part) != (ssize_t)part)
			return false;
		if (memchr(text + used, '\0', part))
			return true;
		used += part;
	}
	return false;
}

static bool read_link(const char *path, char *target, size_t size)
{
	ssize_t length = readlink(path, target, size - 1);

	if (length <= 0)
		return false;
	target[length] = '\0';
	return target[0] == '/';
}

/* path, of PATH_MAX, becomes dir/name. False: it would be too long. */
static bool join(char *path, const char *dir, const char *name)
{
	if (strlen(dir) + strlen(name) + 2 > PATH_MAX)
		return false;
	*stpncpy(path, dir, PATH_MAX - 1) = '/';
	snprintf(path + strlen(dir) + 1, PATH_MAX - strlen(dir) - 1, "%s", name);
	return true;
}

/* Without "." and "..", as if no link stood in the path. */
static void make_plain(char *path)
{
	char plain[PATH_MAX] = "";
	size_t used = 0;
	char *saved = NULL;

	for (char *part = strtok_r(path, "/", &saved); part;
	     part = strtok_r(NULL, "/", &saved)) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			while (used && plain[--used] != '/')
				;
			plain[used] = '\0';
			continue;
		}
		used += (size_t)snprintf(plain + used, sizeof(plain) - used, "/%s", part);
	}
	memcpy(path, used ? plain : "/", (used ? used : 1) + 1);
}

/* A ".." behind a link leads elsewhere than the text says: the kernel is asked. */
static void resolve_dots(pid_t pid, char *path)
{
	char link[64], dir[PATH_MAX], name[NAME_MAX + 1];
	auto_close int root = -1, parent = -1;

	if (strstr(path, "/..")) {
		snprintf(link, sizeof(link), "/proc/%d/root", pid);
		root = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root >= 0)
			parent = files_open_parent_in_root(root, path, name);
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", parent);
	if (parent < 0 || !read_link(link, dir, sizeof(dir)) ||
	    !join(path, dir[1] ? dir : "", name))
		make_plain(path);
}

/* Relative paths start at the working directory. size of path: PATH_MAX. */
static bool make_whole(pid_t pid, int dirfd, const char *text, char *path)
{
	char base[PATH_MAX] = "", link[64];

	if (dirfd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
	else
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, dirfd);
	if (text[0] != '/' && !read_link(link, base, sizeof(base)))
		return false;
	if (!join(path, base, text))
		return false;
	resolve_dots(pid, path);
	return true;
}

/* The whole path of an argument, as it is inside. size of path: PATH_MAX. */
static bool find_path(pid_t pid, const struct seccomp_data *data,
		      const struct told_path *told, char *path)
{
	char text[PATH_MAX];
	const int dirfd = told->dirfd == NONE ? AT_FDCWD : (int)data->args[told->dirfd];

	return read_text(pid, data->args[told->path], text, sizeof(text)) &&
	       make_whole(pid, dirfd, text, path);
}

/* What is at a path of the sandbox. */
static bool look_at(pid_t pid, const char *path, struct stat *ret_status)
{
	char whole[PATH_MAX + 32];

	snprintf(whole, sizeof(whole), "/proc/%d/root%s", pid, path);
	return stat(whole, ret_status) == 0;
}

/* ---- what is noted --------------------------------------------------------------------- */

/* Names are made and removed in a directory: it is that which has to be writable. */
static void note_change(struct learner *learner, char *path)
{
	char *slash = strrchr(path, '/');

	slash[slash == path] = '\0';
	learn_file(learner->learned, path, true);
}

static void note_open(struct learner *learner, pid_t pid, char *path, uint64_t flags)
{
	const bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
	struct stat status;
	bool found;

	/* Landlock has nothing to say about a mere place. */
	if (flags & O_PATH)
		return;
	found = look_at(pid, path, &status);

	if (flags & O_CREAT && !(found && !S_ISREG(status.st_mode)))
		note_change(learner, path);
	else if (found && S_ISDIR(status.st_mode) && !writes)
		learn_listing(learner->learned, path);
	else if (found)
		learn_file(learner->learned, path, writes);
}

static void note_open2(struct learner *learner, pid_t pid, char *path, uint64_t how_at)
{
	struct open_how how;

	if (read_memory(pid, how_at, &how, sizeof(how)) == sizeof(how))
		note_open(learner, pid, path, how.flags);
}

/* The path of a socket: made in its directory, or written to. */
static void note_socket(struct learner *learner, pid_t pid, bool binds, const char *name)
{
	char text[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1], path[PATH_MAX];
	struct stat status;

	snprintf(text, sizeof(text), "%.*s", (int)sizeof(text) - 1, name);
	if (!text[0] || !make_whole(pid, AT_FDCWD, text, path))
		return;
	if (binds)
		note_change(learner, path);
	else if (look_at(pid, path, &status))
		learn_file(learner->learned, path, true);
}

/* The program, and the interpreter that the kernel starts for a script (execve(2)). */
static void note_program(struct learner *learner, pid_t pid, const char *path)
{
	char whole[PATH_MAX + 32], head[256] = "";
	char *word;
	auto_close int fd = -1;
	struct stat status;

	if (!look_at(pid, path, &status) || !S_ISREG(status.st_mode))
		return;
	learn_file(learner->learned, path, false);
	snprintf(whole, sizeof(whole), "/proc/%d/root%s", pid, path);
	fd = open(whole, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || read(fd, head, sizeof(head) - 1) < 3 || memcmp(head, "#!", 2) != 0)
		return;
	word = head + 2 + strspn(head + 2, " \t");
	word[strcspn(word, " \t\n")] = '\0';
	if (word[0] == '/')
		learn_file(learner->learned, word, false);
}

static void note_address(struct learner *learner, pid_t pid,
			 const struct seccomp_data *data)
{
	const char *verb = data->nr == SYS_bind      ? "bind"
			   : data->nr == SYS_connect ? "connect"
						     : "send";
	struct sockaddr_storage address = { 0 };
	const struct sockaddr_un *local = (const struct sockaddr_un *)(void *)&address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)(void *)&address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(void *)&address;
	const int place = data->nr == SYS_sendto ? 4 : 1;
	size_t size = data->args[place + 1];
	char host[INET6_ADDRSTRLEN] = "?", text[256];

	/* sendto(2) on a connection has no address. */
	if (!data->args[place] || size > sizeof(address) ||
	    read_memory(pid, data->args[place], &address, size) != (ssize_t)size)
		return;
	switch (address.ss_family) {
	case AF_UNIX:
		note_socket(learner, pid, data->nr == SYS_bind, local->sun_path);
		snprintf(text, sizeof(text), "%s unix %s%.107s", verb,
			 local->sun_path[0] ? "" : "@",
			 local->sun_path + !local->sun_path[0]);
		break;
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "%s %s:%u", verb, host, ntohs(in->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "%s [%s]:%u", verb, host,
			 ntohs(in6->sin6_port));
		break;
	default:
		return;
	}
	learn_destination(learner->learned, text);
}

static void note(struct learner *learner, pid_t pid, const struct seccomp_data *data,
		 const struct told_path *told)
{
	char path[PATH_MAX];
	struct stat status;

	if (told->use == USE_ADDRESS) {
		note_address(learner, pid, data);
		return;
	}
	if (!find_path(pid, data, told, path))
		return;
	switch (told->use) {
	case USE_OPEN:
		note_open(learner, pid, path, data->args[told->path + 1]);
		return;
	case USE_OPEN2:
		note_open2(learner, pid, path, data->args[told->path + 1]);
		return;
	case USE_CHANGE:
		note_change(learner, path);
		return;
	case USE_EXECUTE:
		note_program(learner, pid, path);
		return;
	case USE_WRITE:
		if (look_at(pid, path, &status))
			learn_file(learner->learned, path, true);
		return;
	case USE_ADDRESS:
		return;
	}
}

void learner_look(struct learner *learner, pid_t pid, const struct seccomp_data *data)
{
	for (size_t i = 0; i < sizeof(told_paths) / sizeof(*told_paths); i++) {
		if (told_paths[i].number == data->nr)
			note(learner, pid, data, &told_paths[i]);
	}
}

/* Right after an exec the program and its loader are what is mapped (proc_pid_maps(5)). */
void learner_meet(struct learner *learner, pid_t pid)
{
	char path[32], line[PATH_MAX + 128];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return;
	while (fgets(line, sizeof(line), maps)) {
		char *file = strchr(line, '/');

		if (!file)
			continue;
		file[strcspn(file, "\n")] = '\0';
		if (!strstr(file, " (deleted)"))
			learn_file(learner->learned, file, false);
	}
	(void)fclose(maps);
}
