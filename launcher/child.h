/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_CHILD_H
#define SBX_LAUNCHER_CHILD_H

/* What the rooms of the child share: stages, the start of the command, the reaper. */

#include "base/files.h"
#include "launcher/bounds.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct caller_text;
struct command_steps;
struct container_record;
struct error;
struct execution;
struct gvisor_start;
struct landlock_path;
struct message;
struct plan;
struct process_spec;
struct sandbox;

/* The file of sbx itself: it is no command. */
struct own_file {
	struct files_identity identity;
	bool strict; /* what cannot be read may be it */
};

struct child {
	const struct plan *plan;
	int socket;          /* turns with the launcher */
	int launcher_socket; /* its end, inherited: closed at once */
	int net_control; /* the launcher's way to sbx-net, inherited: closed at once */
	int net_end;     /* speaks with sbx-net until the network is there; -1: none */
	int binfmt;      /* what serves another machine, held open; -1: nothing */
	bool mapped_by_parent;
	bool own_ids_unmapped; /* the map leaves the caller's own ids out */
	char *caller_text;     /* the caller's arguments and environment, to be wiped */
	size_t caller_text_size;
	char stdin_path[PATH_MAX]; /* a regular file to seal; empty: none */
	bool stdin_sealed;
	int terminal; /* the slave of our pty, or -1 */
	/* Without namespaces: room for one more behind the paths that Landlock opens. */
	struct landlock_path *spare_path;
	char terminal_path[32];
	/* What was looked up inside. */
	uid_t uid;
	gid_t gid;
	uint32_t groups[64];
	size_t group_count;
	char home[PATH_MAX + 8], user[256 + 8]; /* "HOME=…", "USER=…" */
	pid_t command;
	int signals, events,
		children; /* the reaper's, opened before the command starts */
	struct own_file own_file;
	struct bounds bounds;
	bool moved; /* into its cgroup by the launcher, which says so */
	/* Of a container: where it waits to be started, and what its hooks are told. */
	int start_socket;
	struct container_record *record;
	const struct command_steps *steps; /* container_process.h; NULL: as any command */
	int proc;   /* the caller's procfs, for labels; -1: none are asked for */
	bool joins; /* a sandbox that runs already */
	bool stays; /* when the launcher has gone */
	struct gvisor_start
		*gvisor; /* --runtime runsc; NULL: the command runs natively */
	struct execution *execution;  /* of a container: found before the wait */
	struct root_sources *sources; /* the same: reached before the ids are mapped */
};

/* A step on the child's way to the command. */
struct stage {
	const char *name;
	int (*run)(struct child *child, struct error *err);
};

/* The child's whole life, stage by stage; never returns. native_child.c */
void child_live(struct child *child, const struct stage *stages, size_t count)
	__attribute__((noreturn));

/* With namespaces. native_child.c */
void child_run(struct child *child) __attribute__((noreturn));

/* Without. landlock_child.c */
void child_run_in_place(struct child *child) __attribute__((noreturn));

/* The stages that several have. native_child.c */
int stage_watch_launcher(struct child *child, struct error *err);
int stage_enter_cgroup(struct child *child, struct error *err);
int stage_weigh_oom(struct child *child, struct error *err);
int stage_stand_alone(struct child *child, struct error *err);
int stage_open_terminal(struct child *child, struct error *err);
int stage_start_command(struct child *child, struct error *err);
int stage_drop_capabilities(struct child *child, struct error *err);
int stage_await_ids(struct child *child, struct error *err);
int stage_name_host(struct child *child, struct error *err);
int stage_open_network(struct child *child, struct error *err);
int stage_enter_root(struct child *child, struct error *err);
int stage_drop_groups(struct child *child, struct error *err);
int stage_await_network(struct child *child, struct error *err);
int stage_make_time(struct child *child, struct error *err);

/* All of them in order; -1: the first that failed. */
int stages_run(struct child *child, const struct stage *stages, size_t count,
	       struct error *err);

/*
 * The launcher's half of a start with namespaces. gvisor: what runsc is started with; NULL:
 * the command runs natively. native.c
 */
int namespaces_start(const struct plan *plan, const struct caller_text *caller,
		     const struct bounds *bounds, struct gvisor_start *gvisor,
		     struct sandbox *ret_sandbox, struct error *err);

/* Fills stdin_path. native.c */
void stdin_note(struct child *child);

/* Has the launcher write what it reads into a pipe that takes its place. native_child.c */
int stdin_feed_by_pipe(const struct child *child, struct error *err);

/*
 * Starts the command in a process of its own and returns its pid, once it was executed.
 * -1: it could not be. command_apart.c
 */
pid_t command_start(struct child *child, struct error *err);

/* Becomes the command (--no-init). Returns only on failure. */
int command_become(struct child *child, struct error *err);

/*
 * The same in parts, for a process that is the command and waits in between. The launcher
 * must not be found by the name of the command; then everything but the filter is taken on;
 * the file is found; and behind command_execute() nothing is left but command_fail().
 * command.c
 */
int command_check_file(const struct child *child, struct error *err);
int command_settle(const struct child *child, struct error *err);
int command_find(const struct child *child, struct execution *execution,
		 struct error *err);
int command_execute(const struct child *child, struct execution *execution,
		    struct error *err);

/* Says why on the socket of the turns, or nothing, by what a filter lets pass; and ends. */
void command_fail(const struct child *child, const struct message *message)
	__attribute__((noreturn));
void command_end(const struct child *child) __attribute__((noreturn));

/* Who the command is: fills uid, gid, groups, home and user. identity.c */
int identity_find(struct child *child, struct error *err);

/* A pty of our own inside: its master goes to the launcher. terminal.c */
int terminal_open(struct child *child, struct error *err);

/* The pty alone: returns its master, or -1. */
int terminal_make(const struct child *child, int *ret_slave, struct error *err);

/*
 * Gives a pty (by either end) the modes of the caller's terminal, where 0, 1 or 2 is one,
 * and its size, or the one that the plan says. terminal_child.c
 */
void terminal_prepare(int terminal, const struct process_spec *process);

/* Notes the file at path as the own one; strict as it is. */
void own_file_note(const char *path, struct own_file *own_file);

/*
 * Whether path, the interpreter of its first line, its loader, or the shell that is given a
 * file without a mark, is the own file, seen through the own mount: through /proc/self/exe an image could execute, and later write,
 * the launcher. The same file on a mount of the sandbox is as safe as that mount.
 */
bool exec_leads_to(const char *path, const char *shell, const struct own_file *own);

/* Whether path is of no kind that has a mark: execvp(3) gives such a file to the shell. */
bool exec_is_for_shell(const char *path);

/* Says why path could not be executed; fills err with status 126 or 127. exec_error.c */
int exec_explain(const char *path, int errnum, struct error *err);

/* Moves the plan's strings out of the caller's text, and wipes it. caller_text.c */
int caller_text_hide(struct child *child, struct error *err);

/* Opens what the reaper waits with. */
int reaper_prepare(struct child *child, struct error *err);

/*
 * Kills the children of the calling thread, and what becomes its children by that, until
 * there are none. children: /proc/thread-self/children. reaper.c
 */
void children_kill(int children);

/* Process 1 from the start of the command to its end; never returns. reaper.c */
void reaper_run(struct child *child) __attribute__((noreturn));

#endif
