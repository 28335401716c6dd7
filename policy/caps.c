/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability sets of one thread.
 *
 * Permitted, effective, inheritable and ambient sets go through libcap-ng. The bounding
 * set does not: for it the library reads /proc/PID/status three times (50 µs), which
 * after a change of root may be a stranger's or nobody's, and it reports success without
 * CAP_SETPCAP. What counts is what the kernel says afterwards, so everything is read back
 * and a difference is an error.
 *
 * It may run in a vfork(2)ed child: nothing here allocates or leaves state that matters
 * to the parent; the library's own state is filled anew at each call.
 */
#include "policy/policy.h"

#include "base/error.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_BIT(number) (UINT64_C(1) << (number))

enum { CAPS_MAX = 64 }; /* bits of a set; more than any kernel has */

/* The sets of the calling thread, as the kernel tells them. */
struct caps_state {
	uint64_t effective, permitted, inheritable, ambient;
};

/* The lowest capability of a set that is not empty, for a message. */
static const char *first_name(uint64_t set)
{
	const char *name = caps_name((unsigned int)__builtin_ctzll(set));

	return name ? name : "a capability without a name";
}

/* The sets of a plan; where they are not separate, two of them say all five. */
struct caps_wanted {
	uint64_t bounding, permitted, effective, inheritable, ambient;
};

static struct caps_wanted wanted_of(const struct caps_spec *caps)
{
	if (caps->separate)
		return (struct caps_wanted){
			.bounding = caps->bounding,
			.permitted = caps->kept,
			.effective = caps->effective,
			.inheritable = caps->inheritable,
			.ambient = caps->ambient,
		};
	return (struct caps_wanted){
		.bounding = caps->kept,
		.permitted = caps->kept,
		.effective = caps->kept,
		.inheritable = caps->ambient,
		.ambient = caps->ambient,
	};
}

static int check_spec(const struct caps_spec *caps, struct error *err)
{
	uint64_t unknown = caps->kept & ~caps_all();
	uint64_t strange = caps->ambient & ~caps->kept;

	if (unknown)
		return error_set(err, ERROR_CAPABILITIES,
				 "keep %s: this kernel does not know it",
				 first_name(unknown));
	if (strange)
		return error_set(err, ERROR_CAPABILITIES,
				 "make %s ambient: it is not kept", first_name(strange));
	return 0;
}

/*
 * EPERM is left to the reading back: without CAP_SETPCAP a bounding set that is small
 * enough already is as good as one that was dropped.
 */
int caps_bound(uint64_t kept, struct error *err)
{
	for (unsigned int i = 0; i < CAPS_MAX; i++) {
		if (kept & CAP_BIT(i))
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0 || errno == EPERM)
			continue;
		if (errno == EINVAL && i > 0)
			return 0;
		return error_errno_id(err, ERROR_CAPABILITIES,
				      "drop capability %u from the bounding set", i);
	}
	return 0;
}

/* Only EINVAL is the end of what the kernel knows: whatever else it says hides the rest. */
static int read_bounding(uint64_t *ret_bounding, struct error *err)
{
	*ret_bounding = 0;
	for (unsigned int i = 0; i < CAPS_MAX; i++) {
		int bound = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (bound < 0 && errno == EINVAL && i > 0)
			break;
		if (bound < 0)
			return error_errno_id(err, ERROR_CAPABILITIES,
					      "read the bounding set");
		if (bound)
			*ret_bounding |= CAP_BIT(i);
	}
	return 0;
}

static int capset_plain(const struct caps_state *wanted)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	for (unsigned int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(wanted->effective >> (32 * i));
		data[i].permitted = (uint32_t)(wanted->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(wanted->inheritable >> (32 * i));
	}
	return (int)syscall(SYS_capset, &header, data);
}

static int fill_library(const struct caps_wanted *wanted, uint64_t held)
{
	capng_clear(CAPNG_SELECT_ALL);
	/* A child of vfork(2) finds its parent's thread id in the library's state. */
	capng_setpid(0);
	for (unsigned int i = 0; i < CAPS_MAX; i++) {
		int type = 0;

		if ((wanted->permitted | held) & CAP_BIT(i))
			type |= CAPNG_PERMITTED;
		if (wanted->effective & CAP_BIT(i))
			type |= CAPNG_EFFECTIVE;
		if (wanted->inheritable & CAP_BIT(i))
			type |= CAPNG_INHERITABLE;
		if (wanted->ambient & CAP_BIT(i))
			type |= CAPNG_AMBIENT;
		if (type && capng_update(CAPNG_ADD, (capng_type_t)type, i) < 0)
			return -1;
	}
	return 0;
}

