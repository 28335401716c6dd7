/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_POLICY_H
#define SBX_POLICY_POLICY_H

/*
 * The door of the policy wing: what a process in the sandbox may still do. Capabilities,
 * resource limits and a seccomp filter today; readable policies come through this door
 * too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct error;

/* A set of capabilities: bit n is capability n (capabilities(7)). */
struct caps_spec {
	uint64_t kept;    /* bounding, permitted and effective set of the command */
	uint64_t ambient; /* a subset of kept: survives the exec of an ordinary user */
	/* Containers name each set: kept is the permitted one then. */
	bool separate;
	uint64_t bounding, effective, inheritable;
	bool may_gain; /* no_new_privs is not set (prctl(2)) */
};

/*
 * "CAP_NET_RAW", "net_raw", "ALL", or a set: "@all"; "@default", what a root of its own
 * gets; "@docker", docker's fourteen; "@users" for programs that change users; "@services"
 * for those that listen on low ports, signal and audit. Returns the bits, 0 for an unknown
 * name.
 */
uint64_t caps_by_name(const char *name);

/* "CAP_NET_RAW" for 13. NULL beyond the last known one. */
const char *caps_name(unsigned int number);

/* All that this kernel knows. */
uint64_t caps_all(void);

/* The effective set of the calling thread; empty where the kernel does not tell. */
uint64_t caps_effective(void);

/* The set that a root of its own gets by default (design: CHOWN … SYS_CHROOT). */
uint64_t caps_default_root(void);

/*
 * Sets bounding, permitted, effective, inheritable (= ambient) and ambient sets of the
 * calling thread by libcap-ng, sets no_new_privs, reads everything back and fails where
 * it is not as asked. Needs CAP_SETPCAP where the bounding set shrinks.
 */
int caps_apply(const struct caps_spec *caps, struct error *err);

/* The same, with held in the permitted set beside them: the next exec takes it away. */
int caps_apply_holding(const struct caps_spec *caps, uint64_t held, struct error *err);

/*
 * Of sets that are separate: leaves out what cannot be granted, by the calling process or, in
 * a new user namespace, by this kernel. Returns what was asked for and is missing, for a
 * warning (runtime-spec: a container must not fail for it).
 */
uint64_t caps_grant(struct caps_spec *caps, bool new_user_namespace);

/* The permitted and the bounding set of the calling thread. */
uint64_t caps_permitted(void);
uint64_t caps_bounding(void);

/* Makes what is held effective, for the one call that needs it. */
int caps_raise(uint64_t set, struct error *err);

/*
 * Shrinks the bounding set alone. The init does it before it starts the command, which
 * inherits it: caps_apply() has nothing left to drop then. Needs CAP_SETPCAP.
 */
int caps_bound(uint64_t kept, struct error *err);

/*
 * For the init, which executes nothing any more: no capability in any set but the
 * bounding one, by plain calls (no library state).
 */
int caps_drop_all(struct error *err);

/* The same, but held stays in the permitted set. */
int caps_drop_to(uint64_t held, struct error *err);

/* One resource limit; RLIM_INFINITY is UINT64_MAX. */
struct rlimit_entry {
	int resource; /* RLIMIT_… of setrlimit(2) */
	uint64_t soft, hard;
};

/* "nofile" or "RLIMIT_NOFILE" → RLIMIT_NOFILE; -1 if unknown. */
int rlimit_by_name(const char *name);
const char *rlimit_name(int resource);

/* What the calling process has; as a system call. */
int rlimit_read(int resource, struct rlimit_entry *ret_entry);

/* What a cgroup is to hold; zero: no limit. */
struct cgroup_limits {
	uint64_t memory; /* bytes */
	uint64_t
		memory_swap; /* bytes of memory and swap together; UINT64_MAX: no limit */
	bool has_memory_swap;
	uint64_t pids;
	uint64_t cpu_quota_us; /* of cpu_period_us */
	uint64_t cpu_period_us;
	const char *cpuset; /* "0-1,3"; NULL: all */
	uint64_t io_weight; /* 1 to 10000 */
	bool best_effort;   /* what cannot be applied is a warning */
};

/*
 * linux.resources of a container's configuration (runtime-spec, config-linux.md), as numbers
 * of that document; each is given or not, and UINT64_MAX is "no limit" (-1).
 */
struct cgroup_number {
	bool given;
	uint64_t value;
};

