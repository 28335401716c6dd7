/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_DOCTOR_H
#define SBX_LAUNCHER_DOCTOR_H

/*
 * What this host can do for a sandbox. It comes in three steps, so that each can be
 * tested alone: facts are read from files below a root, a few things are tried for real
 * in children, and a table of rows judges the facts without looking at anything else.
 */

#include "userns/userns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* One thing that was tried. All zero: it was not. */
struct trial {
	bool ran;
	int errnum;     /* 0: it worked */
	char step[128]; /* what failed; completes "cannot" */
};

enum package_manager {
	PACKAGES_UNKNOWN,
	PACKAGES_APT,
	PACKAGES_DNF,
	PACKAGES_PACMAN,
	PACKAGES_ZYPPER,
	PACKAGES_APK,
};

/* newuidmap(1) or newgidmap(1). */
struct helper_facts {
	char path[64]; /* empty: not there */
	bool executable, set_id, file_caps;
	bool root_owned;
	bool nobodys; /* its owner is not in our user namespace */
	bool nosuid;  /* its file system is mounted with nosuid */
};

struct subid_facts {
	size_t ranges;
	uint64_t ids;
	uint32_t next_free; /* where a new range of 65536 could start; 0: nowhere */
	bool elsewhere;     /* there are some, but our user namespace has none of them */
};

struct device_facts {
	bool exists;
	int open_errnum; /* 0: can be opened for reading and writing */
};

struct cgroup_facts {
	bool unified;   /* /sys/fs/cgroup is cgroup2 */
	bool hybrid;    /* cgroup2 without controllers beside cgroup1 */
	bool writable;  /* the caller may make groups below its own */
	char path[256]; /* its own group, from /sys/fs/cgroup on */
	char controllers[128];
	char delegated
		[128]; /* controllers that the systemd of this user has to give away */
};

/* -1 stands for a sysctl that this kernel does not have, or does not show. */
struct sysctl_facts {
	int64_t userns_clone;      /* kernel.unprivileged_userns_clone */
	int64_t apparmor_restrict; /* kernel.apparmor_restrict_unprivileged_userns */
	int64_t max_namespaces[NS_COUNT];
	int64_t ping_first, ping_last;
	int64_t low_port_start; /* net.ipv4.ip_unprivileged_port_start */
};

/* What `sbx-net --probe` says. */
struct net_facts {
	bool there;       /* the program */
	char path[256];   /* where it is, or should be */
	char version[32]; /* empty: it does not answer */
	char stack[64];   /* "libslirp 4.7.0", "none" */
	bool ip6;         /* a sandbox would have IPv6 */
	char resolvers[256];
	size_t resolver_count;
	struct trial tap, relay4, relay6;
};

/* What `sbx-image --probe` says. */
struct image_facts {
	bool there;
	char path[256];
	char version[32];    /* empty: it does not answer */
	char archives[160];  /* "libarchive 3.6.2 zlib/1.2.13 …" */
	char signatures[64]; /* "libsodium 1.0.18" */
};

/* The runsc that a run would take. */
struct gvisor_facts {
	bool there;        /* and can be used */
	bool missing;      /* there is none in PATH, and nobody named another */
	char problem[512]; /* why it cannot be used: "cannot ..." */
	char path[256];
	char version[64];
	char pin[256]; /* empty: none */
	bool latest;   /* the pin asks for that */
	unsigned int date;
	bool directfs;
	bool systrap, ptrace, kvm; /* built in */
	char kvm_problem[512];     /* why kvm is of no use here */
	int ptrace_scope;
};

