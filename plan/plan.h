/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_PLAN_H
#define SBX_PLAN_PLAN_H

/*
 * The plan: everything that a start needs to know, the wings' specs side by side. Front
 * ends fill it, expand() turns sugar into plain entries, check() refuses contradictions;
 * from there on everybody holds a const struct plan *. Strings are borrowed from the
 * input or live in the plan's arena.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "image/image.h"
#include "net/net.h"
#include "policy/policy.h"
#include "userns/userns.h"

struct error;
struct json_value;

/* sched_setattr(2) */
struct schedule_spec {
	bool given;
	int policy;
	int nice;
	uint32_t priority;
	uint64_t flags;
	uint64_t runtime, deadline, period; /* nanoseconds */
};

/* What is started, and as whom. */
struct process_spec {
	const char *const *argv; /* NULL-ended; argv[0] is looked up in PATH of env */
	size_t argc;
	const char *const *env; /* "K=V", NULL-ended; two free places behind the NULL,
				    four of plan_from_bwrap() */
	size_t env_count;
	bool env_home; /* HOME (and USER) come from the root's own passwd, read inside */
	const char *cwd;       /* inside; "/" unless asked */
	const char *user_name; /* -u NAME: looked up inside; NULL: uid and gid hold */
	bool gid_given;        /* -u NAME:GID or UID:GID; else a NAME's own group */
	uint32_t uid, gid;
	const uint32_t *groups; /* supplementary, besides what a name brings */
	size_t group_count;
	mode_t umask;
	bool terminal;       /* a pty of our own */
	bool stdin_open;     /* -i with -d */
	bool stdin_null;     /* stdin is /dev/null: detached without -i */
	const int *keep_fds; /* descriptors that the command inherits, beside 0 1 2 */
	size_t keep_fd_count;
	bool no_init;         /* the command is process 1 itself */
	bool fixed_addresses; /* no address is chosen at random (personality(2)) */
	bool one_processor;   /* the first that the caller may use, and no other */
	int stop_signal; /* what --timeout, `sbx kill` and TERM to the launcher send */
	struct schedule_spec schedule;
	struct {
		bool given;
		int class, priority; /* ioprio_set(2) */
	} io;
	bool has_personality;
	unsigned long personality;             /* personality(2) */
	const char *cpus_initial, *cpus_final; /* "0-1,3"; NULL: as they are */
	const char *apparmor, *selinux;        /* labels for the exec; NULL: none */
	unsigned int rows, columns;            /* of the terminal; 0: unknown */
};

enum log_format { LOG_TEXT, LOG_JSON };

enum { REPEAT_MAX = 100 };

/* What the launcher does around the sandbox. Descriptors are -1 when there is none. */
struct life_spec {
	bool detach;
	const char *name; /* NULL: nobody gave it one */
	const char *pid_file;
	const char *log; /* NULL: none */
	int ready_fd, status_fd;
	bool stats;
	const char *stats_file; /* NULL: stderr */
	uint64_t timeout_ms;    /* 0: none */
	uint64_t kill_after_ms;
	bool die_with_parent;
	bool dry_run;
	enum log_format log_format;
	const char *record; /* a file for what was given and written; NULL: none */
	const char *expect; /* "sha256:HEX" that what is written must have; NULL: any */
	int repeat;         /* so many times; 0: once */
	const char *help;   /* --help: its topic or ""; nothing else is filled in */
};

/* Whether anybody will ask what was written. */
static inline bool life_is_recorded(const struct life_spec *life)
{
	return life->record || life->expect || life->repeat;
}

/*
 * Where a value came from, for `sbx config`: "command line", "FILE:LINE", "default".
 * One entry for each option row that was given, in the order of precedence.
 */
struct plan_origin {
	const char *option; /* long name without dashes */
	const char *value;
	const char *from;
};

/* What was decided otherwise than one may think: a line for people, printable. */
struct plan_note {
	const char *text;
	bool told; /* when it starts; else only by --dry-run and --stats */
};

/*
 * What only the callers of bubblewrap ask for (bwrap(1)). Descriptors are -1 when there is
 * none.
 */
