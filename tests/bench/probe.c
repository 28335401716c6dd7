/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs as the command of a sandbox and says how it is shut in, one fact on a line, so that
 * only starts of equal isolation are compared with each other.
 *
 *	probe facts [ns:KIND=LINK | dir:NAME=PATH=DEV:INODE]…
 *	probe mounts
 *	probe wait
 *
 * `facts`: each word is a thing of the host that must not be met inside: a namespace by
 * the text of its link, a directory by its device and inode. `mounts`: the mount table as
 * "POINT TYPE ro|rw". `wait`: writes one byte to standard output and ends at the end of
 * file of standard input.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	FILE_MAX_BYTES = 1 << 18, /* a mount table with hundreds of rows */
	FIRST_PIDS = 100,         /* a pid namespace that has just been made */
};

static char text[FILE_MAX_BYTES];

/* The file's content in `text`; empty when it cannot be read. */
static const char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t length = 0;

	if (file) {
		length = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[length] = '\0';
	return text;
}

static void say_if(bool holds, const char *fact)
{
	if (holds)
		puts(fact);
}

/* ---- what must differ from the host ------------------------------------------------- */

/* word: KIND=LINK, as in "net=net:[4026531840]" */
static void report_namespace(const char *word)
{
	const char *link = strchr(word, '=');
	char path[64];
	char target[64] = "";

	if (!link)
		return;
	snprintf(path, sizeof(path), "/proc/self/ns/%.*s", (int)(link - word), word);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return;
	if (strcmp(target, link + 1) != 0)
		printf("own-%.*s-namespace\n", (int)(link - word), word);
}

/* word: NAME=PATH=DEV:INODE */
static void report_directory(const char *word)
{
	const char *path = strchr(word, '=');
	const char *identity = strrchr(word, '=');
	char place[PATH_MAX];
	char met[64] = "";
	struct stat status;

	if (!path || identity == path)
		return;
	snprintf(place, sizeof(place), "%.*s", (int)(identity - path - 1), path + 1);
	if (stat(place, &status) == 0)
		snprintf(met, sizeof(met), "%ju:%ju", (uintmax_t)status.st_dev,
			 (uintmax_t)status.st_ino);
	if (strcmp(met, identity + 1) != 0)
		printf("own-%.*s-directory\n", (int)(path - word), word);
}

/* ---- facts without a word ----------------------------------------------------------- */

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/');
}

/* Where a sandbox may have something writable of its own. */
static bool may_be_writable(const char *point)
{
	static const char *const places[] = { "/tmp",  "/run",  "/dev",     "/proc",
					      "/home", "/root", "/var/tmp", "/sys" };
	char cwd[PATH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (is_below(point, places[i]))
			return true;
	}
	return getcwd(cwd, sizeof(cwd)) && is_below(point, cwd);
}

struct mount_row {
	char point[PATH_MAX];
	char options[256];
	char type[32];
};

/* The next row of a mountinfo text (proc_pid_mountinfo(5)); NULL at its end. */
static char *next_mount(char *rest, struct mount_row *ret_row)
{
	char *end = strchr(rest, '\n');

	if (!end)
		return NULL;
	*end = '\0';

	const char *type = strstr(rest, " - ");

	*ret_row = (struct mount_row){ .point = "" };
	sscanf(rest, "%*d %*d %*s %*s %4095s %255s", ret_row->point, ret_row->options);
	if (type)
		sscanf(type, " - %31s", ret_row->type);
	return end + 1;
}

static bool is_read_only(const struct mount_row *row)
{
	return strncmp(row->options, "ro", 2) == 0 &&
	       (row->options[2] == ',' || row->options[2] == '\0');
}

static bool mounts_are_read_only(void)
{
	static struct mount_row row;
	char *rest;

	if (read_text("/proc/self/mountinfo")[0] == '\0')
		return false;
	for (rest = next_mount(text, &row); rest; rest = next_mount(rest, &row)) {
		if (!is_read_only(&row) && !may_be_writable(row.point))
			return false;
	}
	return true;
}

static bool is_read_only_at(const char *path)
{
	struct statvfs status;

	return statvfs(path, &status) == 0 && (status.f_flag & ST_RDONLY);
}

