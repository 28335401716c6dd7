/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_INTERNAL_H
#define SBX_PLAN_INTERNAL_H

/*
 * Between the files of plan/: the draft that setters fill, and the steps that make a plan
 * of it. Words and files become a list of `struct given`, which is put in order of
 * precedence (gather.c); the setters of the option table turn texts into the draft;
 * expand() makes plain entries of its sugar, and plan_check() refuses what cannot work.
 */

#include "base/accounts.h"
#include "base/error.h"
#include "base/page.h"
#include "plan/options.h"
#include "plan/plan.h"

enum level {
	LEVEL_COMMAND_LINE,
	LEVEL_PROFILE, /* --profile and --pool */
	LEVEL_USER,    /* $XDG_CONFIG_HOME/sbx/sbx.conf */
	LEVEL_SYSTEM,  /* /etc/sbx/sbx.conf */
	LEVEL_COUNT,
};

/* One option as it was written somewhere. */
struct given {
	const struct option_row *row;
	const char *name; /* as it was written, without dashes; of a letter: the row's */
	const char *operand; /* NULL: the row has none, or an optional one was left out */
	bool negated;        /* no-NAME */
	enum level level;
	const char *from; /* "command line" or FILE:LINE */
	const char *base; /* relative paths start here; NULL: the caller's directory */
};

enum cwd_choice { CWD_DEFAULT, CWD_COW, CWD_RO, CWD_RW, CWD_OFF };
enum proc_choice { PROC_DEFAULT, PROC_NEW, PROC_PIDS, PROC_HOST, PROC_NONE };
enum root_mode_choice { ROOT_MODE_DEFAULT, ROOT_MODE_COW, ROOT_MODE_RO, ROOT_MODE_RW };
enum isolation_choice { ISOLATION_DEFAULT, ISOLATION_USERNS, ISOLATION_LANDLOCK };
enum tty_choice { TTY_DEFAULT, TTY_AUTO, TTY_ON, TTY_OFF };
enum root_emu_choice { ROOT_EMU_DEFAULT, ROOT_EMU_AUTO, ROOT_EMU_ON, ROOT_EMU_OFF };
enum map_choice {
	MAP_DEFAULT,
	MAP_AUTO,
	MAP_SINGLE,
	MAP_SUBUID,
	MAP_KEEP_ID,
	MAP_TRIPLES,
};

/* In the order of their words. */
enum explain_choice { EXPLAIN_DEFAULT, EXPLAIN_AUTO, EXPLAIN_ON, EXPLAIN_OFF };
enum relay_choice { RELAY_DEFAULT, RELAY_AUTO, RELAY_OFF };
enum net_choice {
	NET_CHOICE_DEFAULT,
	NET_CHOICE_USER,
	NET_CHOICE_NONE,
	NET_CHOICE_HOST,
	NET_CHOICE_RELAY,
	NET_CHOICE_NS,
};
enum backend_choice { BACKEND_DEFAULT, BACKEND_WORD_SBX, BACKEND_WORD_LIBSECCOMP };

struct cap_change {
	bool add;
	uint64_t bits;
};

struct text_list {
	const char **texts;
	size_t count;
};

/*
 * The network as the options say it. What they add to a plan of --config stands here, until
 * it is known which network there is.
 */
struct net_words {
	enum net_choice choice;
	const char *ns_path;
	const struct given *chosen; /* --net, NULL: not given */
	const struct given *shared; /* --share net or --join net; NULL: not given */
	struct rule_text *rules;
	size_t rule_count;
	struct publish *published;
	size_t published_count;
	struct ip *upstreams;
	size_t upstream_count;
	struct text_list search;
	struct host_name *hosts;
	size_t host_count;
	struct prefix ip, ip6; /* zero bits: not given */
	bool ip6_given, ip6_off;
	struct ip gateway, gateway6; /* zero: not given */
};

/* Who calls, and where; filled when first asked for. */
struct caller {
	uint32_t uid, gid;
	const char *cwd;
	bool account_read;
	bool has_account;
	bool subids_elsewhere; /* there are some, but our user namespace has none of them */
	struct account account;
	const char *homes[2]; /* links resolved; the outer one first */
	size_t home_count;
	bool homes_read;
};

/*
 * What the options say. The plan inside already holds what needs no expansion; the rest is
 * sugar. Zeroed: nothing was given.
 */
struct draft {
	struct plan plan;
	struct caller caller;

	const struct given *given;
	size_t given_count;
	const char *const *command; /* rest of the words; NULL or empty: none */