struct wrap_spec {
	const char *argv0;   /* NULL: as argv[0] */
	const char *old_cwd; /* where no --chdir was given: tried first; NULL: unknown */
	bool cwd_given;      /* process.cwd must be there; else old_cwd, HOME, "/" */
	bool new_session;
	bool reaper; /* a process 1 (or a process above the command) of our own */
	bool level_prefix;
	bool disable_userns, assert_userns_disabled;
	bool keep_caps; /* the caller is root in no new user namespace: sets stay as they are */
	int info_fd, json_status_fd, sync_fd, block_fd, userns_block_fd;
	int userns2_fd;
	int seccomp_fd;                        /* raw BPF, read just before the start */
	const struct seccomp_program *filters; /* --add-seccomp-fd, in order */
	size_t filter_count;
	const char *const *lock_files; /* inside */
	size_t lock_file_count;
	const int *own_fds; /* what the command is not to inherit of the caller's */
	size_t own_fd_count;
	const char *const *warnings; /* to be printed first */
	size_t warning_count;
	const char *answer; /* --help, --version: to be printed, and nothing else done */
};

/* The root, where --root names an image or an archive. */
struct image_spec {
	const char *operand; /* as typed; NULL: the root is no image */
	const char *name;    /* what trust is asked about: absolute */
	const char *signature;
	bool no_cache, insecure, squash;
	uint64_t cache_size; /* bytes that may be kept; 0: the default */
	uint64_t memory;     /* bytes that it may take in memory; 0: half of it */
	const char *digest;  /* of what was used, "sha256:HEX"; NULL: unknown */
	bool wants_digest;   /* somebody asks for it, also where nothing is kept */
	int runs;            /* a root in memory is wanted so often; 0: once */
	const int *mounts;   /* all of them, rootfs.mount the first; NULL: there is one */
	const int *held;     /* descriptors that stay open while it is used */
	size_t held_count;
	struct image_config config;
};

/* runtime-spec, config.md, "POSIX-platform Hooks" */
enum hook_kind {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_KINDS,
};

/* "prestart", … */
const char *hook_kind_name(enum hook_kind kind);

struct hook {
	const char *path;        /* absolute */
	const char *const *argv; /* NULL-ended; NULL: the path alone */
	const char *const *env;  /* NULL-ended; NULL: empty */
	unsigned int timeout_s;  /* 0: none */
};

struct hook_list {
	const struct hook *hooks;
	size_t count;
};

/* A container of a bundle: what an engine wants that no option of `sbx run` says. */
struct container_spec {
	bool given;               /* the plan is one: by plan_from_bundle() */
	const char *bundle;       /* absolute */
	const char *version;      /* ociVersion */
	const char *cgroups_path; /* as in the document; NULL: none */
	struct cgroup_resources resources;
	bool has_resources; /* linux.resources says anything */
	struct hook_list hooks[HOOK_KINDS];
	const struct key_value *annotations;
	size_t annotation_count;
	const char *listener_path, *listener_metadata; /* linux.seccomp; NULL: none */
	bool keep_original_groups;                     /* run.oci.keep_original_groups */
	const char *hooks_stdout,
		*hooks_stderr;        /* run.oci.hooks.…; NULL: the runtime's */
	const char *systemd_subgroup; /* run.oci.systemd.subgroup; NULL: none */
	const char *delegate_cgroup;  /* run.oci.delegate-cgroup; NULL: none */
	const struct key_value *systemd_properties; /* org.systemd.property.… */
	size_t systemd_property_count;
	const char *pidfd_receiver; /* run.oci.pidfd_receiver: a socket */
	const char *const
		*ignored; /* members that are not obeyed, NULL-ended: "a.b: why"; also
			     of `sbx run --config` */
};

enum runtime_kind {
	RUNTIME_NATIVE, /* the zeroed value: the kernel of the host, in namespaces */
	RUNTIME_RUNSC,  /* gVisor's, in the same namespaces */
};

/* How gVisor comes to the system calls of its processes. */
enum gvisor_platform {
	PLATFORM_SYSTRAP,
	PLATFORM_PTRACE,
	PLATFORM_KVM,
	PLATFORM_COUNT,
};

/* Which network stack a process inside gVisor speaks to (runsc's --network). */
enum gvisor_net {
	GVISOR_NET_NETSTACK, /* gVisor's own, on the interface of the network namespace */
	GVISOR_NET_HOST,     /* the kernel's, of the same namespace */
	GVISOR_NET_NONE,     /* gVisor's own, with loopback alone */
};

/* The words of --platform and --gvisor-net. */
const char *gvisor_platform_name(enum gvisor_platform platform);
const char *gvisor_net_name(enum gvisor_net net);