static int apply_library(const struct caps_wanted *wanted, uint64_t held,
			 struct error *err)
{
	if (fill_library(wanted, held) < 0)
		return error_set(err, ERROR_CAPABILITIES,
				 "describe the capabilities to libcap-ng");
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return error_errno_id(err, ERROR_CAPABILITIES, "set the capabilities");
	if (capng_apply(CAPNG_SELECT_AMBIENT) < 0)
		return error_errno_id(err, ERROR_CAPABILITIES,
				      "set the ambient capabilities");
	return 0;
}

static int read_state(struct caps_state *ret_state)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	struct caps_state state = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	for (unsigned int i = 0; i < 2; i++) {
		state.effective |= (uint64_t)data[i].effective << (32 * i);
		state.permitted |= (uint64_t)data[i].permitted << (32 * i);
		state.inheritable |= (uint64_t)data[i].inheritable << (32 * i);
	}
	for (unsigned int i = 0; i < CAPS_MAX && state.inheritable; i++) {
		/* What cannot be inherited is not ambient either (capabilities(7)). */
		if (state.inheritable & CAP_BIT(i) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1)
			state.ambient |= CAP_BIT(i);
	}
	*ret_state = state;
	return 0;
}

uint64_t caps_effective(void)
{
	struct caps_state state;

	return read_state(&state) < 0 ? 0 : state.effective;
}

/* One set against what was asked for. */
static int compare_set(const char *set, uint64_t found, uint64_t wanted,
		       struct error *err)
{
	if (found & ~wanted)
		return error_set(err, ERROR_CAPABILITIES,
				 "drop %s: the kernel still has it in the %s set",
				 first_name(found & ~wanted), set);
	if (wanted & ~found)
		return error_set(err, ERROR_CAPABILITIES,
				 "keep %s: the kernel does not have it in the %s set",
				 first_name(wanted & ~found), set);
	return 0;
}

/* The init has shrunk it already, as a rule: then it is only looked at. */
static int check_bounding(uint64_t kept, struct error *err)
{
	uint64_t bounding;

	if (read_bounding(&bounding, err) < 0)
		return -1;
	if (bounding & ~kept &&
	    (caps_bound(kept, err) < 0 || read_bounding(&bounding, err) < 0))
		return -1;
	return compare_set("bounding", bounding, kept, err);
}

static int verify(const struct caps_wanted *wanted, uint64_t held, bool may_gain,
		  struct error *err)
{
	struct caps_state state;

	if (read_state(&state) < 0)
		return error_errno_id(err, ERROR_CAPABILITIES,
				      "read the capabilities back");
	if (compare_set("effective", state.effective, wanted->effective, err) < 0 ||
	    compare_set("permitted", state.permitted, wanted->permitted | held, err) <
		    0 ||
	    compare_set("inheritable", state.inheritable, wanted->inheritable, err) < 0 ||
	    compare_set("ambient", state.ambient, wanted->ambient, err) < 0)
		return -1;
	if (!may_gain && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return error_set(err, ERROR_CAPABILITIES,
				 "forbid new privileges: the kernel did not keep it");
	return 0;
}

static int forbid_new_privileges(struct error *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno_id(err, ERROR_CAPABILITIES, "forbid new privileges");
	return 0;
}

int caps_apply_holding(const struct caps_spec *caps, uint64_t held, struct error *err)
{
	const struct caps_wanted wanted = wanted_of(caps);

	if (check_spec(caps, err) < 0)
		return -1;
	if (check_bounding(wanted.bounding, err) < 0)
		return -1;
	if (apply_library(&wanted, held, err) < 0)
		return -1;
	if (!caps->may_gain && forbid_new_privileges(err) < 0)
		return -1;
	return verify(&wanted, held, caps->may_gain, err);
}

int caps_apply(const struct caps_spec *caps, struct error *err)
{
	return caps_apply_holding(caps, 0, err);
}

int caps_drop_to(uint64_t held, struct error *err)
{
	const struct caps_state wanted = { .permitted = held };
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_errno_id(err, ERROR_CAPABILITIES,
				      "clear the ambient capabilities");
	if (capset_plain(&wanted) < 0)
		return error_errno_id(err, ERROR_CAPABILITIES, "drop all capabilities");
	if (forbid_new_privileges(err) < 0)
		return -1;
	if (syscall(SYS_capget, &header, data) < 0)
		return error_errno_id(err, ERROR_CAPABILITIES,
				      "read the capabilities back");
	if ((data[0].permitted & ~(uint32_t)held) |
	    (data[1].permitted & ~(uint32_t)(held >> 32)) | data[0].effective |
	    data[1].effective | data[0].inheritable | data[1].inheritable)
		return error_set(err, ERROR_CAPABILITIES,
				 "drop all capabilities: the kernel still has some");
	return 0;
}

int caps_drop_all(struct error *err)
{
	return caps_drop_to(0, err);
}
