/* SPDX-License-Identifier: Apache-2.0 */
#include "image/changes.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int refuse(const char *what, struct error *err)
{
	const int errnum = errno;

	if (errnum != EOPNOTSUPP && errnum != EPERM && errnum != EINVAL)
		return error_errno(err, "%s", what);
	error_errno_id(err, ERROR_OVERLAY, "%s, as a layer has to be", what);
	return error_hint(err,
			  "XDG_STATE_HOME=DIR keeps layers on another file system, such "
			  "as ext4, xfs, btrfs, or tmpfs since Linux 6.6");
}

/* What the kernel will write into it: attributes of the user, and whiteouts. */
static int check_suitable(int dir, int upper, struct error *err)
{
	if (fsetxattr(upper, "user.overlay.opaque", "n", 1, 0) < 0 ||
	    fremovexattr(upper, "user.overlay.opaque") < 0)
		return refuse(
			"write an attribute of the user to the file system of the state "
			"directory",
			err);
	if (mknodat(dir, "whiteout", S_IFCHR, makedev(0, 0)) < 0 ||
	    unlinkat(dir, "whiteout", 0) < 0)
		return refuse("make a whiteout on the file system of the state directory",
			      err);
	return 0;
}

/* The root of an overlay looks like its upper directory. */
static int resemble(int lower, int upper, struct error *err)
{
	struct arena arena = { 0 };
	struct stat status;
	int failed = fstat(lower, &status);

	if (!failed)
		failed = attributes_copy(lower, upper, &arena);
	/* A group that the caller is not in cannot be given. */
	if (!failed && fchown(upper, (uid_t)-1, status.st_gid) < 0 && errno != EPERM)
		failed = -1;
	if (!failed)
		failed = fchmod(upper, status.st_mode & 07777);
	arena_free(&arena);
	return failed ? error_errno(err, "make the layer look like its directory") : 0;
}

int layer_make(int lower, int dir, struct error *err)
{
	auto_close int upper = -1;

	if (mkdirat(dir, "upper", 0700) < 0 || mkdirat(dir, "work", 0700) < 0)
		return error_errno(err, "make a layer");
	upper = openat(dir, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0)
		return error_errno(err, "open the layer");
	if (check_suitable(dir, upper, err) < 0)
		return -1;
	return resemble(lower, upper, err);
}