static bool proc_is_own(void)
{
	char target[32] = "";
	char own[32];

	snprintf(own, sizeof(own), "%d", getpid());
	if (readlink("/proc/self", target, sizeof(target) - 1) < 0)
		return false;
	return strcmp(target, own) == 0 && getpid() < FIRST_PIDS;
}

/* No block device, and of the others only those that every program may use. */
static bool dev_is_own(void)
{
	static const char harmless[] = " null zero full random urandom tty console ptmx ";
	DIR *directory = opendir("/dev");
	bool own = directory != NULL;
	struct dirent *entry;

	while (own && (entry = readdir(directory))) {
		char word[sizeof(entry->d_name) + 2];
		struct stat status;

		snprintf(word, sizeof(word), " %s ", entry->d_name);
		if (fstatat(dirfd(directory), entry->d_name, &status,
			    AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISBLK(status.st_mode) ||
		    (S_ISCHR(status.st_mode) && !strstr(harmless, word)))
			own = false;
	}
	if (directory)
		closedir(directory);
	return own;
}

static bool loopback_is_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 &&
		  (request.ifr_flags & IFF_UP);

	if (fd >= 0)
		close(fd);
	return up;
}

/* One line, and its last number, the count, is 1. */
static bool maps_one_id(const char *path)
{
	const char *map = read_text(path);
	size_t length = strlen(map);

	return strchr(map, '\n') == map + length - 1 && length > 3 &&
	       strcmp(map + length - 3, " 1\n") == 0;
}

static bool core_files_are_off(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur <= 1;
}

/* One of the sets in status, as "CapBnd:\t". */
static unsigned long long status_number(const char *status, const char *key, int base)
{
	const char *found = strstr(status, key);

	return found ? strtoull(found + strlen(key), NULL, base) : ~0ULL;
}

static void report_powers(void)
{
	const char *status = read_text("/proc/self/status");

	say_if(status_number(status, "CapEff:\t", 16) == 0 &&
		       status_number(status, "CapPrm:\t", 16) == 0 &&
		       status_number(status, "CapInh:\t", 16) == 0 &&
		       status_number(status, "CapAmb:\t", 16) == 0,
	       "no-capabilities");
	say_if(status_number(status, "CapBnd:\t", 16) == 0, "no-bounding-set");
	say_if(status_number(status, "NoNewPrivs:\t", 10) == 1, "no-new-privileges");
	say_if(status_number(status, "Seccomp:\t", 10) == 2, "seccomp-filter");
}

static int report_facts(char *const *words)
{
	for (; *words; words++) {
		if (strncmp(*words, "ns:", 3) == 0)
			report_namespace(*words + 3);
		if (strncmp(*words, "dir:", 4) == 0)
			report_directory(*words + 4);
	}
	say_if(is_read_only_at("/"), "read-only-root");
	say_if(mounts_are_read_only(), "read-only-mounts");
	say_if(is_read_only_at("/sys"), "read-only-sys");
	say_if(proc_is_own(), "own-proc");
	say_if(dev_is_own(), "own-dev");
	say_if(loopback_is_up(), "loopback-up");
	say_if(maps_one_id("/proc/self/uid_map"), "one-uid");
	say_if(maps_one_id("/proc/self/gid_map"), "one-gid");
	say_if(getgroups(0, NULL) <= 1, "no-extra-groups");
	say_if(getsid(0) > 0, "own-session");
	say_if(core_files_are_off(), "no-core-files");
	report_powers();
	return 0;
}

static int report_mounts(void)
{
	static struct mount_row row;
	char *rest;

	read_text("/proc/self/mountinfo");
	for (rest = next_mount(text, &row); rest; rest = next_mount(rest, &row))
		printf("%s %s %s\n", row.point, row.type,
		       is_read_only(&row) ? "ro" : "rw");
	return 0;
}

static int wait_for_release(void)
{
	char byte = '.';

	if (write(STDOUT_FILENO, &byte, 1) != 1)
		return 1;
	return read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "facts") == 0)
		return report_facts(argv + 2);
	if (argc == 2 && strcmp(argv[1], "mounts") == 0)
		return report_mounts();
	if (argc == 2 && strcmp(argv[1], "wait") == 0)
		return wait_for_release();
	fputs("usage: probe facts [WORD...] | mounts | wait\n", stderr);
	return 2;
}
