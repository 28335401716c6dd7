/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/keyring.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/syscalls.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdint.h>

enum {
	KEY_POSSESSOR_VIEW_SEARCH = 0x09 << 24,
	KEY_USER_VIEW_SEARCH = 0x09 << 16,
	/* As a session keyring of a login, and users of the container may search it. */
	KEY_POSSESSOR_ALL = 0x3f << 24,
	KEY_USER_VIEW_READ_SEARCH_LINK = 0x1b << 16,
};

/*
 * Joins the keyring of that name, or makes it. Nobody may write to it, link into it or
 * change that; a keyring that is not empty is not the one we mean.
 */
static int join_named(void)
{
	uint32_t first;
	long id = sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, (unsigned long)"_sbx", 0, 0, 0);
	long length;

	if (id < 0)
		return -1;
	if (sys_keyctl(KEYCTL_SETPERM, (unsigned long)id,
		       KEY_POSSESSOR_VIEW_SEARCH | KEY_USER_VIEW_SEARCH, 0, 0) < 0 &&
	    errno != EACCES)
		return -1;
	length = sys_keyctl(KEYCTL_READ, (unsigned long)id, (unsigned long)&first,
			    sizeof(first), 0);
	return length == 0 ? 0 : -1;
}

/* Calls that a filter around us refuses are refused to the command too. */
static bool has_no_keys(void)
{
	return errno == ENOSYS || errno == EPERM;
}

int keyring_leave(struct error *err)
{
	if (protection_is_off("keyring") || join_named() == 0 || has_no_keys())
		return 0;
	if (sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) >= 0 || has_no_keys())
		return 0;
	error_errno_id(err, ERROR_KEYRING, "leave the caller's keyring");
	return error_hint(err, "cat /proc/key-users shows the quota that is used up");
}

/* Without a name: one with a name could be somebody else's, and is joined then. */
int keyring_own(struct error *err)
{
	long id;

	if (protection_is_off("keyring"))
		return 0;
	id = sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
	if (id >= 0) {
		(void)sys_keyctl(KEYCTL_SETPERM, (unsigned long)id,
				 KEY_POSSESSOR_ALL | KEY_USER_VIEW_READ_SEARCH_LINK, 0,
				 0);
		return 0;
	}
	if (has_no_keys() || join_named() == 0 || has_no_keys())
		return 0;
	error_set(
		err, ERROR_KEYRING,
		"leave the caller's session keyring, which the container sees: the quota "
		"of keys is used up (/proc/key-users)");
	error_hint(err, "--no-new-keyring does not ask for one");
	return 1;
}