/* Whose kernel the command runs on. With RUNTIME_NATIVE nothing else is looked at. */
struct runtime_spec {
	enum runtime_kind kind;
	enum gvisor_platform platforms[PLATFORM_COUNT]; /* the first that works here */
	size_t platform_count; /* 0: auto: systrap where runsc has it, else ptrace */
	enum gvisor_net net;
	bool differences_refused;        /* --differences error */
	const char *runsc;               /* absolute; NULL: looked for in PATH */
	const struct json_value *filter; /* linux.seccomp for runsc; NULL: none */
	const char *pin; /* a file that says which runsc it has to be; NULL: any */
	/*
	 * What gVisor does otherwise than the plan says, each a few printable words; told in
	 * one line when it starts. NULL-ended; NULL: nothing.
	 */
	const char *const *differences;
};

/* What only the sandbox itself can tell, when its root has been built. */
struct gvisor_inside {
	uint32_t uid, gid;
	const uint32_t *groups;
	size_t group_count;
	const char *const *env;    /* complete, NULL-ended */
	const char *program;       /* argv[0], found in the root: absolute */
	const char *const *argv;   /* NULL-ended; NULL: those of the plan */
	uint32_t own_uid, own_gid; /* who new file systems belong to */
	const char *root;          /* where the root lies for runsc, absolute */
	bool filters; /* this runsc takes linux.seccomp (--oci-seccomp is passed) */
};

/* What an image has become. */
struct image_root {
	struct image_config config;
	const char *const
		*layers; /* directories, lowest first; NULL: a mount, or none yet */
	size_t layer_count;
	int mount;          /* detached; -1: none */
	const int *mounts;  /* as many as runs were asked for; the first is `mount` */
	const char *digest; /* "sha256:HEX"; NULL: unknown */
	const int *held;    /* as in image_spec */
	size_t held_count;
};

/*
 * How an image becomes a root: the launcher knows. look_only: nothing is extracted, for
 * --dry-run and `sbx config`. What it has opened is closed with the process.
 */
struct plan_roots {
	int (*get)(const struct image_spec *image, const struct ids_spec *ids,
		   bool look_only, struct arena *arena, struct image_root *ret_root,
		   struct error *err);
	/* A file that is served as it is: whether it is signed, where it has to be. */
	int (*verify)(const struct image_spec *image, int file, struct arena *arena,
		      struct error *err);
};

struct plan {
	struct arena arena;
	struct ids_spec ids;
	struct namespaces_spec namespaces;
	struct image_spec image;
	struct rootfs_spec rootfs;
	struct net_spec net;
	struct policy_spec policy;
	struct process_spec process;
	struct life_spec life;
	struct runtime_spec runtime;
	struct container_spec container;
	struct wrap_spec wrap;
	const struct plan_origin *origins;
	size_t origin_count;
	const struct plan_note *notes;
	size_t note_count;
};

/* Zeroed memory is a valid thing to free. */
void plan_free(struct plan *plan);

/*
 * `sbx run` and `sbx config`: reads the words after the command's name, the profiles that
 * they name and the configuration files, expands and checks. words end with NULL and must
 * live as long as the plan. Nothing on the machine is changed, but that roots may extract an
 * image; NULL: images are refused. looks_only: nothing will be started. err->status is 125,
 * 126 or 127 already.
 */
int plan_from_args(const char *const *words, const struct plan_roots *roots,
		   bool looks_only, struct plan *ret_plan, struct error *err);

/*
 * How many words the option takes that these begin with: 1, 2; 0: here COMMAND begins. For a
 * command that takes the options of `sbx run` beside its own.
 */
size_t plan_option_length(const char *const *words);

/*
 * `sbx-bwrap`: reads bubblewrap's words (argv[0] among them) and what they name by --args,
 * and the configuration that applies on top. The whole error text is bubblewrap's, and
 * nothing is looked at that bubblewrap looks at later. Also where it fails,
 * ret_plan->wrap.warnings and level_prefix say what was met before; plan_free() as ever.
 */
int plan_from_bwrap(const char *const *words, struct plan *ret_plan, struct error *err);

/*
 * What bubblewrap's --help says, and what it says on stderr where there is no command:
 * `usage: ARGV0 …` and a line for each option.
 */
const char *plan_bwrap_usage(const char *argv0, struct arena *arena);

/*
 * Everything that can be known before the first fork: working directory, executable and
 * its interpreter, sources, ids, limits, descriptors, names, joinable namespaces.
 * plan_from_args() has called it already.
 */
