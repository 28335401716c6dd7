/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox's half of a terminal: a pty of the sandbox's own devpts, so that its name
 * means something inside. The command never sees the caller's terminal.
 */
#include "launcher/child.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* The slave by the master, not by a name (ioctl_tty(2)). */
static int open_slave(int master)
{
	int unlocked = 0;

	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return -1;
	return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* In a sandbox that runs already anything may stand there (ptmx(4), devpts). */
static bool is_multiplexer(int fd)
{
	struct stat status;
	struct statfs where;

	return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
	       status.st_rdev == makedev(5, 2) && fstatfs(fd, &where) == 0 &&
	       where.f_type == DEVPTS_SUPER_MAGIC;
}

static int open_master(const struct child *child, const char *path, struct error *err)
{
	const int flags = child->joins ? O_NOFOLLOW | O_NONBLOCK : 0;
	auto_close int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | flags);

	if (fd < 0)
		return error_errno(err, "open a terminal");
	if (child->joins && !is_multiplexer(fd))
		return error_set(err, ERROR_PLAIN,
				 "open a terminal: %s is no pseudoterminal", path);
	if (flags && fcntl(fd, F_SETFL, O_RDWR) < 0)
		return error_errno(err, "open a terminal");
	return fd_take(&fd);
}

/* Size and modes of the caller's terminal, where there is one. */
static void copy_terminal(int slave)
{
	struct winsize size;
	struct termios modes;

	for (int fd = 0; fd <= 2; fd++) {
		if (tcgetattr(fd, &modes) < 0)
			continue;
		(void)tcsetattr(slave, TCSANOW, &modes);
		if (ioctl(fd, TIOCGWINSZ, &size) == 0)
			(void)ioctl(slave, TIOCSWINSZ, &size);
		return;
	}
}

/* What the configuration says counts (process.consoleSize). */
static void set_size(int slave, const struct process_spec *process)
{
	const struct winsize size = { .ws_row = (unsigned short)process->rows,
				      .ws_col = (unsigned short)process->columns };

	if (process->rows || process->columns)
		(void)ioctl(slave, TIOCSWINSZ, &size);
}

/*
 * /dev/console is the same terminal, where /dev has a place for it. Neither of both is looked
 * up by a name that could lead elsewhere: the one is open, the other is no link.
 */
static int place_console(int slave, struct error *err)
{
	auto_close int place = open("/dev/console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	auto_close int clone = -1;
	struct stat status;

	if (place < 0)
		return 0;
	if (fstat(place, &status) < 0 ||
	    (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode)))
		return error_set(err, ERROR_DEVICE_MISSING,
				 "make /dev/console: another file is there");
	clone = sys_open_tree(slave, "",
			      AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (clone < 0 ||
	    sys_move_mount(clone, "", place, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_errno(err, "make /dev/console");
	return 0;
}

void terminal_prepare(int terminal, const struct process_spec *process)
{
	copy_terminal(terminal);
	set_size(terminal, process);
}

int terminal_make(const struct child *child, int *ret_slave, struct error *err)
{
	/* Where no /dev is made there is the host's, and no console in it is ours. */
	const bool own_devices = !child->plan->policy.landlock.whole;
	/* Of a container's the mount of /dev/pts says the group: the one called tty. */
	const gid_t group = child->steps ? (gid_t)-1 : child->gid;
	auto_close int master =
		open_master(child, own_devices ? "/dev/pts/ptmx" : "/dev/ptmx", err);
	auto_close int slave = -1;

	if (master < 0)
		return -1;
	slave = open_slave(master);
	if (slave < 0)
		return error_errno(err, "open a terminal");
	terminal_prepare(slave, &child->plan->process);
	if (fchown(slave, child->uid, group) < 0 && errno != EINVAL && errno != EPERM)
		return error_errno(err, "give the terminal to the user");
	if (own_devices && !child->joins && place_console(slave, err) < 0)
		return -1;
	*ret_slave = fd_take(&slave);
	return fd_take(&master);
}

int terminal_open(struct child *child, struct error *err)
{
	const struct message message = { .turn = TURN_CONSOLE };
	auto_close int slave = -1;
	auto_close int master = terminal_make(child, &slave, err);

	if (master < 0)
		return -1;
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return error_errno(err, "make it the terminal of the session");
	if (sync_send(child->socket, &message, master) < 0)
		return error_errno(err, "hand the terminal over");
	child->terminal = fd_take(&slave);
	return 0;
}
