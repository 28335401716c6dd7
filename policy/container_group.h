/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_CONTAINER_GROUP_H
#define SBX_POLICY_CONTAINER_GROUP_H

/*
 * The cgroup of a container: named by its configuration, kept while nobody watches it, found
 * again by a record. v2, v1 and hybrid hosts; by directories or through systemd. A third door
 * of the wing: only containers need it.
 */

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct error;
struct json_value;
struct key_value;

enum group_manager {
	GROUP_FILES, /* cgroupfs */
	GROUP_SYSTEMD, /* "slice:prefix:name", a scope made through the system's or user's manager */
	GROUP_DISABLED, /* the caller's own group, no limits */
};

enum { GROUP_HIERARCHIES_MAX = 16 };

struct group_places;

struct group_want {
	const struct group_places *places; /* of group_find(); NULL: it is called */
	enum group_manager manager;
	const char *path;                         /* cgroupsPath, or NULL */
	const char *id;                           /* names it where path does not */
	const struct cgroup_resources *resources; /* NULL: none */
	bool best_effort; /* what cannot be applied is one warning */
	const char *systemd_subgroup, *delegate; /* below the group; NULL: none */
	bool has_owner; /* v2: the group becomes owner's to divide (runtime-spec,
			   config-linux.md, "Cgroup ownership") */
	uid_t owner;    /* on the host */
	const struct key_value *systemd_properties;
	size_t systemd_property_count;
	bool warn_json;
};

/* An open group: one directory on v2, one for each controller that is had on v1. */
struct container_group {
	enum group_manager manager;
	bool unified; /* v2 alone */
	struct container_group_part {
		int dir;
		const char *path;        /* absolute, below the mount point */
		const char *controllers; /* "cpu,cpuacct"; "" for v2 */
		bool made;               /* by us: removed at the end */
		int inner; /* where its processes live: the same, or a group below */
	} parts[GROUP_HIERARCHIES_MAX];
	size_t part_count;
	const char *scope; /* unit of systemd; NULL: none */
	bool user_manager; /* of the user's systemd */
	pid_t holder; /* who keeps a new scope alive while nobody else lives in it; 0: none */
	int holding; /* its standard input: it ends with that */
};

/* Where groups can be; for one who asks more than once. Lives in the arena. */
const struct group_places *group_find(struct arena *arena);

/*
 * Makes it, without limits yet. Strings live in the arena. 1: this user may not have one that
 * the configuration names; nothing was made, err says why, for a warning: where resources are
 * wanted, group_apply() fails. Without a path in the configuration that is 0, and the group
 * empty: all functions below take that for nothing to do.
 */
int group_make(const struct group_want *want, struct arena *arena,
	       struct container_group *ret_group, struct error *err);

/* For CLONE_INTO_CGROUP; -1: move the child. */
int group_clone_fd(const struct container_group *group);
int group_move(const struct container_group *group, pid_t pid, struct error *err);

/*
 * Writes each resource that is given and reads it back; the error names what could not be applied. best_effort:
 * goes on, and returns 1 with the first one in err, for a warning.
 */
int group_apply(const struct container_group *group,
		const struct cgroup_resources *resources, bool best_effort,
		struct error *err);

/* So that it is found again: a text for container_record.cgroup. */
const char *group_record(const struct container_group *group, struct arena *arena);

/*
 * What the record of a group of directories is going to be: written before group_make(), it
 * names all that a killed creator leaves. Only what is not there yet; NULL: nothing.
 */
const char *group_record_ahead(const struct group_want *want, struct arena *arena);
int group_open(const char *record, struct arena *arena, struct container_group *ret_group,
	       struct error *err);
void group_close(struct container_group *group);

/* All processes in it and below; *ret_pids in the arena. */
int group_pids(const struct container_group *group, struct arena *arena, pid_t **ret_pids,
	       size_t *ret_count, struct error *err);

/* cgroup.kill, or each of them until there is none, within a bound. */
int group_kill(const struct container_group *group, int number, struct error *err);

/* Freezer; returns when all stand still, or run again. */
int group_freeze(const struct container_group *group, bool frozen, struct error *err);
bool group_is_frozen(const struct container_group *group);

/* Whether it is one at all: neither disabled nor out of this user's reach. */
static inline bool group_is_there(const struct container_group *group)
{
	return group->part_count > 0;
}

/* Stops the scope, removes the directories, tries for a second. */
int group_remove(struct container_group *group, struct error *err);

/* runc's object "data" of `events --stats`. */
struct json_value *group_stats(const struct container_group *group, struct arena *arena);

/*
 * A descriptor that becomes readable when something was killed for want of memory (v2: inotify on memory.events;
 * v1: eventfd), and the number of kills so far.
 */
int group_watch_oom(const struct container_group *group, struct error *err);
uint64_t group_oom_kills(const struct container_group *group);

#endif
