/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_CONTAINER_PROCESS_H
#define SBX_LAUNCHER_CONTAINER_PROCESS_H

/*
 * What a container's process does beside what every command's does, or otherwise: what a
 * config.json says of it (runtime-spec, config.md, "Process"). Process 1 and whoever joins it
 * later have it as child->steps; command_settle() and command_execute() take it then.
 */

struct child;
struct error;
struct execution;

struct command_steps {
	/* In the launcher, before the clone. */
	int (*prepare)(struct child *child, struct error *err);
	/* In the process; the root is entered. */
	int (*settle)(const struct child *child, struct error *err);
	int (*find)(const struct child *child, struct execution *execution,
		    struct error *err);
	int (*execute)(const struct child *child, struct execution *execution,
		       struct error *err);
};

extern const struct command_steps container_steps;

#endif
