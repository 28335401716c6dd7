/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_SCHEDULE_H
#define SBX_LAUNCHER_SCHEDULE_H

/*
 * How the kernel treats the calling process beside others: what of a container's "process"
 * stays over execve(2) and is neither a limit nor a power (runtime-spec, config.md).
 */

struct error;
struct process_spec;

/* Scheduling policy (sched_setattr(2)) and priority of its I/O (ioprio_set(2)). */
int schedule_take(const struct process_spec *process, struct error *err);

/*
 * Keeps to these processors, "0-1,3", as far as the cpuset has them (sched_setaffinity(2)).
 * NULL: as it is.
 */
int schedule_bind(const char *processors, struct error *err);

/* personality(2) */
int schedule_pose(const struct process_spec *process, struct error *err);

#endif