struct cgroup_device_rule {
	bool allow;
	char type;            /* 'a', 'b', 'c' */
	int64_t major, minor; /* -1: all */
	bool read, write, make;
};

struct cgroup_io_rule {
	unsigned int major, minor;
	struct cgroup_number weight, leaf_weight; /* of the device */
	struct cgroup_number read_bps, write_bps, read_iops, write_iops; /* per second */
};

struct cgroup_pair {
	const char *
		name; /* a page size "2MB", a controller's file, an interface, a device */
	struct cgroup_number number, other; /* rdma: handles, objects */
	const char *text;                   /* unified: what is written */
};

struct cgroup_pairs {
	const struct cgroup_pair *entries;
	size_t count;
};

struct cgroup_resources {
	struct cgroup_number memory, memory_reservation, memory_swap, memory_kernel,
		memory_kernel_tcp, swappiness; /* bytes; swap: memory and swap together */
	bool disable_oom_killer, use_hierarchy, check_before_update;
	struct cgroup_number cpu_shares, cpu_quota, cpu_period, cpu_burst, cpu_rt_runtime,
		cpu_rt_period, cpu_idle; /* microseconds */
	const char *cpus, *mems;         /* "0-1,3"; NULL: as they are */
	struct cgroup_number pids;
	struct cgroup_number io_weight, io_leaf_weight;
	const struct cgroup_io_rule *io_rules;
	size_t io_rule_count;
	struct cgroup_pairs huge_pages, net_priorities, rdma, unified;
	struct cgroup_number net_class;
	const struct cgroup_device_rule *devices; /* later rules win */
	size_t device_count;
};

struct limits_spec {
	const struct rlimit_entry *rlimits; /* later entries win */
	size_t rlimit_count;
	bool has_oom_score_adj;
	int oom_score_adj;
	struct cgroup_limits cgroup;
};

/*
 * Refuses what this process may not have: a hard limit above the present one, an
 * oom_score_adj below the present one.
 */
int limits_check(const struct limits_spec *limits, struct error *err);

/* Sets oom_score_adj, while the caller's /proc can be seen: before the root changes. */
int limits_weigh_oom(const struct limits_spec *limits, struct error *err);

/*
 * Raises hard limits that are to be above the present ones, which takes CAP_SYS_RESOURCE
 * outside of every user namespace: while it is there. limits_apply() does the rest.
 */
int limits_raise(const struct limits_spec *limits, struct error *err);

/* Sets the resource limits of the calling process: the last thing before its power goes. */
int limits_apply(const struct limits_spec *limits, struct error *err);

/* Lowers them to these where they are higher. */
int limits_lower(const struct rlimit_entry *entries, size_t count, struct error *err);

/*
 * ---- cgroups --------------------------------------------------------------------------
 *
 * The group is made before the sandbox, outside of it: its limits stand in a directory that
 * nobody inside can reach, and the sandbox lives in one below, the root of its own cgroup
 * namespace, with the same figures for whoever looks there.
 */

enum { CGROUP_PARTS_MAX = 5 }; /* cgroup v1: a hierarchy for each controller */

enum cgroup_way {
	CGROUP_NONE,
	CGROUP_ALONE,   /* below the caller's group, which holds the caller alone */
	CGROUP_BESIDE,  /* beside the caller's group, or below the root of all */
	CGROUP_SYSTEMD, /* in a scope of the user's systemd: CGROUP_ALONE from then on */
	CGROUP_V1,
};

/* A group. Zeroed memory is none. */
struct cgroup {
	enum cgroup_way way;
	char name[40];
	struct cgroup_part {
		int parent, limits, inner; /* directories */
		unsigned int controllers;
		char path[4096]; /* of limits */
	} parts[CGROUP_PARTS_MAX];
	size_t part_count;
	int launcher;         /* CGROUP_ALONE: where the caller went, or -1 */
	unsigned int enabled; /* what was switched on in the parent for it */
};

/* What a group has used; UINT64_MAX: this kernel does not tell. */
struct cgroup_usage {
	uint64_t memory_peak, swap_peak, pids_peak; /* bytes, bytes, tasks */
	uint64_t cpu_us, cpu_user_us, cpu_system_us;
	uint64_t throttled, throttled_us;
	uint64_t read_bytes, written_bytes;
	uint64_t oom_kills;
};