int plan_check(const struct plan *plan, struct error *err);

/*
 * The plan as an OCI config.json (runtime-spec 1.x; what OCI cannot say stands in
 * annotations that begin with "sbx."), as text in the given arena. diff: only what differs
 * from the plan that no option at all would give.
 */
const char *plan_to_oci(const struct plan *plan, bool diff, struct arena *arena);

/*
 * The config.json that runsc is given, in the arena. To be called in the sandbox's root, when
 * that is whole: links are followed in it. Of what lies there only that is a mount of gVisor's
 * own which has to be: what gVisor makes anew (proc, sysfs, dev, tmpfs), and what others may
 * change meanwhile. Everything else is in the root already, read-only where the plan says so.
 * Resource limits are in it: they hold for the command, and runsc itself could not live with
 * them.
 */
const char *plan_to_gvisor(const struct plan *plan, const struct gvisor_inside *inside,
			   struct arena *arena);

/* Its process alone, for `runsc exec`. */
const char *plan_to_gvisor_process(const struct plan *plan,
				   const struct gvisor_inside *inside,
				   struct arena *arena);

/*
 * `sbx-oci`: the text of a bundle's config.json; name is the file's path, for messages, and tells
 * the bundle where that is NULL (a configuration may lie elsewhere: --config). What can be known before a start is checked: err names the member. maps: where a user
 * namespace has none, from the caller's subordinate ranges.
 */
int plan_from_bundle(const char *text, size_t length, const char *name,
		     const char *bundle, struct plan *ret_plan, struct error *err);

/*
 * The same of a configuration that a container was created with, without the filter: its
 * process 1 has that already.
 */
int plan_from_created(const char *text, size_t length, const char *name,
		      struct plan *ret_plan, struct error *err);

/*
 * For `sbx-oci exec`: replaces plan->process, capabilities and limits by an object as "process" of a
 * config.json.
 */
int plan_set_process(const char *text, size_t length, const char *name, struct plan *plan,
		     struct error *err);

/* linux.resources alone, for `sbx-oci update`. */
int plan_read_resources(const char *text, size_t length, const char *name,
			struct arena *arena, struct cgroup_resources *ret_resources,
			struct error *err);

/* What of /proc and /sys tells about the host, or about its other users. NULL-ended. */
const char *const *plan_masked_paths(void);

/*
 * What gVisor passes over of a bundle that is handed to it as it is: plan->runtime.differences,
 * and all in one line. NULL: nothing.
 */
const char *plan_compare_bundle(struct plan *plan);

/* What plan_from_bundle() understands, for `sbx-oci features`: NULL-ended lists. */
struct plan_words {
	const char *const *hooks, *const *namespaces, *const *mount_options;
	const char *const *annotations; /* a dot at the end: all that begin so */
};

void plan_known_words(struct arena *arena, struct plan_words *ret_words);

/*
 * What of the plan decides how a run comes out, as a config.json without root and command:
 * equal wherever the same is run. In the given arena.
 */
struct json_value *plan_to_setup(const struct plan *plan, struct arena *arena);

struct profile_places;

/* Where `sbx run --policy` looks for policies, in the arena. */
const struct profile_places *plan_policy_places(struct arena *arena);

/* The number of "TERM", "SIGTERM", "15" or "RTMIN+3"; -1: there is none. */
int signal_by_name(const char *name);

/* "SIGTERM", "SIGRTMIN+3", or the number where it has no name. */
const char *signal_name(int number, struct arena *arena);

/*
 * --log-format of the command line alone, for an error that came before the plan: the
 * words as plan_from_args() takes them.
 */
enum log_format plan_log_format(const char *const *words);

/* The same for --status-fd: an open descriptor, or -1. */
int plan_status_fd(const char *const *words);

/*
 * `--help`: topic "" is the overview, "all" every option. NULL: there is no such topic.
 */
const char *plan_help(const char *topic, struct arena *arena);

/* The one line `usage: sbx run ...`. */
const char *plan_usage(void);

/* A completion script for "bash", "zsh" or "fish"; NULL for another shell. */
const char *plan_completion(const char *shell, struct arena *arena);

/*
 * What --isolation landlock does not protect, in lines to be shown when it starts; NULL:
 * there are namespaces.
 */
const char *plan_unprotected(const struct plan *plan, struct arena *arena);

/* The plan in words, for --dry-run. */
const char *plan_describe(const struct plan *plan, struct arena *arena);

#endif