	const struct plan_roots *roots; /* NULL: images cannot be had */
	bool looks_only;
	bool from_config; /* the plan came from --config: expanded already */
	bool no_config;
	bool pure;

	const char *root, *upper, *workdir, *user, *tz, *seccomp, *entrypoint;
	int root_mode, cwd, proc, tty, groups, limits, log_format, isolation,
		root_emu; /* 0: not given */
	uint64_t shm_size;
	bool interactive, publish_all;
	int preserve_fds;
	int *keep_fds;
	size_t keep_fd_count;
	struct mount_entry *mounts; /* in the order of the command line */
	size_t mount_count;
	struct text_list group_add, keep_env, env_files, env;
	struct key_value *sysctls;
	size_t sysctl_count;
	enum map_choice map;
	struct id_range *map_uids, *map_gids;
	size_t map_uid_count, map_gid_count;
	struct cap_change *caps;
	size_t cap_count;
	bool no_ambient;
	struct rlimit_entry *rlimits;
	size_t rlimit_count;
	const char *policy;
	int explain, backend, landlock; /* 0: not given */
	bool scopes_given;              /* by the policy's [landlock] */
	struct net_words net;
	int relay;                   /* 0: not given */
	const struct given *runtime; /* --runtime; NULL: not given */
	int gvisor_net, differences; /* 0: not given */
	struct plan_note *notes;
	size_t note_count;
};

/* ---- the caller: caller.c ---- */

/* The current directory, or NULL and errno (it was removed, or lies out of reach). */
const char *caller_cwd(struct draft *draft);

/* 0 found, 1 the caller has no account, -1 error. */
int caller_account(struct draft *draft, struct error *err);

/* Fills caller.homes with $HOME and the passwd home, links resolved, without "/". */
int caller_homes(struct draft *draft, struct error *err);

/* ---- paths: paths.c ---- */

/* Whether path is dir itself or lies below it. Both absolute and clean. */
bool path_is_within(const char *path, const char *dir);

/* Without "//", "/./" and a trailing slash; ".." stays, since links decide what it means. */
char *path_clean(struct arena *arena, const char *path);

/* Whether the last component of a clean path is "..". */
bool path_ends_in_parent(const char *path);

/*
 * A path of the caller's as it is meant: leading ~ expanded, relative ones put behind the
 * file's directory or the current one. NULL and error where that cannot be known.
 */
const char *path_of_caller(struct draft *draft, const char *base, const char *text,
			   struct error *err);

/*
 * Names the part of an absolute path that stops the caller: missing, no directory, not
 * searchable. Returns -1; *err holds `verb PATH: …`.
 */
int path_explain(const char *verb, const char *path, int errnum, enum error_id id,
		 struct error *err);

/* ---- texts to givens: gather.c, profile.c ---- */

struct open_file;

/* Collects what all sources say, before anything of it is believed. */
struct gatherer {
	struct draft *draft;
	struct given *given;
	size_t count;
	enum level level;
	const struct open_file
		*reading; /* files that are being read, the inner one first */
	bool named;       /* the error names its line already */
};

/* Where an option stands: "command line", or FILE:LINE and the file's directory. */
struct place {
	const char *from, *base;
};

/*
 * Takes an option by its long name; operand is NULL where nothing stands behind it. The
 * error names the option, but not the place.
 */
int gather_option(struct gatherer *gatherer, const char *name, const char *operand,
		  const struct place *place, struct error *err);

/* The words up to COMMAND, which they set. */
int gather_words(struct gatherer *gatherer, const char *const *words, struct error *err);

/* The profiles and pools that the words named, then the configuration files. */
int gather_files(struct gatherer *gatherer, struct error *err);

/* The profiles and pools alone. */
int gather_named(struct gatherer *gatherer, struct error *err);

/* 0 read, 1 there is no such file, -1 error. */
int gather_file(struct gatherer *gatherer, const char *path, struct error *err);

/* A file of the user's, if there is one and the user may search the home. */
int gather_user_file(struct gatherer *gatherer, const char *dir, const char *name,
		     struct error *err);

/* A profile's text, as if it stood in the file `name`; base is its directory. */
int gather_text(struct gatherer *gatherer, char *text, size_t length, const char *name,
		const char *base, struct error *err);

/* Whether the option counts: nobody who stands above it has taken it back or replaced it. */
bool given_holds(const struct draft *draft, size_t index);

/* Sets the draft from what was gathered, by precedence. */
int apply_givens(struct draft *draft, struct error *err);

/* Where the user's own configuration lies; NULL: the caller has no home. */
const char *config_dir_of_user(struct draft *draft);