/* Whether the limits need a group at all. */
bool cgroup_is_needed(const struct cgroup_limits *limits);

/* Refuses limits that contradict themselves, wherever they will be set. */
int cgroup_check(const struct cgroup_limits *limits, struct error *err);

/* Whether a group can be had here. Makes nothing. */
int cgroup_check_place(const struct cgroup_limits *limits, struct error *err);

/*
 * Makes a group with these limits, each of them read back; what killed ones left there is
 * removed first. This process may be moved for it, never another one.
 */
int cgroup_open(const struct cgroup_limits *limits, struct cgroup *ret_group,
		struct error *err);

/* For CLONE_INTO_CGROUP of clone3(2); -1: a child has to be moved. */
int cgroup_clone_fd(const struct cgroup *group);

/* Moves a child, which has to make its cgroup namespace after that. */
int cgroup_move(const struct cgroup *group, pid_t pid, struct error *err);

/* In the child: closes what leads to the group. */
void cgroup_forget(struct cgroup *group);

void cgroup_read_usage(const struct cgroup *group, struct cgroup_usage *ret_usage);

/* What the processes of a group use now; UINT64_MAX: this kernel does not tell. */
struct cgroup_now {
	uint64_t memory, memory_limit; /* bytes; UINT64_MAX: no limit, too */
	uint64_t pids, cpu_us;
};

/* Of a group that another launcher made; path: its limits. Adds what stands there. */
void cgroup_read_now(const char *path, struct cgroup_now *now);

/* Kills whoever is left in it, and removes it: within a second, or the next start does. */
void cgroup_close(struct cgroup *group);

/* Moves the calling process into a group that another launcher made; path: its limits. */
int cgroup_join(const char *path, struct error *err);

/* Removes the group at path, if its launcher is gone. */
void cgroup_remove_left(const char *path);

/*
 * What resource limits can do in its place. Returns the number of entries (at most 2);
 * the text, of size bytes, says what that is worth.
 */
size_t cgroup_fall_back(const struct cgroup_limits *limits,
			struct rlimit_entry *ret_entries, char *ret_text, size_t size);

/*
 * ---- labels ---------------------------------------------------------------------------
 *
 * Of security modules, for a container's process and what is mounted for it.
 */

enum label_module { LABEL_APPARMOR, LABEL_SELINUX };

/* NULL or "": none. */
struct label_spec {
	const char *apparmor, *selinux; /* of the process, from its exec on */
	const char *mount;              /* SELinux, of file systems mounted new */
};

/* Whether this build has it (meson's options apparmor, selinux), and whether this kernel. */
bool labels_built_in(enum label_module module);
bool labels_enabled(enum label_module module);

/* Refuses what is not had here, naming the module. ERROR_LABEL. */
int labels_check(const struct label_spec *labels, struct error *err);

/* Whether labels_apply() has anything to do. */
bool labels_are_asked(const struct label_spec *labels);

/*
 * The calling thread's own thread-self/attr. proc: a descriptor of a procfs that can be
 * trusted, which is no work of the container's.
 */
int labels_open(int proc, struct error *err);

/* The next exec of the calling thread takes them on. attributes: of labels_open(). */
int labels_apply(int attributes, const struct label_spec *labels, struct error *err);

/* A classic BPF program as seccomp(2) takes it; 8 bytes for an instruction. */
struct seccomp_program {
	const void *instructions;
	size_t count; /* of instructions, at most 4096; 0: no filter */
};

/*
 * Checks a raw program as the kernel will: loads only of struct seccomp_data, jumps
 * forward and inside, an end at every path.
 */
int seccomp_check(const struct seccomp_program *program, struct error *err);

/* A program and how it is loaded. */
struct seccomp_filter {
	struct seccomp_program program;
	unsigned int flags; /* of seccomp(2): SECCOMP_FILTER_FLAG_… */
	bool supervised;    /* a supervisor of ours answers what it notifies of */
	bool notifies;      /* it notifies a listener that somebody else holds */
	bool keyed;         /* seccomp_keyed_call() passes it, by key */
	uint64_t key[3];
};

/*
 * Loads it into the calling thread; no_new_privs must be set. (seccomp_load is a name of
 * libseccomp.)
 */
int seccomp_install(const struct seccomp_program *program, struct error *err);

