/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_GROUP_H
#define SBX_POLICY_GROUP_H

/*
 * Between the rooms of the cgroups of containers: where they are (container_group_find.c),
 * their life (container_group.c), systemd's part in it (container_group_scope.c), what is
 * written into their files (container_group_apply.c and those that it calls), and what is read
 * out of them (container_group_stats.c).
 */

#include "policy/container_group.h"

#include <limits.h>

/* One hierarchy that is mounted, as this process sees it. */
struct hierarchy {
	const char *controllers; /* "cpu,cpuacct"; "" for v2 */
	const char *top;         /* directory of its mount */
	const char *own; /* directory of the caller's group; NULL: it cannot be seen */
};

/* Returns their number. v2 is the first one, if it is there. */
size_t group_hierarchies(struct arena *arena,
			 struct hierarchy ret_hierarchies[GROUP_HIERARCHIES_MAX]);

/* "a/b" below a group: no "..", nothing empty, nothing that a terminal obeys. */
int group_check_path(const char *what, const char *path, struct error *err);

/* As error_errno_id(), in words that no client of a runtime takes for another failure. */
int group_error(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The part that a controller of v1 lives in, or NULL. "name=systemd" is one as well. */
const struct container_group_part *group_old_part(const struct container_group *group,
						  const char *controller);

/* The part of v2, or NULL. */
const struct container_group_part *group_new_part(const struct container_group *group);

/* What a controller's files stand in: v1 where it has it, else v2; old tells which. */
const struct container_group_part *group_part_of(const struct container_group *group,
						 const char *old_controller,
						 const char *controller, bool *ret_old);

/*
 * Adds the group at path below directory, with what is missing on the way. 1: this user may
 * not, err says why.
 */
int group_add_part(struct container_group *group, const struct hierarchy *hierarchy,
		   const char *directory, const char *path, bool switch_on,
		   struct arena *arena, struct error *err);

/* ---- systemd: container_group_scope.c ---- */

/* Has the scope made, with the properties that its limits are, and adds its parts. */
int group_make_scope(const struct group_want *want, struct arena *arena,
		     struct container_group *group, struct error *err);

/* Tells systemd the limits, so that it does not take them back when it is reloaded. */
int group_scope_limits(const struct container_group *group,
		       const struct cgroup_resources *resources, struct error *err);
int group_stop_scope(const struct container_group *group, struct error *err);

/* ---- values ---- */

/*
 * cpu.shares (2 to 262144) as cpu.weight: the curve through both ends and through the
 * defaults, 1024 and 100, that runc and crun take.
 */
uint64_t group_weight_of_shares(uint64_t shares);

/* blkio.weight (10 to 1000) as io.weight (1 to 10000). */
uint64_t group_io_weight(uint64_t weight);

/*
 * Compiles the rules, later ones winning, into a program of BPF_PROG_TYPE_CGROUP_DEVICE;
 * what engines take for granted (null, zero, full, random, urandom, tty, ptmx, pts) is
 * allowed at the end. In the arena. Returns the number of 8-byte instructions.
 */
struct bpf_insn;
size_t group_device_program(const struct cgroup_device_rule *rules, size_t count,
			    struct arena *arena, struct bpf_insn **ret_program);

int group_apply_devices(const struct container_group *group,
			const struct cgroup_resources *resources, struct error *err);

#endif
