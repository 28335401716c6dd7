/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_COMMAND_H
#define SBX_LAUNCHER_COMMAND_H

/*
 * Single steps of a command's process, for those that take them in another order than
 * command_settle(): command_apart.c and container_process.c. Each is harmless in a child of
 * vfork(2): nothing is allocated.
 */

struct child;
struct error;
struct execution;
struct process_spec;

/* The terminal, where there is one, as 0, 1 and 2. */
int command_take_terminal(const struct child *child, struct error *err);

/* What the plan names is inherited. */
int command_keep_descriptors(const struct process_spec *process, struct error *err);

/* Group and user, not the supplementary groups; the capabilities stay as they are. */
int command_take_ids(const struct child *child, struct error *err);

/*
 * Whether it stands inside: a directory that lies elsewhere has no path (getcwd(3)). -1 and
 * errno.
 */
int command_stands_inside(void);

/*
 * The death signal again, which a change of ids has cleared (prctl(2)); none for who stays
 * when the launcher has gone.
 */
int command_watch_launcher(const struct child *child, struct error *err);

/* Default meanings, and none blocked. */
void command_reset_signals(void);

/* HOME and USER go into the two places that the plan left free, if nobody gave them. */
void command_complete_environment(const struct child *child);

/*
 * As the user that the command will be, from its directory: finds its file. For a process
 * that ends then.
 */
int command_look(const struct child *child, struct execution *execution,
		 struct error *err);

/* The filter, its listener to the socket of the turns, and execve(2). */
int command_load_and_run(const struct child *child, struct execution *execution,
			 struct error *err);

/* All that comes between the check of the file and the end of the process. */
int command_take_all(const struct child *child, struct error *err);

#endif