#define CONFIG_DIR_OF_SYSTEM "/etc/sbx"

/* ---- policies: policy_text.c, expand_policy.c ---- */

struct profile_places;

/* Where policies are looked for; relative paths start at base. */
const struct profile_places *policy_places(struct draft *draft, const char *base);

/*
 * Reads the policy that the givens name, or the default one, and adds what its sections
 * say to the givens.
 */
int read_policy_of(struct draft *draft, struct error *err);

/* Of an option that holds once: by the highest source, and there the last. NULL: nobody. */
const struct given *find_given(const struct draft *draft, const char *name);

/* In a build without seccomp: refuses whoever asks for some. */
int refuse_seccomp(const struct draft *draft, struct error *err);

void expand_caps(struct draft *draft);
void expand_limits(struct draft *draft);

/* --seccomp, before anything asks which policy there is. */
int expand_seccomp(struct draft *draft, struct error *err);

/* Compiles the policy for the capabilities that the plan has now. */
int expand_filter(struct draft *draft, struct error *err);

/* ---- the setters of the table: *setters.c ---- */

typedef int option_setter(struct draft *draft, const struct given *given,
			  struct error *err);

/* Notes what the source of a mount is now: another one in its place is refused later. */
void note_source(struct mount_entry *entry, const char *path);

option_setter set_text, set_path, set_log, set_flag, set_init, set_size, set_duration,
	set_choice, set_descriptor, set_help, set_stats, set_tty, set_workdir,
	set_hostname, set_name, set_root, set_stop_signal, set_oom_score_adj,
	set_preserve_fds, set_nothing;
option_setter set_expect, set_repeat;
option_setter set_memory_swap, set_pids, set_cpus, set_cpuset, set_io_weight;
option_setter add_text, add_path, add_env, add_keep_env, add_keep_fd, add_map, add_sysctl,
	add_cap, drop_cap, add_rlimit, set_landlock, share_namespace, join_namespace;
option_setter set_net, add_allow, add_deny, add_publish, add_dns, add_host, add_search,
	set_resolv, set_ip, set_ip6, set_gateway, set_mtu, set_ifname, set_mac,
	set_txqueuelen, set_net_rate;
option_setter add_ro, add_rw, add_cow, add_dev_bind, add_volume, add_mount, add_tmpfs,
	add_mask;

/* ---- the draft to the plan: expand*.c ---- */

int expand(struct draft *draft, struct error *err);

/* Of a plan that is whole: what options add to its variables, limits and policy. */
int expand_on_top(struct draft *draft, struct error *err);
int expand_root(struct draft *draft, struct error *err);

/* ---- images: expand_image.c ---- */

/* The root is draft->root, an image: gets it, and what it says becomes defaults. */
int expand_image(struct draft *draft, struct error *err);

/* Where the accounts of a root that is not the host's are looked up: O_PATH, or -1 and errno. */
int expand_open_accounts(const struct rootfs_spec *rootfs);
int expand_user(struct draft *draft, struct error *err);
int expand_ids(struct draft *draft, struct error *err);

/*
 * Of a container whose new user namespace has no maps: the caller's subordinate ranges, or one
 * id where there are none or nobody can map them.
 */
int expand_container_ids(struct plan *plan, struct error *err);
int expand_mounts(struct draft *draft, struct error *err);
int expand_env(struct draft *draft, struct error *err);
int expand_command(struct draft *draft, struct error *err);

/*
 * Whether the root's programs are for another machine, and how they run then; when all else
 * is in the plan. expand_machine.c
 */
int expand_machine(struct draft *draft, struct error *err);

/* ---- the network: expand_net.c, net_files.c ---- */

/* Which network there is, with its addresses; before anything is mounted. */
int expand_net(struct draft *draft, struct error *err);

/*
 * Which stack gVisor has on the network that was chosen, and what follows for that; mode is
 * how the network was asked for, for an error. expand_net_gvisor.c
 */
int choose_gvisor_net(struct draft *draft, const char *mode, struct error *err);

/*
 * resolv.conf and hosts, as operations of the list of mounts. Returns how many of them there
 * are. The rest of the root is in the plan by then.
 */
enum { NET_FILES = 2 };
size_t net_files(struct draft *draft, struct mount_entry *ret_entries);

/* Whether the operation is one of these two. */
bool net_file_mounted(const struct mount_entry *entry);

/* Something that was decided otherwise than one may think; told: also when it starts. */
void add_note(struct draft *draft, bool told, const char *text);

