/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts on devices, on files of the kernel, and on the way up and out of the root. */
#include "tests/sandbox/attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* ---- devices --------------------------------------------------------------------------- */

static const char *make_devices(void)
{
	static const char *const places[] = { ".", "/tmp", "/run", "/dev", "/dev/shm" };
	static const struct {
		mode_t type;
		unsigned int major, minor;
	} devices[] = { { S_IFCHR, 1, 1 }, { S_IFCHR, 1, 3 }, { S_IFBLK, 7, 0 } };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		for (size_t j = 0; j < sizeof(devices) / sizeof(*devices); j++) {
			char path[64];

			snprintf(path, sizeof(path), "%s/sbx-node-%zu", places[i], j);
			if (mknod(path, devices[j].type | 0666,
				  makedev(devices[j].major, devices[j].minor)) < 0)
				continue;
			if (open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) >= 0)
				return reached("the device %s was made and opens", path);
			unlink(path);
		}
	return NULL;
}

/* null zero full random urandom tty console ptmx, and what pts holds. */
static bool is_allowed(dev_t device)
{
	static const unsigned int memory[] = { 3, 5, 7, 8, 9 };

	if (major(device) == 1)
		for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++)
			if (minor(device) == memory[i])
				return true;
	if (major(device) == 5)
		return minor(device) <= 2;
	return major(device) >= 136 && major(device) <= 143;
}

static char strange_device[256];

static int look_at_device(const char *path, const struct stat *status, int type,
			  struct FTW *where)
{
	(void)type;
	(void)where;
	if (!S_ISCHR(status->st_mode) && !S_ISBLK(status->st_mode))
		return 0;
	if (is_allowed(status->st_rdev))
		return 0;
	snprintf(strange_device, sizeof(strange_device), "%s", path);
	return 1;
}

static const char *find_devices(void)
{
	if (nftw("/dev", look_at_device, 16, FTW_PHYS) > 0)
		return reached("%s is a device of the host", strange_device);
	return NULL;
}

/* The answer may be the emulation's of root: who has changed a file has changed its time. */
static bool is_touched(const char *path, const struct stat *before)
{
	struct stat status;

	return stat(path, &status) == 0 &&
	       (status.st_ctim.tv_sec != before->st_ctim.tv_sec ||
		status.st_ctim.tv_nsec != before->st_ctim.tv_nsec);
}

static const char *change_dev(void)
{
	static const char *const nodes[] = { "/dev/null",   "/dev/zero",    "/dev/full",
					     "/dev/random", "/dev/urandom", "/dev/tty" };
	struct stat status;

	if (open("/dev/sbx-new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ||
	    mkdir("/dev/sbx-new", 0700) == 0 || symlink("x", "/dev/sbx-new") == 0)
		return reached("/dev takes new files");
	if (unlink("/dev/fd") == 0 || rename("/dev/null", "/dev/other") == 0)
		return reached("/dev loses files");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		if (stat(nodes[i], &status) < 0)
			return reached("%s is missing", nodes[i]);
		if ((chmod(nodes[i], status.st_mode & 07777) == 0 ||
		     chown(nodes[i], status.st_uid, status.st_gid) == 0) &&
		    is_touched(nodes[i], &status))
			return reached("mode or owner of %s can be changed", nodes[i]);
	}
	return NULL;
}

/* ---- the kernel's files ---------------------------------------------------------------- */

