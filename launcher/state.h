/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_STATE_H
#define SBX_LAUNCHER_STATE_H

/*
 * What is remembered of running sandboxes: $XDG_RUNTIME_DIR/sbx/NAME/, 0700, written to a
 * temporary name and renamed, held under flock(2) by the launcher for as long as the
 * sandbox runs. A pid is kept with its start time and believed only with it. A directory
 * whose lock is free is what a killed launcher left: whoever meets it removes it.
 */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct cgroup;
struct error;
struct outcome;
struct plan;

/* The launcher's own entry. Zeroed and with -1 descriptors by state_init(). */
struct state {
	int place; /* the directory of all entries */
	int dir;   /* the entry's directory, locked */
	int status_file;
	const struct cgroup *group; /* of the sandbox; NULL: none */
	char name[128];
};

void state_init(struct state *state);

/*
 * Takes the plan's name, or makes one up ("run-PID"). needed: --name or --detach, where a
 * state directory that cannot be used is an error and /tmp/sbx-UID (0700, owner checked)
 * serves where XDG_RUNTIME_DIR does not; else nothing is made and 0 is returned.
 * ERROR_NAME_TAKEN where a living sandbox has that name.
 */
int state_claim(struct state *state, const struct plan *plan, bool needed,
		struct error *err);

/* For --dry-run: whether the name can be used and is free. Takes nothing. */
int state_check(const struct plan *plan, struct error *err);

/*
 * Makes the socket that `sbx port` will find in the entry: listening, SOCK_SEQPACKET. It goes
 * to sbx-net before the entry is published. Nothing claimed: *ret_listener is -1, which is no error.
 */
int state_listen_net(const struct state *state, int *ret_listener, struct error *err);

/*
 * A directory in the entry for the sandbox's own use: its absolute path. Nothing claimed, or
 * nothing to be had: "".
 */
void state_make_room(const struct state *state, char *ret_path, size_t size);

/* The sandbox runs: readers may see it now. Nothing claimed: 0. */
int state_publish(struct state *state, const struct plan *plan, pid_t init,
		  struct error *err);

/* It has ended: waiters learn the status, and the entry goes. Nothing claimed: nothing. */
void state_end(struct state *state, const struct outcome *outcome);

/* Whether that process runs and is the one that began then, in clock ticks since boot. */
bool state_is_alive(pid_t pid, uint64_t start);

/* ---- for the commands ------------------------------------------------------------------ */

/* One running sandbox, as read. Strings live in the arena. */
struct state_entry {
	const char *name;
	bool named; /* by --name, not made up */
	pid_t init, launcher;
	uint64_t init_start, launcher_start; /* ticks since boot, proc_pid_stat(5) */
	const char *started;                 /* RFC 3339, UTC */
	const char *const *command;          /* NULL-ended */
	const char *root;                    /* "host", "empty" or a directory */
	bool detached;
	int stop_signal;
	const char *log; /* of a detached one: a file, "-"; NULL: none */
	const char *const
		*groups; /* directories of its cgroups, NULL-ended; NULL: none */
};

/* All that run, the oldest first. Left-overs are cleaned on the way. Returns the number. */
int state_list(struct arena *arena, const struct state_entry **ret_entries,
	       struct error *err);

/* ERROR_NO_SUCH_SANDBOX with the nearest name as a hint. */
int state_find(const char *name, struct arena *arena, struct state_entry *ret_entry,
	       struct error *err);

/*
 * The same, and of its plan what `sbx exec` needs; plan_free() as ever, also on failure.
 */
int state_find_plan(const char *name, struct arena *arena, struct state_entry *ret_entry,
		    struct plan *ret_plan, struct error *err);

/* The command of a sandbox, as the host numbers it: the first child of its init. -1: errno. */
pid_t state_find_command(const struct state_entry *entry, bool no_init);

/*
 * Connects to sbx-net of the sandbox of that name (docs/processes.md). ERROR_NETWORK where none
 * serves it.
 */
int state_connect_net(const char *name, int *ret_socket, struct error *err);

/* 0: its launcher has ended; 1: not within that time; below 0: there is no limit. */
int state_await_end(const struct state_entry *entry, int timeout_ms, struct error *err);

/*
 * Waits for the end of the sandbox of that name. *ret_status is what its launcher ended
 * with; 137 where the launcher was killed.
 */
int state_wait(const char *name, int *ret_status, struct error *err);

#endif
