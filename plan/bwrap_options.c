/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of bubblewrap (0.11, and what 0.12 added), each in a row: the reader, the
 * help and the warnings walk this table.
 */
#include "plan/bwrap.h"

#include <stddef.h>
#include <string.h>

#define PLAN(name)   offsetof(struct plan, name)
#define READER(name) offsetof(struct bwrap_reader, name)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	INDENT = 33, /* where the descriptions stand */
	FD_LAST = BWRAP_LAST_COUNTS | BWRAP_OWN_FD,
};

static const struct bwrap_option rows[] = {
	{ "--help", 0, "", bwrap_answer_help, 0, 0, 0, "Show this text" },
	{ "--version", 0, "", bwrap_answer_version, 0, 0, 0, "Show the version" },
	{ "--args", 1, "FD", bwrap_read_file, 0, 0, 0,
	  "Take more options from FD, each word ended by NUL" },
	{ "--argv0", 1, "VALUE", bwrap_set_argv0, 0, 0, BWRAP_SAYS_ONE,
	  "Let VALUE be argv[0] of the command" },
	{ "--level-prefix", 0, "", bwrap_set_flag, PLAN(wrap.level_prefix), 0, 0,
	  "Begin each message with its level, as <3>" },

	{ "--unshare-all", 0, "", bwrap_unshare_all, 0, 0, 0,
	  "A new namespace of each kind that can be had" },
	{ "--share-net", 0, "", bwrap_share_net, 0, 0, 0,
	  "Keep the caller's network after all" },
	{ "--unshare-user", 0, "", bwrap_ask, READER(unshare[NS_USER]), 0, 0,
	  "A new user namespace (always, but for root)" },
	{ "--unshare-user-try", 0, "", bwrap_ask, READER(unshare_user_try), 0, 0,
	  "The same where the kernel allows it" },
	{ "--unshare-ipc", 0, "", bwrap_ask, READER(unshare[NS_IPC]), 0, 0,
	  "A new IPC namespace" },
	{ "--unshare-pid", 0, "", bwrap_ask, READER(unshare[NS_PID]), 0, 0,
	  "A new pid namespace" },
	{ "--unshare-net", 0, "", bwrap_ask, READER(unshare[NS_NET]), 0, 0,
	  "A new network namespace, with a loopback interface alone" },
	{ "--unshare-uts", 0, "", bwrap_ask, READER(unshare[NS_UTS]), 0, 0,
	  "A new UTS namespace (host name)" },
	{ "--unshare-cgroup", 0, "", bwrap_ask, READER(unshare[NS_CGROUP]), 0, 0,
	  "A new cgroup namespace" },
	{ "--unshare-cgroup-try", 0, "", bwrap_ask, READER(unshare_cgroup_try), 0, 0,
	  "The same where the kernel has them" },
	{ "--userns", 1, "FD", bwrap_ask_fd, READER(userns_fd), 0, BWRAP_LAST_COUNTS,
	  "Enter the user namespace FD instead of a new one" },
	{ "--userns2", 1, "FD", bwrap_set_fd, PLAN(wrap.userns2_fd), 0, BWRAP_LAST_COUNTS,
	  "Enter the user namespace FD after the setup" },
	{ "--disable-userns", 0, "", bwrap_set_flag, PLAN(wrap.disable_userns), 0, 0,
	  "No further user namespaces inside" },
	{ "--assert-userns-disabled", 0, "", bwrap_set_flag,
	  PLAN(wrap.assert_userns_disabled), 0, 0,
	  "Fail where further user namespaces can be made inside" },
	{ "--pidns", 1, "FD", bwrap_ask_fd, READER(pidns_fd), 0, BWRAP_LAST_COUNTS,
	  "Enter the pid namespace FD, or make the new one below it" },
	{ "--uid", 1, "UID", bwrap_set_id, READER(uid), 0, BWRAP_LAST_COUNTS,
	  "The user id inside" },
	{ "--gid", 1, "GID", bwrap_set_id, READER(gid), 0, BWRAP_LAST_COUNTS,
	  "The group id inside" },
	{ "--hostname", 1, "NAME", bwrap_set_text, PLAN(namespaces.hostname), 0,
	  BWRAP_LAST_COUNTS, "The host name inside (with --unshare-uts)" },

	{ "--chdir", 1, "DIR", bwrap_set_cwd, 0, 0, BWRAP_LAST_COUNTS | BWRAP_SAYS_ONE,
	  "Start the command in DIR" },
	{ "--clearenv", 0, "", bwrap_clear_variables, 0, 0, 0, "Unset every variable" },
	{ "--setenv", 2, "VAR VALUE", bwrap_set_variable, 0, 0, 0, "Set a variable" },
	{ "--unsetenv", 1, "VAR", bwrap_unset_variable, 0, 0, 0, "Unset a variable" },

	{ "--lock-file", 1, "DEST", bwrap_add_lock, 0, 0, 0,
	  "Hold a lock on the file DEST while the sandbox runs" },
	{ "--sync-fd", 1, "FD", bwrap_set_fd, PLAN(wrap.sync_fd), 0, BWRAP_LAST_COUNTS,
	  "Keep FD open while the sandbox runs" },

	{ "--bind", 2, "SRC DEST", bwrap_add_bind, 0, MOUNT_F_NODEV, 0,
	  "Show SRC of the host as DEST" },
	{ "--bind-try", 2, "SRC DEST", bwrap_add_bind, 0,
	  MOUNT_F_NODEV | MOUNT_F_OPTIONAL, 0, "The same, if there is a SRC" },
	{ "--dev-bind", 2, "SRC DEST", bwrap_add_bind, 0, 0, 0,
	  "As --bind, with usable devices" },
	{ "--dev-bind-try", 2, "SRC DEST", bwrap_add_bind, 0, MOUNT_F_OPTIONAL, 0,
	  "The same, if there is a SRC" },
	{ "--ro-bind", 2, "SRC DEST", bwrap_add_bind, 0, MOUNT_F_NODEV | MOUNT_F_RDONLY,
	  0, "As --bind, read-only" },
	{ "--ro-bind-try", 2, "SRC DEST", bwrap_add_bind, 0,
	  MOUNT_F_NODEV | MOUNT_F_RDONLY | MOUNT_F_OPTIONAL, 0,
	  "The same, if there is a SRC" },
	{ "--bind-fd", 2, "FD DEST", bwrap_add_bind_fd, 0, MOUNT_F_NODEV, 0,
	  "Show the open file or directory FD as DEST" },
	{ "--ro-bind-fd", 2, "FD DEST", bwrap_add_bind_fd, 0,
	  MOUNT_F_NODEV | MOUNT_F_RDONLY, 0, "The same, read-only" },
	{ "--remount-ro", 1, "DEST", bwrap_add_plain, 0, MOUNT_REMOUNT_RO, BWRAP_SAYS_ONE,
	  "Make the mount DEST read-only, not those below it" },
	{ "--overlay-src", 1, "SRC", bwrap_hold_layer, 0, 0, BWRAP_LAYERS,
	  "A layer of the overlay that follows, the lowest first" },
	{ "--overlay", 3, "RWSRC WORKDIR DEST", bwrap_add_layered_overlay, 0, 0,
	  BWRAP_LAYERS, "Show the layers as DEST; what is written goes to RWSRC" },
	{ "--tmp-overlay", 1, "DEST", bwrap_add_overlay, 0, MOUNT_F_THROWAWAY,
	  BWRAP_LAYERS, "The same; what is written is thrown away" },
	{ "--ro-overlay", 1, "DEST", bwrap_add_overlay, 0, 0, BWRAP_LAYERS,
	  "The same, read-only" },
	{ "--exec-label", 1, "LABEL", bwrap_refuse_label, 0, 0, BWRAP_LAST_COUNTS,
	  "A SELinux label for the command (not supported)" },
	{ "--file-label", 1, "LABEL", bwrap_refuse_label, 0, 0, BWRAP_LAST_COUNTS,
	  "A SELinux label for new files (not supported)" },
	{ "--proc", 1, "DEST", bwrap_add_proc, 0, 0, 0, "A procfs on DEST" },
	{ "--dev", 1, "DEST", bwrap_add_dev, 0, 0, 0, "A small /dev on DEST" },
	{ "--tmpfs", 1, "DEST", bwrap_add_tmpfs, 0, 0, 0, "An empty tmpfs on DEST" },
	{ "--mqueue", 1, "DEST", bwrap_add_plain, 0, MOUNT_MQUEUE, 0,
	  "The message queues on DEST" },
	{ "--dir", 1, "DEST", bwrap_add_dir, 0, 0, 0, "Make the directory DEST" },
	{ "--file", 2, "FD DEST", bwrap_add_file, 0, MOUNT_FILE, 0,
	  "Write what can be read from FD to the file DEST" },
	{ "--bind-data", 2, "FD DEST", bwrap_add_file, 0, MOUNT_DATA, 0,
	  "Show what can be read from FD as the file DEST" },
	{ "--ro-bind-data", 2, "FD DEST", bwrap_add_file, MOUNT_F_RDONLY, MOUNT_DATA, 0,
	  "The same, read-only" },
	{ "--symlink", 2, "SRC DEST", bwrap_add_symlink, 0, 0, 0,
	  "Make DEST a symbolic link to SRC" },
	{ "--chmod", 2, "OCTAL PATH", bwrap_add_chmod, 0, 0, 0,
	  "Change the permissions of PATH, which must be there" },
	{ "--perms", 1, "OCTAL", bwrap_hold_mode, 0, 0, BWRAP_WAITS,
	  "The permissions of what the next option makes" },
	{ "--size", 1, "BYTES", bwrap_hold_size, 0, 0, BWRAP_WAITS,
	  "The size of the --tmpfs that follows" },

	{ "--seccomp", 1, "FD", bwrap_set_seccomp, PLAN(wrap.seccomp_fd), 0, FD_LAST,
	  "Load the raw BPF program in FD as seccomp filter" },
	{ "--add-seccomp-fd", 1, "FD", bwrap_add_seccomp, 0, 0, 0,
	  "The same; may be given again" },
	{ "--block-fd", 1, "FD", bwrap_set_fd, PLAN(wrap.block_fd), 0, FD_LAST,
	  "Wait until there is something to read from FD" },
	{ "--userns-block-fd", 1, "FD", bwrap_set_fd, PLAN(wrap.userns_block_fd), 0,
	  FD_LAST, "Wait on FD until the caller has mapped the ids" },
	{ "--info-fd", 1, "FD", bwrap_set_fd, PLAN(wrap.info_fd), 0, FD_LAST,
	  "Tell about the sandbox on FD, as JSON" },
	{ "--json-status-fd", 1, "FD", bwrap_set_fd, PLAN(wrap.json_status_fd), 0,
	  FD_LAST, "Tell about its start and end on FD, as lines of JSON" },
	{ "--new-session", 0, "", bwrap_set_flag, PLAN(wrap.new_session), 0, 0,
	  "A new terminal session" },
	{ "--die-with-parent", 0, "", bwrap_set_flag, PLAN(life.die_with_parent), 0, 0,
	  "End the command when the caller ends" },
	{ "--as-pid-1", 0, "", bwrap_ask, READER(as_pid_1), 0, 0,
	  "Let the command be process 1" },
	{ "--cap-add", 1, "CAP", bwrap_change_cap, 0, true, 0,
	  "Give the command a capability (ALL: every one)" },
	{ "--cap-drop", 1, "CAP", bwrap_change_cap, 0, false, 0,
	  "Take a capability from the command (ALL: every one)" },
	{ "--not-a-security-boundary", 0, "", bwrap_set_flag,
	  PLAN(rootfs.tolerates_submounts), 0, 0,
	  "Go on where a mount below a bound one refuses its flags" },
};

