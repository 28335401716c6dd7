/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_BWRAP_H
#define SBX_PLAN_BWRAP_H

/*
 * Between the files that read bubblewrap's command line: the table of its options, what
 * the words have said so far, and the steps that make a plan of it. File-system operations
 * are kept in the order of the words; of everything else the last one holds.
 */

#include "plan/internal.h"

struct bwrap_reader;

enum bwrap_flag {
	BWRAP_LAST_COUNTS = 1 << 0, /* a warning where it is given again */
	BWRAP_SAYS_ONE = 1 << 1,    /* its complaint says "one argument", not "an" */
	BWRAP_OWN_FD = 1 << 2,      /* the command does not inherit its descriptor */
	BWRAP_WAITS = 1 << 3,       /* holds for the option behind it */
	BWRAP_LAYERS = 1 << 4,      /* may stand behind --overlay-src */
};

struct bwrap_option {
	const char *name; /* with its dashes */
	size_t operand_count;
	const char *operands; /* as the help shows them */
	int (*set)(struct bwrap_reader *reader, const struct bwrap_option *option,
		   const char *const *operands, struct error *err);
	size_t field; /* where a general setter puts the value */
	unsigned int value;
	unsigned int flags;
	const char *help;
};

/* What --perms and --size say of the option behind them. */
struct bwrap_waiting {
	bool has_mode, has_size;
	uint32_t mode;
	uint64_t size;
};

struct bwrap_reader {
	struct plan *plan;
	const char *program; /* argv[0] */
	uint32_t caller_uid, caller_gid;

	bool unshare[NS_COUNT];
	bool unshare_user_try, unshare_cgroup_try;
	bool as_pid_1, caps_changed;
	int userns_fd, pidns_fd;
	uint32_t uid, gid;

	struct mount_entry *mounts;
	size_t mount_count;
	const char **layers; /* of --overlay-src, until an overlay takes them */
	size_t layer_count;
	struct bwrap_waiting waiting;

	struct seccomp_program *filters;
	struct text_list env, lock_files, warnings;
	int *own_fds;

	uint64_t given[2]; /* a bit for each row of the table */
	size_t word_count;
	bool in_file;
};

/* ---- the table: bwrap_options.c ---- */

/* NULL: there is no such option. */
const struct bwrap_option *bwrap_option_find(const char *word);

/* Whether the option was given before; from now on it was. */
bool bwrap_option_again(struct bwrap_reader *reader, const struct bwrap_option *option);

typedef int bwrap_setter(struct bwrap_reader *reader, const struct bwrap_option *option,
			 const char *const *operands, struct error *err);

/* ---- from_bwrap.c ---- */

bwrap_setter bwrap_read_file;

/* ---- bwrap_setters.c ---- */

bwrap_setter bwrap_answer_help, bwrap_answer_version;
bwrap_setter bwrap_set_flag, bwrap_set_text, bwrap_set_fd, bwrap_ask, bwrap_ask_fd;
bwrap_setter bwrap_set_argv0, bwrap_set_cwd, bwrap_set_id, bwrap_unshare_all,
	bwrap_share_net, bwrap_add_lock, bwrap_refuse_label;
bwrap_setter bwrap_set_variable, bwrap_unset_variable, bwrap_clear_variables;
bwrap_setter bwrap_change_cap, bwrap_set_seccomp, bwrap_add_seccomp;

/* A descriptor's number. */
int bwrap_to_fd(const char *text, int *ret_fd, struct error *err);

void bwrap_own_fd(struct bwrap_reader *reader, int fd);

/* ---- bwrap_mounts.c ---- */

bwrap_setter bwrap_hold_mode, bwrap_hold_size, bwrap_hold_layer;
bwrap_setter bwrap_add_bind, bwrap_add_bind_fd, bwrap_add_overlay,
	bwrap_add_layered_overlay, bwrap_add_plain, bwrap_add_proc, bwrap_add_dev,
	bwrap_add_tmpfs, bwrap_add_dir, bwrap_add_file, bwrap_add_symlink,
	bwrap_add_chmod;

/* That all that was held was used by the option behind it. */
int bwrap_check_waiting(const struct bwrap_reader *reader,
			const struct bwrap_option *option, struct error *err);

/* The operations become those of the plan, and with it what its root is. */
void bwrap_settle_mounts(struct bwrap_reader *reader);

/* ---- bwrap_check.c ---- */

/* What contradicts itself whether or not there is a command. */
int bwrap_check_words(const struct bwrap_reader *reader, struct error *err);

/* What the words leave to the caller and its kernel: which namespaces are new. */
int bwrap_settle_namespaces(struct bwrap_reader *reader, struct error *err);

/* What contradicts that. */
int bwrap_check_settled(const struct bwrap_reader *reader, struct error *err);

/* ---- bwrap_conf.c ---- */

/*
 * What /etc/sbx/bwrap.conf, the user's own and SBX_BWRAP_OPTIONS add to a plan that is
 * whole.
 */
int bwrap_configure(struct plan *plan, struct error *err);

#endif
