/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option words of a container's mounts (config.md, "Linux mount options", and what
 * crun(1) takes beside). A word that is not here is the file system's own.
 */
#include "plan/from_oci.h"

#include <string.h>
#include <sys/mount.h>

#include "base/syscalls.h"

/* mount_setattr(2), as far as older headers do not have them */
enum {
	ATIME_MASK = 0x70,
	NOATIME = 0x10,
	STRICTATIME = 0x20,
	NODIRATIME = 0x80,
};

#define ATTRIBUTE(word, below, set, clear)                                               \
	{                                                                                \
		word, OCI_WORD_ATTRIBUTE, set, clear, below                              \
	}
#define BOTH(word, set, clear)                                                           \
	ATTRIBUTE(word, false, set, clear), ATTRIBUTE("r" word, true, set, clear)
#define OTHER(word, effect, set)                                                         \
	{                                                                                \
		word, effect, set, 0, false                                              \
	}

/* Those of one kind of time stamps exclude each other, so all of them are cleared first. */
static const struct oci_word_row rows[] = {
	BOTH("ro", MOUNT_ATTR_RDONLY, 0),
	BOTH("rw", 0, MOUNT_ATTR_RDONLY),
	BOTH("nosuid", MOUNT_ATTR_NOSUID, 0),
	BOTH("suid", 0, MOUNT_ATTR_NOSUID),
	BOTH("nodev", MOUNT_ATTR_NODEV, 0),
	BOTH("dev", 0, MOUNT_ATTR_NODEV),
	BOTH("noexec", MOUNT_ATTR_NOEXEC, 0),
	BOTH("exec", 0, MOUNT_ATTR_NOEXEC),
	BOTH("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0),
	BOTH("symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW),
	BOTH("nodiratime", NODIRATIME, 0),
	BOTH("diratime", 0, NODIRATIME),
	BOTH("noatime", NOATIME, ATIME_MASK),
	BOTH("strictatime", STRICTATIME, ATIME_MASK),
	BOTH("relatime", 0, ATIME_MASK),
	BOTH("atime", 0, ATIME_MASK),
	BOTH("norelatime", 0, ATIME_MASK),
	BOTH("nostrictatime", 0, ATIME_MASK),

	OTHER("private", OCI_WORD_PROPAGATION, MS_PRIVATE),
	OTHER("rprivate", OCI_WORD_PROPAGATION, MS_PRIVATE | MS_REC),
	OTHER("slave", OCI_WORD_PROPAGATION, MS_SLAVE),
	OTHER("rslave", OCI_WORD_PROPAGATION, MS_SLAVE | MS_REC),
	OTHER("shared", OCI_WORD_PROPAGATION, MS_SHARED),
	OTHER("rshared", OCI_WORD_PROPAGATION, MS_SHARED | MS_REC),
	OTHER("unbindable", OCI_WORD_PROPAGATION, MS_UNBINDABLE),
	OTHER("runbindable", OCI_WORD_PROPAGATION, MS_UNBINDABLE | MS_REC),

	OTHER("bind", OCI_WORD_BIND, 0),
	OTHER("rbind", OCI_WORD_BIND, MS_REC),
	OTHER("remount", OCI_WORD_REMOUNT, 0),
	OTHER("idmap", OCI_WORD_MAPPED, 0),
	OTHER("ridmap", OCI_WORD_MAPPED, MS_REC),

	OTHER("tmpcopyup", OCI_WORD_FLAG, MOUNT_F_COPYUP),
	OTHER("src-nofollow", OCI_WORD_FLAG, MOUNT_F_SRC_NOFOLLOW),
	OTHER("copy-symlink", OCI_WORD_FLAG, MOUNT_F_SRC_NOFOLLOW),
	OTHER("dest-nofollow", OCI_WORD_FLAG, MOUNT_F_NOFOLLOW),

	OTHER("sync", OCI_WORD_SUPER, 0),
	OTHER("dirsync", OCI_WORD_SUPER, 0),
	OTHER("lazytime", OCI_WORD_SUPER, 0),
	OTHER("mand", OCI_WORD_SUPER, 0),

	OTHER("defaults", OCI_WORD_NOTHING, 0),
	OTHER("async", OCI_WORD_NOTHING, 0),
	OTHER("nolazytime", OCI_WORD_NOTHING, 0),
	OTHER("nomand", OCI_WORD_NOTHING, 0),
	OTHER("loud", OCI_WORD_NOTHING, 0),
	OTHER("silent", OCI_WORD_NOTHING, 0),
	OTHER("iversion", OCI_WORD_NOTHING, 0),
	OTHER("noiversion", OCI_WORD_NOTHING, 0),
};

const struct oci_word_row *oci_mount_word(const char *word)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strcmp(rows[i].word, word))
			return &rows[i];
	}
	return NULL;
}

const char *oci_mount_word_at(size_t index)
{
	return index < sizeof(rows) / sizeof(rows[0]) ? rows[index].word : NULL;
}
