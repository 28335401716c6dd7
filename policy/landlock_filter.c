/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --isolation landlock forbids beside Landlock: that knows files, TCP, signals and
 * abstract sockets, and there is no namespace to keep the rest in. The filter lies below
 * that of the policy, which can only take more away.
 */
#include "policy/policy.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/bpf.h"
#include "policy/readers.h"

#include <string.h>

enum { ABI_UNIX_BY_PATH = 9 };

/* New namespaces bring capabilities, and with them code that Landlock does not watch. */
static const char base[] =
	"%sbx-policy 1\n"
	"@default allow\n"
	"@known allow\n"
	"{unshare, setns}: errno(EPERM) explain \"there are no namespaces here\"\n"
	"clone: (flags & CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|CLONE_NEWPID|"
	"CLONE_NEWNET|CLONE_NEWCGROUP|CLONE_NEWTIME) == 0; else errno(EPERM) explain "
	"\"there are no namespaces here\"\n"
	"clone3: errno(ENOSYS) explain \"its flags cannot be looked at\"\n"
	"@mount: errno(EPERM) explain \"nothing is mounted here\"\n"
	"{io_uring_setup, io_uring_enter, io_uring_register}: errno(ENOSYS) explain "
	"\"a filter does not see what it does\"\n"
	/* Compared on 32 bits, as the kernel looks at no more. */
	"ioctl: cmd != TIOCSTI && cmd != TIOCLINUX; else errno(EPERM) explain "
	"\"types into a terminal\"\n"
	/* A limit of CPU time kills, as a signal does. */
	"prlimit64: arg0 == 0 || arg2 == 0; else errno(EPERM) explain "
	"\"changes the limits of other processes\"\n"
	/* Found by names that all processes of the host share. */
	"{shmget, shmat, shmctl, semget, semop, semtimedop, semctl, msgget, msgsnd, msgrcv, "
	"msgctl, mq_open, mq_unlink}: errno(EPERM) explain "
	"\"the names are those of the host\"\n";

/* They change what lies outside, and no right of Landlock is about them. */
static const char modes[] =
	"{@chown, chmod, fchmod, fchmodat, fchmodat2, setxattr, lsetxattr, fsetxattr, "
	"setxattrat, removexattr, lremovexattr, fremovexattr, removexattrat, file_setattr, "
	"utime, utimes, futimesat, utimensat}: errno(EPERM) explain "
	"\"changes what lies outside\"\n";

/*
 * A pair of datagram sockets can be connected to another address, or send there: only those
 * that stay with each other are left (unix(7)).
 */
static const char pairs[] =
	"socketpair: (type & 0xf) == SOCK_STREAM || (type & 0xf) == SOCK_SEQPACKET; else "
	"errno(EPERM) explain \"could reach sockets of the host\"\n";

#define UNIX_FAMILY "domain == AF_UNIX"
#define NETWORK_FAMILIES                                                                 \
	"domain == AF_INET || domain == AF_INET6 || "                                    \
	"(domain == AF_NETLINK && protocol == NETLINK_ROUTE)"
#define NO_OTHERS "; else errno(EAFNOSUPPORT) explain \"--isolation landlock\"\n"

static const char *socket_line(bool by_path, bool network)
{
	if (by_path && network)
		return "socket: " UNIX_FAMILY " || " NETWORK_FAMILIES NO_OTHERS;
	if (by_path)
		return "socket: " UNIX_FAMILY NO_OTHERS;
	if (network)
		return "socket: " NETWORK_FAMILIES NO_OTHERS;
	return "socket: errno(EAFNOSUPPORT) explain \"--isolation landlock\"\n";
}

int landlock_close_rest(struct landlock_spec *spec, struct arena *arena,
			struct error *err)
{
	/* Where their paths can be watched, or nobody wants them watched, they may be used. */
	const bool by_path =
		landlock_abi() >= ABI_UNIX_BY_PATH || !spec->scope_abstract_unix;
	const struct profile_conditions conditions = { .caps = 0 };
	const struct bpf_wishes wishes = { .explains = false };
	struct notes notes = { .arena = arena };
	struct profile profile = { .name = NULL };
	struct rules rules = { .flags = 0 };
	char *text = arena_printf(arena, "%s%s%s%s", base, spec->keeps_modes ? modes : "",
				  by_path ? "" : pairs,
				  socket_line(by_path, spec->reaches_network));

	if (native_read(text, strlen(text), "isolation landlock", NULL, arena, &profile,
			err) < 0 ||
	    profile.resolve(&profile, &conditions, arena, &rules, &notes, err) < 0 ||
	    bpf_generate(&rules, &wishes, arena, &spec->filter, err) < 0)
		return error_within(err, "close what Landlock leaves open");
	return 0;
}