/* --isolation landlock: first what it changes, and last the paths that stay open. */
int expand_isolation(struct draft *draft, struct error *err);
int expand_open_paths(struct draft *draft, struct error *err);

/* Whether the entry hides what lies there also without a mount: of /proc only the whole. */
bool isolation_hides(const struct mount_entry *entry);

/* ---- the same view every time: expand_pure.c ---- */

/* The caller's own id on the host's root, whoever that is; elsewhere it is 0. */
enum { PURE_ID = 1000 };

/* What --pure changes, before all else; refuses what contradicts it. */
int expand_pure(struct draft *draft, struct error *err);

/* Files that say the same on every machine, as operations of the list of mounts. */
enum { PURE_FILES = 8 };
size_t pure_files(struct draft *draft, struct mount_entry *ret_entries);

/* The variables that every pure sandbox has, NULL-ended. */
const char *const *pure_environment(const struct draft *draft);

/* Resource limits that would else be the caller's. */
const struct rlimit_entry *pure_limits(size_t *ret_count);

/* --record, --expect and --repeat: what they cannot work with. */
int expand_record(struct draft *draft, struct error *err);

/* ---- gVisor: runtime_setters.c, expand_runtime.c, differences.c ---- */

option_setter set_runtime, set_platform;

/* Which runtime there is; before ids and network, which depend on it. */
int expand_runtime(struct draft *draft, struct error *err);

/* When all else is in the plan: what gVisor does otherwise, told or refused. */
int expand_differences(struct draft *draft, struct error *err);

/* ---- root emulation: expand_emulation.c ---- */

/* A file for apt in the sandbox's own /dev, and the variables that a root emulated sees. */
#define EMULATION_APT_CONF "/dev/sbx-apt.conf"
#define EMULATION_VARIABLE "SBX_ROOT_EMU"
#define EMULATION_APT      "APT_CONFIG"

int expand_emulation(struct draft *draft, struct error *err);

/* What tells apt not to become another user, which it would find out not to have become. */
struct mount_entry emulation_apt_file(void);

/* Whether a variable or an operation of a config.json is what a root emulated has. */
bool emulation_set(const char *variable);
bool emulation_mounted(const struct mount_entry *entry);

/* ---- the plan, looked at from outside: inside.c ---- */

enum inside_answer {
	INSIDE_FOUND,   /* *ret_host is the file as the caller sees it */
	INSIDE_MADE,    /* a directory that the plan makes; there is nothing to look at */
	INSIDE_MISSING, /* errno says why; *ret_host is where it ends, as seen inside */
	INSIDE_UNKNOWN, /* only the sandbox itself can tell */
};

/*
 * What an absolute path of the sandbox will be, links followed as they will be followed
 * there. host holds PATH_MAX bytes.
 */
enum inside_answer inside_find(const struct plan *plan, const char *path, char *host);

/*
 * The same at a glance: no link is followed, and nothing is looked at, so that the file
 * may not be there.
 */
enum inside_answer inside_locate(const struct plan *plan, const char *path, char *host);

/*
 * Whether INSIDE_MISSING can be believed: not where a destination leads through a link, so
 * that the mount lands elsewhere than its name says.
 */
bool inside_is_certain(const struct plan *plan);

/* ---- what cannot work: check*.c ---- */

/* --isolation landlock: options, and entries of the list of mounts. check_landlock.c */
int check_isolated_options(const struct draft *draft, struct error *err);
int check_isolated_files(const struct plan *plan, struct error *err);

/* The command and its interpreter can be executed inside, as far as that can be seen. */
int check_command(const struct plan *plan, struct error *err);

/* ---- texts for people: page.c ---- */

/* A line of --dry-run: its name, and room up to its words. */
void page_begin(struct page *page, const char *name);

/* --isolation landlock, for --dry-run: describe_landlock.c */
void describe_isolation(struct page *page, const struct plan *plan);

/* Of gVisor what it answers system calls by, and the rest of it: describe_runtime.c */
void describe_inner_filter(struct page *page, const struct plan *plan);
void describe_runtime(struct page *page, const struct runtime_spec *runtime);

/* The network, for --dry-run: describe_net.c */
void describe_net(struct page *page, const struct plan *plan);

/* ---- configurations: from_oci.c ---- */

/*
 * Reads an OCI config.json of length bytes, called name in messages, into the plan: ready
 * to run, nothing is left to expand. Strings go to the plan's arena.
 */
int plan_from_oci(const char *text, size_t length, const char *name, struct plan *plan,
		  struct error *err);

#endif