static const char *write_settings(void)
{
	static const char *const files[] = {
		"/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/modprobe",
		"/proc/sys/kernel/hotplug",
		"/proc/sys/kernel/sysrq",
		"/proc/sys/kernel/panic",
		"/proc/sys/kernel/threads-max",
		"/proc/sys/kernel/printk",
		"/proc/sys/kernel/yama/ptrace_scope",
		"/proc/sys/kernel/unprivileged_bpf_disabled",
		"/proc/sys/vm/overcommit_memory",
		"/proc/sys/vm/swappiness",
		"/proc/sys/vm/drop_caches",
		"/proc/sys/fs/file-max",
		"/proc/sys/fs/suid_dumpable",
		"/proc/sys/fs/protected_symlinks",
		"/proc/sys/fs/binfmt_misc/register",
		"/proc/sys/net/core/rmem_max",
		"/proc/sysrq-trigger",
		"/proc/irq/default_smp_affinity",
		"/proc/mtrr",
		"/proc/dynamic_debug/control",
		"/proc/acpi/wakeup",
		"/sys/kernel/uevent_helper",
		"/sys/power/state",
		"/sys/fs/cgroup/cgroup.procs",
		"/sys/fs/cgroup/release_agent",
		"/sys/kernel/mm/transparent_hugepage/enabled",
		"/sys/module/kernel/parameters/panic",
		"/sys/class/net/lo/mtu",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (open(files[i], O_WRONLY | O_CLOEXEC) >= 0)
			return reached("%s can be written", files[i]);
	return NULL;
}

enum { SYS_FILES_MAX = 20000 };

static unsigned int sys_files;
static char writable[512];

static int try_to_write(const char *path, const struct stat *status, int type,
			struct FTW *where)
{
	(void)where;
	if (++sys_files > SYS_FILES_MAX)
		return 2;
	if (type != FTW_F || !(status->st_mode & 0222) || access(path, W_OK) < 0)
		return 0;
	snprintf(writable, sizeof(writable), "%s", path);
	return 1;
}

static const char *write_sys(void)
{
	return nftw("/sys", try_to_write, 16, FTW_PHYS) == 1
		       ? reached("%s can be written", writable)
		       : NULL;
}

static const char *read_secrets(void)
{
	static const char *const files[] = {
		"/proc/kcore",       "/proc/keys",
		"/proc/timer_list",  "/proc/kmsg",
		"/proc/sched_debug", "/proc/latency_stats",
		"/proc/scsi/scsi",   "/sys/firmware",
		"/proc/acpi",        "/sys/devices/virtual/powercap",
		"/proc/kpagecount",  "/proc/kpageflags",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int fd = open(files[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		const struct dirent *entry;
		char byte;
		DIR *list;

		if (fd < 0)
			continue;
		if (read(fd, &byte, 1) > 0)
			return reached("%s can be read", files[i]);
		list = fdopendir(fd);
		while (list && (entry = readdir(list)) != NULL)
			if (entry->d_name[0] != '.')
				return reached("%s shows %s", files[i], entry->d_name);
	}
	return NULL;
}

/* ---- up and out ------------------------------------------------------------------------ */

static const char *see_canary(const char *where)
{
	const char *path = canary("CANARY_FILE");
	char relative[1024];

	snprintf(relative, sizeof(relative), ".%s", path);
	if (access(path, F_OK) == 0)
		return reached("%s is there, %s", path, where);
	if (access(relative, F_OK) == 0)
		return reached("%s is there, %s", relative, where);
	return NULL;
}

static const char *climb(void)
{
	const char *what;
	struct stat root, top;

	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			return reached("'..' cannot be entered");
	what = see_canary("above the working directory");
	if (what)
		return what;
	if (stat(".", &top) < 0 || stat("/", &root) < 0 || top.st_ino != root.st_ino ||
	    top.st_dev != root.st_dev)
		return reached("the top of '..' is not the root");
	if (chdir("/..") < 0)
		return reached("'/..' cannot be entered");
	if (stat(".", &top) < 0 || top.st_ino != root.st_ino || top.st_dev != root.st_dev)
		return reached("'/..' is not the root");
	return see_canary("in '/..'");
}

/* The old way out of chroot(2), which has no effect where the root is the namespace's. */
static const char *climb_out_of_chroot(void)
{
	(void)mkdir("/tmp/sbx-jail", 0700);
	if (chdir("/") < 0 || chroot("/tmp/sbx-jail") < 0)
		return NULL;
	for (int i = 0; i < 64; i++)
		(void)!chdir("..");
	if (chroot(".") < 0)
		return NULL;
	return see_canary("outside of a chroot");
}

static const char *follow_own_links(void)
{
	static const char *const ways[] = {
		"/proc/self/root",   "/proc/self/cwd/..", "/proc/thread-self/root",
		"/proc/1/root",      "/proc/1/cwd",       "/dev/fd/0/..",
		"/proc/self/root/.."
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const char *what;

		if (chdir(ways[i]) < 0)
			continue;
		what = see_canary(ways[i]);
		if (what)
			return what;
	}
	return NULL;
}

/* CANARY_HANDLE is "TYPE.HEX": a name of the canary that needs no path. */
static const char *open_by_handle(void)
{
	static const char *const mounts[] = { "/", "/proc", "/tmp", "/dev", "." };
	const char *text = canary("CANARY_HANDLE");
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} file = { .handle = { .handle_type = atoi(text) } };
	const char *hex = strchr(text, '.');

	for (hex = hex ? hex + 1 : ""; hex[0] && hex[1]; hex += 2) {
		const char digits[3] = { hex[0], hex[1], '\0' };

		file.handle.f_handle[file.handle.handle_bytes++] =
			(unsigned char)strtoul(digits, NULL, 16);
	}
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		int fd = open(mounts[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (open_by_handle_at(fd, &file.handle, O_RDONLY | O_CLOEXEC) >= 0)
			return reached("the handle opens the canary below %s", mounts[i]);
	}
	return NULL;
}

/* Whatever is below the canary's name in the sandbox, it is not the canary. */
static const char *find_canary(void)
{
	char text[64] = "";
	int fd = open(canary("CANARY_FILE"), O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "canary"))
		return reached("%s can be read", canary("CANARY_FILE"));
	return NULL;
}

const struct attempt attempts_on_files[] = {
	{ "make-devices", make_devices },
	{ "find-devices", find_devices },
	{ "change-dev", change_dev },
	{ "kernel-settings", write_settings },
	{ "sys", write_sys },
	{ "kernel-secrets", read_secrets },
	{ "climb", climb },
	{ "chroot", climb_out_of_chroot },
	{ "own-links", follow_own_links },
	{ "handle", open_by_handle },
	{ "canary", find_canary },
	{ NULL, NULL },
};
