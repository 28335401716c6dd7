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

/* v2 is the first one, if it is there. */
struct group_places {
	struct hierarchy list[GROUP_HIERARCHIES_MAX];
	size_t count;
};

/* Those that were found before, or else now. */
const struct group_places *group_places_of(const struct group_want *want,
					   struct arena *arena);

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

/* Whether anybody lives in that directory or below. container_group_processes.c */
bool group_is_inhabited(int group);

/* ---- systemd: container_group_scope.c ---- */

/* Has the scope made, with the properties that its limits are, and adds its parts. */
int group_make_scope(const struct group_want *want, struct arena *arena,
		     struct container_group *group, struct error *err);

/* Tells systemd the limits, so that it does not take them back when it is reloaded. */
int group_scope_limits(const struct container_group *group,
		       const struct cgroup_resources *resources, struct error *err);
int group_attach_scope(const struct container_group *group, pid_t pid, struct error *err);
int group_stop_scope(const struct container_group *group, struct error *err);

/* ---- values: container_group_apply.c, …_memory.c, …_cpu.c, …_io.c, …_devices.c ---- */

/* What is written where: one file of v1, one of v2, either NULL where there is none. */
struct knob {
	const char *member; /* of linux.resources, for messages */
	const char *old_controller, *old_file;
	const char *controller, *file;
	uint64_t usual; /* what the kernel has where nobody says anything; never fails */
};

/* Resources on their way into the files of a group. */
struct applying {
	const struct container_group *group;
	const struct cgroup_resources *resources;
	struct error *err;
};

/* Where a knob is in this group. */
struct place {
	int dir;
	const char *file;
	bool old;
};

enum { GROUP_VALUE_MAX = 8191 };

/* Whether there is such a file. Else why not: group_refuse_knob(). */
bool group_find_knob(const struct applying *applying, const struct knob *knob,
		     struct place *ret_place);

/* Says which controller or file is missing for it, and what helps. Returns -1. */
int group_refuse_knob(const struct applying *applying, const struct knob *knob,
		      const char *value);

/*
 * Makes the file read as the number; UINT64_MAX is no limit. The kernel rounds bytes to
 * pages. One that reads so already is not written.
 */
int group_put_number(const struct applying *applying, const struct knob *knob,
		     uint64_t value);

/* Writes the text, and fails unless the line that begins as shown reads so then. */
int group_put_line(const struct applying *applying, const struct knob *knob,
		   const char *text, const char *shown);

/* Fails, naming the knob, the value and errno. */
int group_fail_knob(const struct applying *applying, const struct knob *knob,
		    const struct place *place, const char *value);

/* The number in a file as a limit: "max" and what v1 has for it are UINT64_MAX. */
int group_read_limit(int dir, const char *file, uint64_t *ret_value);

int group_apply_memory(const struct applying *applying);
int group_apply_oom_killer(const struct applying *applying);
int group_apply_shares(const struct applying *applying);
int group_apply_quota(const struct applying *applying);
int group_apply_idle(const struct applying *applying);
int group_apply_cpuset(const struct applying *applying);
int group_apply_io(const struct applying *applying);
int group_apply_io_rules(const struct applying *applying);
int group_apply_huge_pages(const struct applying *applying);
int group_apply_rdma(const struct applying *applying);
int group_apply_network(const struct applying *applying);
int group_apply_unified(const struct applying *applying);
int group_apply_devices(const struct applying *applying);

/* For a configuration without rules: the usual devices, and no other. */
int group_apply_usual_devices(const struct container_group *group, struct error *err);

/*
 * cpu.shares (2 to 262144) as cpu.weight: the curve through both ends and through the
 * defaults, 1024 and 100, that runc and crun take.
 */
uint64_t group_weight_of_shares(uint64_t shares);

/* blkio.weight (10 to 1000) as io.weight (1 to 10000). */
uint64_t group_io_weight(uint64_t weight);

/*
 * Compiles the rules, later ones winning, into a program of BPF_PROG_TYPE_CGROUP_DEVICE
 * which begins with nothing allowed. In the arena. Returns the number of instructions.
 */
struct bpf_insn;
size_t group_device_program(const struct cgroup_device_rule *rules, size_t count,
			    struct arena *arena, struct bpf_insn **ret_program);

/*
 * The rules as v1 takes them, in the arena: whether everything is allowed at the start, and
 * exceptions from that. -1: one cannot be said there.
 */
struct device_exceptions {
	bool allowed;
	struct cgroup_device_rule *rules; /* allow is the opposite of allowed */
	size_t count;
};
int group_device_exceptions(const struct cgroup_device_rule *rules, size_t count,
			    struct arena *arena, struct device_exceptions *ret_exceptions,
			    struct error *err);

#endif
