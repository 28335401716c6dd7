/* SPDX-License-Identifier: Apache-2.0 */
/* Owners, times and extended attributes. */
#include "image/extract_parts.h"

#include "base/error.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- owners ------------------------------------------------------------------------------ */

static int refuse_id(const char *path, const char *what, int64_t id, struct error *err)
{
	char shown[SHOWN_MAX + 4];

	error_set(err, ERROR_IDS, "give %s to %s %lld, which the id map does not have",
		  extract_shown(path, shown), what, (long long)id);
	return error_hint(err, "--squash-ids gives every file to root");
}

static int read_id(const struct making *making, const char *what, int64_t id,
		   uint32_t *ret_id, struct error *err)
{
	*ret_id = 0;
	if (making->x->options.squash)
		return 0;
	/* The last id means "none" to chown(2). */
	if (id < 0 || id >= UINT32_MAX)
		return refuse_id(making->path, what, id, err);
	*ret_id = (uint32_t)id;
	return 0;
}

static struct timespec read_time(struct archive_entry *entry)
{
	struct timespec time = { .tv_sec = archive_entry_mtime(entry),
				 .tv_nsec = archive_entry_mtime_nsec(entry) };

	/* Others mean something else to utimensat(2). */
	if (time.tv_nsec < 0 || time.tv_nsec > 999999999)
		time.tv_nsec = 0;
	return time;
}

int metadata_read(struct making *making, struct error *err)
{
	making->mode = archive_entry_perm(making->entry) & 07777;
	making->times[0] = making->times[1] = read_time(making->entry);
	if (read_id(making, "user", archive_entry_uid(making->entry), &making->uid, err) <
	    0)
		return -1;
	return read_id(making, "group", archive_entry_gid(making->entry), &making->gid,
		       err);
}

static int own(const struct making *making, uid_t uid, gid_t gid)
{
	if (making->name[0] == '\0')
		return fchownat(making->parent, ".", uid, gid, 0);
	return fchownat(making->parent, making->name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int metadata_own(const struct making *making, struct error *err)
{
	if (own(making, making->uid, making->gid) == 0)
		return 0;
	if (errno != EINVAL)
		return extract_failed("own", making->path, err);
	/* It is not said which of the two it is. */
	if (own(making, making->uid, (gid_t)-1) < 0 && errno == EINVAL)
		return refuse_id(making->path, "user", making->uid, err);
	return refuse_id(making->path, "group", making->gid, err);
}

/* ---- extended attributes ----------------------------------------------------------------- */

/*
 * Kept: user.* and file capabilities. What overlayfs(5), fuse-overlayfs and the stores of
 * other programs write down for themselves among user.* is none of an archive's business:
 * they would obey it.
 */
static bool is_kept(const char *name)
{
	static const char *const obeyed[] = { "user.overlay.", "user.fuseoverlayfs.",
					      "user.containers." };

	if (strcmp(name, "security.capability") == 0)
		return true;
	if (!text_starts_with(name, "user."))
		return false;
	for (size_t i = 0; i < sizeof(obeyed) / sizeof(obeyed[0]); i++) {
		if (text_starts_with(name, obeyed[i]))
			return false;
	}
	return true;
}

/* Whom a squashed file belonged to, as container tools write it down. */
static bool has_other_owner(const struct making *making)
{
	return making->x->options.squash && (archive_entry_uid(making->entry) != 0 ||
					     archive_entry_gid(making->entry) != 0);
}

static void record_owner(const struct making *making, int fd)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "%lld:%lld:0%o",
			      (long long)archive_entry_uid(making->entry),
			      (long long)archive_entry_gid(making->entry),
			      (unsigned int)making->mode);

	/* It is a courtesy to other programs; a file system may have no room for it. */
	(void)fsetxattr(fd, "user.containers.override_stat", text, (size_t)length, 0);
}

bool metadata_has_xattrs(const struct making *making)
{
	return archive_entry_xattr_count(making->entry) > 0 ||
	       archive_entry_acl_types(making->entry) != 0 || has_other_owner(making);
}

void metadata_add_xattrs(const struct making *making, int fd)
{
	struct extracted *counts = &making->x->counts;
	const void *value;
	const char *name;
	size_t size;

	archive_entry_xattr_reset(making->entry);
	while (archive_entry_xattr_next(making->entry, &name, &value, &size) ==
	       ARCHIVE_OK) {
		if (!name || !is_kept(name) || fd < 0 ||
		    fsetxattr(fd, name, value, size, 0) < 0)
			counts->dropped_xattrs++;
	}
	if (archive_entry_acl_types(making->entry) != 0)
		counts->dropped_xattrs++;
	if (fd >= 0 && has_other_owner(making))
		record_owner(making, fd);
}

void metadata_clear_xattrs(int fd)
{
	char names[4096];
	ssize_t length = flistxattr(fd, names, sizeof(names));
	ssize_t at = 0;

	while (at < length) {
		if (text_starts_with(names + at, "user."))
			(void)fremovexattr(fd, names + at);
		at += (ssize_t)strlen(names + at) + 1;
	}
}
