/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_CGROUP_H
#define SBX_POLICY_CGROUP_H

/*
 * Between the rooms of the cgroups: where a group can be made (cgroup_find.c), what stands
 * in its files (cgroup_values.c, cgroup_usage.c), who makes a scope for it
 * (cgroup_scope.c), and its life from mkdir(2) to rmdir(2) (cgroup.c).
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/policy.h"

/* Bits, for sets of them. */
enum controller {
	CONTROLLER_MEMORY = 1 << 0,
	CONTROLLER_PIDS = 1 << 1,
	CONTROLLER_CPU = 1 << 2,
	CONTROLLER_CPUSET = 1 << 3,
	CONTROLLER_IO = 1 << 4,
};

enum { CONTROLLER_COUNT = CGROUP_PARTS_MAX };

/* "memory"; of cgroup v1, "blkio" for CONTROLLER_IO. */
const char *controller_name(unsigned int bit, bool old);

/* What the limits need. */
unsigned int controllers_needed(const struct cgroup_limits *limits);

/* The controllers that a list with blanks names, as in cgroup.controllers. */
unsigned int controllers_listed(const char *list);

/* "memory, pids and io", in room for all. Returns to. */
enum { CONTROLLERS_TEXT = 64 };
char *controllers_text(unsigned int set, char *to);

/* Removes a group and all below it; -1 and EBUSY: processes live there. cgroup.c */
int cgroup_remove_tree(int parent, const char *name);

/* ---- where: cgroup_find.c ---- */

/*
 * The caller's group in a table as /proc/self/cgroup (cgroups(7)): of the hierarchy of a
 * controller of cgroup v1, or with NULL of cgroup v2. ret_path holds PATH_MAX bytes. -1:
 * there is none.
 */
int cgroup_own_path(FILE *table, const char *controller, char *ret_path);

/*
 * The directory where that group can be seen, by a table as /proc/self/mountinfo
 * (proc(5)), and the top of that mount. Both hold PATH_MAX bytes.
 */
int cgroup_directory(FILE *mounts, const char *controller, const char *own_path,
		     char *ret_directory, char *ret_top);

/* What was seen on the way, for whoever has to be told why it does not go on. */
struct cgroup_search {
	unsigned int needed;
	enum cgroup_way way; /* CGROUP_NONE: there is no way */
	/* The directories in which a group is made, each for some controllers. */
	struct cgroup_spot {
		char directory[PATH_MAX];
		unsigned int controllers;
	} spots[CGROUP_PARTS_MAX];
	size_t spot_count;
	char own[PATH_MAX];       /* the own group of cgroup v2; "": none */
	unsigned int lacking;     /* not in the hierarchy of cgroup v2 at all */
	unsigned int undelegated; /* systemd keeps them from this user */
	unsigned int withheld; /* a group of this user's does not get them from above */
	unsigned int old;      /* of the lacking ones: cgroup v1 has them */
	bool crowded;          /* the own group is ours, but others live in it too */
	bool systemd;          /* a manager of this user's runs */
};

/* scope: whether systemd may be asked. */
void cgroup_search(unsigned int needed, bool scope, struct cgroup_search *ret_search);

/* Why there is no way. Returns -1. cgroup_refuse.c */
int cgroup_refuse(const struct cgroup_search *search, struct error *err);

/* ---- values: cgroup_values.c ---- */

/* A set of processors as the kernel lists them: "0-3,8". */
struct cpu_set {
	uint64_t bits[128];
};

/* -1: it is no list, or names one above 8191. An end of line may follow. */
int cpu_set_parse(const char *text, struct cpu_set *ret_set);

/*
 * Writes those limits that belong to controllers into the files of a group, reads them
 * back, and fails where the kernel has others. old: of cgroup v1.
 */
int cgroup_write_limits(int group, const struct cgroup_limits *limits,
			unsigned int controllers, bool old, struct error *err);

/* The number behind a key in a table of `KEY NUMBER` lines; with key "" the whole. */
int cgroup_number(int group, const char *file, const char *key, uint64_t *ret_value);

/* ---- the user's systemd: cgroup_scope.c ---- */

/* The runtime directory of a user's manager that runs; "": there is none. PATH_MAX. */
void cgroup_systemd_runtime(char *ret_path);

/* One run of sbx-scope. */
struct scope_run {
	const char *const *words; /* NULL-ended, the name first */
	const char *runtime;      /* of the user's manager; NULL: the system's */
	bool holds; /* it stays, having said that all is well, until holding is closed */
	pid_t pid;  /* of the one that holds; it has to be waited for */
	int holding;
};

/* Starts it and reads its answer; ERROR_CGROUP with what it says. */
int cgroup_run_scope(struct scope_run *run, struct error *err);

/* Has this process moved into a scope of its own, delegated to us: by sbx-scope. */
int cgroup_make_scope(const char *runtime, struct error *err);

#endif