_Static_assert(COUNT(rows) <= 128, "a bit of bwrap_reader.given for each row");

const struct bwrap_option *bwrap_option_find(const char *word)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!strcmp(rows[i].name, word))
			return &rows[i];
	}
	return NULL;
}

bool bwrap_option_again(struct bwrap_reader *reader, const struct bwrap_option *option)
{
	size_t index = (size_t)(option - rows);
	uint64_t bit = UINT64_C(1) << index % 64;
	bool again = reader->given[index / 64] & bit;

	reader->given[index / 64] |= bit;
	return again;
}

static void put_row(struct page *page, const struct bwrap_option *row)
{
	size_t start = page->used, length;

	page_put_spaces(page, 4);
	page_put(page, row->name);
	page_put(page, row->operands[0] ? " " : "");
	page_put(page, row->operands);
	length = page->used - start;
	page_put_spaces(page, length < INDENT ? INDENT - length : 1);
	page_put(page, row->help);
	page_put(page, "\n");
}

const char *plan_bwrap_usage(const char *argv0, struct arena *arena)
{
	struct page page = { .arena = arena };

	page_put(&page, "usage: ");
	page_put(&page, argv0);
	page_put(&page, " [OPTIONS...] [--] COMMAND [ARGS...]\n\n");
	for (size_t i = 0; i < COUNT(rows); i++)
		put_row(&page, &rows[i]);
	return page.text;
}
