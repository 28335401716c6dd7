/* SPDX-License-Identifier: Apache-2.0 */
#include "net/confine.h"

#include "base/error.h"
#include "base/syscalls.h"
#include "net/confine_filter.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- an empty root -------------------------------------------------------------------- */

/*
 * Any directory will do: what is mounted there becomes the root, and the old tree is let go
 * of with everything in it.
 */
static int mount_nothing(const char **ret_place)
{
	static const char *const places[] = { "/tmp", "/proc", "/dev", "/usr", "/etc" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (mount("none", places[i], "tmpfs",
			  MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			  "size=4096,nr_inodes=2,mode=0555") == 0) {
			*ret_place = places[i];
			return 0;
		}
	return -1;
}

/* pivot_root(2) allows both names to be the same: the old root then lies on the new one. */
static int enter_nothing(struct error *err)
{
	const char *place;

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount_nothing(&place) < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "mount an empty root for sbx-net");
	if (chdir(place) < 0 || sys_pivot_root(".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "enter an empty root with sbx-net");
	return 0;
}

/* ---- limits ------------------------------------------------------------------------------ */

struct limit {
	int resource;
	uint64_t most;
};

#ifdef SBX_SANITIZED
/* The shadow of all memory counts as data, terabytes of it. */
#define OUTER_DATA UINT64_MAX
#define INNER_DATA UINT64_MAX
#else
#define OUTER_DATA (2ULL << 30)
#define INNER_DATA (16 << 20)
#endif

/*
 * Descriptors: two ends and two pipes of some thousand connections. Data: libslirp sets
 * aside 400 KB for each of its connections, most of which is never touched, and ends when it
 * gets no more: all that the frame path lets it have (FRAME_SOCKETS_MAX) must fit.
 */
static const struct limit outer_limits[] = {
	{ RLIMIT_CORE, 0 },       { RLIMIT_NPROC, 0 },         { RLIMIT_MEMLOCK, 0 },
	{ RLIMIT_NOFILE, 65536 }, { RLIMIT_DATA, OUTER_DATA }, { RLIMIT_STACK, 8 << 20 },
};

static const struct limit inner_limits[] = {
	{ RLIMIT_CORE, 0 },        { RLIMIT_NPROC, 0 },    { RLIMIT_MEMLOCK, 0 },
	{ RLIMIT_FSIZE, 0 },       { RLIMIT_NOFILE, 128 }, { RLIMIT_DATA, INNER_DATA },
	{ RLIMIT_STACK, 8 << 20 },
};

/* What prlimit64 takes on every architecture; all bits set is no limit. */
struct limit_pair {
	uint64_t soft, hard;
};

static int exchange_limit(int resource, const struct limit_pair *wanted,
			  struct limit_pair *ret_present)
{
	return (int)syscall(SYS_prlimit64, 0, resource, wanted, ret_present);
}

/* Both to the same: what is lower already stays, nothing can be raised again. */
static int limit_all(const struct limit *limits, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct limit_pair value;

		if (exchange_limit(limits[i].resource, NULL, &value) < 0)
			return error_errno_id(err, ERROR_NETWORK, "read a limit");
		if (value.hard > limits[i].most)
			value.hard = limits[i].most;
		value.soft = value.hard;
		if (exchange_limit(limits[i].resource, &value, NULL) < 0)
			return error_errno_id(err, ERROR_NETWORK,
					      "limit the resources of sbx-net");
	}
	return 0;
}

/* ---- capabilities and calls ---------------------------------------------------------------- */

static int keep_capabilities(uint32_t kept, struct error *err)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = kept, .permitted = kept },
	};

	/* Up to the last one of this kernel; without CAP_SETPCAP there is nothing to drop. */
	for (unsigned long i = 0; i < 64; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			break;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
	    errno != EINVAL)
		return error_errno_id(err, ERROR_NETWORK,
				      "clear the ambient capabilities of sbx-net");
	if (syscall(SYS_capset, &header, data) < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "drop the capabilities of sbx-net");
	return 0;
}

static int filter_calls(enum confine_list list, struct error *err)
{
	struct sock_filter program[CONFINE_PROGRAM_MAX];
	struct sock_fprog filter = { .filter = program };

	filter.len = (unsigned short)confine_write_filter(list, program);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "forbid new privileges to sbx-net");
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "filter the system calls of sbx-net");
	return 0;
}

/*
 * A change of credentials takes the death signal away and may make the process dumpable:
 * PR_SET_PDEATHSIG(2const), PR_SET_DUMPABLE(2const).
 */
static int set_again(int death_signal, struct error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) < 0)
		return error_errno_id(err, ERROR_NETWORK, "close sbx-net off");
	return 0;
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

int confine_outer(struct error *err)
{
	int death_signal = 0;

	(void)prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0) {
		error_errno_id(err, ERROR_NETWORK, "make namespaces for sbx-net");
		return error_hint(err, "sbx doctor");
	}
	if (enter_nothing(err) < 0 ||
	    limit_all(outer_limits, COUNT(outer_limits), err) < 0 ||
	    keep_capabilities(0, err) < 0 || set_again(death_signal, err) < 0)
		return -1;
	return filter_calls(CONFINE_OUTER, err);
}

/*
 * It is in the sandbox's user namespace already, and must stay there: its capabilities
 * over the network are that namespace's.
 */
int confine_inner(struct error *err)
{
	const uint32_t kept = 1U << CAP_NET_ADMIN | 1U << CAP_NET_RAW;
	int death_signal = 0;

	(void)prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "make namespaces for the inner half of sbx-net");
	if (enter_nothing(err) < 0 ||
	    limit_all(inner_limits, COUNT(inner_limits), err) < 0 ||
	    keep_capabilities(kept, err) < 0 || set_again(death_signal, err) < 0)
		return -1;
	return filter_calls(CONFINE_INNER, err);
}