struct host_facts {
	uint32_t uid, gid;
	char user[64];      /* empty: the uid has no name */
	bool in_ping_group; /* one of the caller's groups is in ping_group_range */
	bool unmapped;      /* uid is no id of the user namespace around us */
	bool extra_groups;  /* supplementary groups beyond gid */
	bool no_new_privs;  /* set-id bits have no effect */
	bool filtered;      /* a seccomp filter lies around us */
	bool root_is_mount; /* false in a chroot(2) on a plain directory */
	bool runtime_dir;   /* $XDG_RUNTIME_DIR can be written to */
	bool user_manager;  /* systemd --user answers there */
	char container[32]; /* what we are inside of; empty: nothing known */
	char release[65], machine[65];
	unsigned int major, minor;
	enum package_manager packages;
	struct sysctl_facts sysctls;
	struct subid_facts subids[2]; /* enum subid_kind */
	struct helper_facts helpers[2];
	struct device_facts tun, fuse;
	struct cgroup_facts cgroup;
	char fuse_overlayfs[256]; /* path; empty: not there */
	char squashfuse[256], erofsfuse[256];
	char proc_covers[512]; /* what is mounted below /proc, with blanks between */
	uint64_t keys_used, keys_max; /* key-users of /proc; 0: not known */
	int landlock_abi;             /* or a negative errno */
	bool without_seccomp;         /* so sbx was built */
	unsigned int seccomp_level;   /* seccomp_level() */
	bool seccomp_notify;
	struct trial userns, id_map, proc, overlay, keyring;
	struct trial replacing; /* of a directory in that overlay */
	struct trial mounts;    /* without which there is no sandbox */
	struct trial mount_api; /* for which there is another way */
	struct trial namespaces[NS_COUNT];
	struct net_facts net;
	struct image_facts images;
	struct gvisor_facts gvisor;
};

/* ---- facts -------------------------------------------------------------------------- */

/*
 * Reads what files tell, with root_fd as "/": sysctls, kernel, helpers, cgroups, covers
 * of /proc, the package manager. path is a list as $PATH, searched below root_fd. What
 * cannot be read is left as unknown.
 */
void host_read_files(int root_fd, const char *path, struct host_facts *facts);

/* The parsers of single files, for unit tests; text ends with NUL. */
void host_parse_status(const char *text, struct host_facts *facts);
void host_parse_mountinfo(const char *text, struct host_facts *facts);
void host_parse_key_users(const char *text, uint32_t uid, struct host_facts *facts);
uint32_t host_next_free_subid(const char *text);
void host_parse_probe(char *text, struct net_facts *net);            /* text is changed */
void host_parse_image_probe(char *text, struct image_facts *images); /* likewise */

/* Tries the rest for real, each in a child of its own that is gone afterwards. */
void host_try(struct host_facts *facts);

/*
 * What a program of ours says to --probe: "" where it says nothing. False: it is not there;
 * ret_path says where it should be.
 */
bool host_ask(const char *name, char *ret_path, size_t path_size, char *ret_text,
	      size_t size);

/* Asks sbx-net, which tries what a network needs. */
void host_probe_net(struct net_facts *net);

/* Finds runsc, and asks it: up to eight seconds where it hangs. */
void host_probe_gvisor(struct gvisor_facts *facts);

/* Asks sbx-image what it can read. */
void host_probe_images(struct image_facts *images);

/* All but runsc, and what the environment and system calls tell, for this host. */
void host_gather(struct host_facts *facts);

/* ---- rows --------------------------------------------------------------------------- */

enum row_state { ROW_OK, ROW_LIMITED, ROW_MISSING };

/* What a row says of a host. costs and remedy may be empty. */
struct finding {
	enum row_state state;
	char found[256];
	char costs[256];
	char remedy[512]; /* one command */
};

struct doctor_row {
	const char *id; /* stable: docs/interfaces.md */
	const char *name;
	bool needed; /* a sandbox with the defaults cannot start where it is missing */
	void (*judge)(const struct host_facts *facts, struct finding *finding);
};

const struct doctor_row *doctor_rows(size_t *ret_count);

/* The row of that id, judged. It must exist. */
struct finding doctor_judge(const char *id, const struct host_facts *facts);

/* ---- explanations ------------------------------------------------------------------- */

/*
 * Given why a run failed, looks at the host and puts in the cause that is to blame: id,
 * text and hint. It leaves an error alone of which the host is innocent. Slow: for
 * failures only.
 */
void doctor_explain(struct error *err);

/* The same with facts that are there already. */
void doctor_explain_by(const struct host_facts *facts, struct error *err);

#endif