/*
 * The same with everything that belongs to it. *ret_listener is a descriptor of
 * seccomp_unotify(2), close-on-exec, where the filter is supervised or notifies, else -1. 1:
 * nothing was loaded, because nobody can listen here (EBUSY: somebody does already; or the kernel or a
 * filter around us has no listeners; err->errnum says): then seccomp_install_plain() is left.
 */
int seccomp_install_filter(const struct seccomp_filter *filter, int *ret_listener,
			   struct error *err);

/*
 * A supervised filter without its supervisor: what is only explained is denied all the same.
 * -1 also where a result would have to be faked.
 */
int seccomp_install_plain(const struct seccomp_filter *filter, struct error *err);

/*
 * A system call of at most three arguments that a keyed filter lets pass (struct start_key in
 * bpf.h), and nothing else: as syscall(2).
 */
long seccomp_keyed_call(const struct seccomp_filter *filter, long number, long a, long b,
			long c);

/* What libseccomp says of this kernel: its API level (seccomp_api_get(3)). */
unsigned int seccomp_level(void);

enum landlock_mode { LANDLOCK_OFF, LANDLOCK_AUTO, LANDLOCK_REQUIRE };

/* A path inside and what may be done below it (landlock(7)). */
struct landlock_path {
	const char *path;
	bool writable;
	bool lists;    /* directories only, and no file in them */
	bool optional; /* one that is not there is left out */
};

/*
 * A layer of Landlock around the command. In normal mode it restricts scopes and TCP ports,
 * and files only where paths are given; whole is --isolation landlock.
 */
struct landlock_spec {
	enum landlock_mode mode;
	int least_abi; /* of LANDLOCK_REQUIRE; 0: whatever the rest of this needs */
	bool scope_signal, scope_abstract_unix;
	bool limits_connect, limits_bind; /* to the ports below */
	const uint16_t *connect_ports, *bind_ports;
	size_t connect_count, bind_count;
	const struct landlock_path *paths;
	size_t path_count;
	bool whole;
	/* Of whole: what landlock_close_rest() leaves open, and the filter that it made. */
	bool reaches_network; /* the host's */
	bool keeps_modes;     /* modes, owners, times and attributes stay as they are */
	struct seccomp_program filter;
};

/* What an ABI of Landlock closes that the ones before it leave open. */
struct landlock_guarantee {
	int abi;
	const char *kernel; /* the first one that has it: "6.12" */
	const char *what;   /* completes "restrict ..." */
	const char *hole;   /* what is open without it, as a sentence's subject */
};

/* In the order of their ABIs; ends with an abi of 0. */
const struct landlock_guarantee *landlock_guarantees(void);

/* The ABI of Landlock that this kernel offers; 0 and errno: none. */
int landlock_abi(void);

/*
 * What a sandbox gets where nobody says otherwise: both scopes, as far as the kernel has
 * them. Such a domain does not forbid mounts, so sandboxes can be made inside.
 */
struct landlock_spec landlock_default(void);

/*
 * Refuses what this kernel cannot give, naming the ABI that could. AUTO takes what there is,
 * but for a whole isolation: that needs some Landlock.
 */
int landlock_check(const struct landlock_spec *spec, struct error *err);

/* Makes the filter, of whole: of what Landlock does not know and no namespace keeps in. */
int landlock_close_rest(struct landlock_spec *spec, struct arena *arena,
			struct error *err);

/*
 * Restricts the calling thread, and what it starts, for good. no_new_privs must be set.
 * Paths are opened in the caller's root, and those that are not there are an error unless
 * they are optional.
 */
int landlock_restrict(const struct landlock_spec *spec, struct error *err);

struct profile;

/* Whether this build has seccomp at all (meson's option seccomp). */
bool policy_is_built_in(void);

/* What a build without it says; what is tried, as "use --policy". Returns -1. */
int policy_refuse(const char *what, struct error *err);

struct policy_spec {
	struct caps_spec caps;
	struct limits_spec limits;
	struct landlock_spec landlock;
	struct seccomp_filter filter;
	const char *operand; /* of --policy, paths absolute; NULL: there is no policy */
	const struct profile *profile; /* what filter was made of; NULL: raw, or none */
	bool by_libseccomp;            /* what compiles it */
	unsigned int kernel;           /* its conditions; caps are those above */
	bool emulate_root;
	bool explains;       /* the launcher tells denials */
	const char *denials; /* a file for them; NULL: none */
};

#endif
