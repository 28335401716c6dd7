/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_CONTAINER_H
#define SBX_LAUNCHER_CONTAINER_H

/*
 * Containers of `sbx-oci`: made from a bundle, started by another process, left alone, and
 * deleted by a third one. Nobody stays behind to watch: what is known of a container is its
 * record in ROOT/ID/, and what the kernel says of its process 1.
 *
 *   ROOT/ID/state.json   the record (struct container_record)
 *   ROOT/ID/config.json  the configuration as it was given to create
 *   ROOT/ID/start        the socket on which process 1 waits to be started; who finds it
 *                        served finds the container created, and not yet running
 *   ROOT/ID/creating     the same, until the container is created
 *
 * Whoever changes a container holds its directory locked (flock(2)). What stands in a
 * record is believed as far as it was written by this user into a directory of its own.
 */

#include "launcher/executor.h"
#include "plan/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct error;

/* ---- the store: container_store.c ---------------------------------------------------------- */

enum { CONTAINER_ID_MAX = 1024 };

enum container_status {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPED,
};

/* "creating", … as runtime-spec, runtime.md names them. */
const char *container_status_name(enum container_status status);

/* Strings live in the arena of whoever read it. */
struct container_record {
	const char *id;
	const char *version; /* ociVersion */
	const char *bundle, *rootfs;
	const char *created; /* RFC 3339 */
	const char *owner;   /* a name, or the number */
	pid_t pid; /* of process 1, as the one that created it saw it; 0: none yet */
	uint64_t start_time; /* ticks since boot, proc_pid_stat(5) */
	const char *cgroup; /* its record, as cgroup_write_record() made it; NULL: none */
	const char *const
		*external; /* descriptors 0, 1, 2 as readlink(2) shows them; NULL */
	const struct key_value *annotations;
	size_t annotation_count;
	bool systemd; /* the cgroup is systemd's */
	bool terminal;
	const char *const *runsc; /* its file and options (oci_gvisor.h); NULL: native */
	const char *runsc_pin;    /* what that file has to be, each time; NULL: any */
	bool hides_net_core;      /* gvisor#10704, when it is started */
};

/* One container's directory, locked until container_close(). */
struct container_entry {
	int place; /* ROOT */
	int dir;   /* ROOT/ID */
	bool held; /* by us: nobody else changes it */
	const char *id;
};

/* An id as runc takes it. ERROR_USAGE. */
int container_check_id(const char *id, struct error *err);

/*
 * ROOT: root, or where it is NULL $XDG_RUNTIME_DIR/sbx-oci, for root /run/sbx-oci, in a user
 * namespace of an engine the former if it can be written, else /tmp/sbx-oci-UID. 0700, owner
 * checked. make: else -1 with ENOENT where there is none.
 */
int container_open_root(const char *root, bool make, struct error *err);

/* A new one; the id must be free: ERROR_NAME_TAKEN. */
int container_take(int place, const char *id, struct container_entry *ret_entry,
		   struct error *err);

/*
 * One that is there, for who changes it. ERROR_NO_SUCH_SANDBOX: "container ID does not
 * exist"; ERROR_CONTAINER_STATE where another process has held it for ten seconds.
 */
int container_open(int place, const char *id, struct container_entry *ret_entry,
		   struct error *err);

/*
 * The same without the lock, for who only reads, signals or joins: hooks ask for the state
 * while the container is being created.
 */
int container_look(int place, const char *id, struct container_entry *ret_entry,
		   struct error *err);

void container_close(struct container_entry *entry);

/*
 * Whole or not at all. Read: ERROR_NO_SUCH_SANDBOX where none was written yet,
 * ERROR_STATE where it is not what was written.
 */
int container_write(const struct container_entry *entry,
		    const struct container_record *record, struct error *err);
int container_read(const struct container_entry *entry, struct arena *arena,
		   struct container_record *ret_record, struct error *err);

/* Its configuration: kept, and read again into a plan. */
int container_keep_config(const struct container_entry *entry, const char *text,
			  size_t length, struct error *err);
int container_read_plan(const struct container_entry *entry,
			const struct container_record *record, struct plan *ret_plan,
			struct error *err);
/* For its start and its end: without the filter, which its process 1 has. */
int container_read_created(const struct container_entry *entry,
			   const struct container_record *record, struct plan *ret_plan,
			   struct error *err);

/* What it is doing. A zombie is stopped. */
enum container_status container_status(const struct container_entry *entry,
				       const struct container_record *record);

/* All ids, sorted, NULL-ended, in the arena. */
const char *const *container_list(int place, struct arena *arena, struct error *err);

/* Removes the directory; the entry is closed. */
int container_remove(struct container_entry *entry, struct error *err);

/* The state as runtime-spec wants it, for hooks and `state`; runc's member names. */
const char *container_state_text(const struct container_record *record,
				 enum container_status status, struct arena *arena);

/* ---- its life: container_create.c, container_start.c ----------------------------------------- */

struct container_options {
	const char *console_socket; /* takes the master of the terminal; NULL: none */
	const char *pid_file;
	const char *pidfd_socket;
	unsigned int preserve_fds; /* from 3, beside LISTEN_FDS */
	bool no_new_keyring;
	bool systemd_cgroup;
	bool no_cgroup;   /* --cgroup-manager disabled */
	bool best_effort; /* --cgroups best-effort */
	bool attached;    /* `run` without -d: its terminal is relayed by us */
	/* What is no reason to stop; NULL: nobody hears it. */
	void (*warn)(void *context, const struct error *warning);
	void *context;
};

/* What its creator still holds of it. Descriptors are -1 when there is none. */
struct container_handle {
	pid_t pid; /* a child of the caller */
	int pidfd;
	int console; /* attached: the master of its terminal, to be relayed */
	int notify;  /* attached: where it says that it is ready, to be passed on */
	/* How it gets a signal; NULL: its process, by pidfd. */
	void (*signal)(void *context, int number);
	void *context;
};

/* Descriptors that are handed on, beside 0, 1 and 2. */
enum { CONTAINER_FDS_MAX = 512 };

/*
 * The process is to have 3, …: as many as LISTEN_FDS says (sd_listen_fds(3)), and so many preserved
 * ones. Closes all others: called before anything is opened. Returns how many, or -1.
 */
int container_take_fds(unsigned int preserved, struct error *err);

/* Puts them into the plan, with the variables that tell of them. */
void container_pass_fds(struct plan *plan, int count);

/* Adds "NAME=VALUE" to the environment of the process, in the place of one of that name. */
void container_set_env(struct plan *plan, const char *variable);

/*
 * Where the caller has a NOTIFY_SOCKET (sd_notify(3)): gives the container one of its own, in its
 * entry. container_start() passes on that it is ready. container_notify.c
 */
int container_pass_notify(const struct container_entry *entry, struct plan *plan,
			  struct error *err);

/*
 * Makes the container of the plan up to the point where only its process has to be executed:
 * the process waits at ROOT/ID/start, whatever becomes of the caller. The record is written;
 * what is added to it lives in the arena. On failure nothing is left but the entry, which
 * the caller removes. Signals that can be blocked are blocked from then on.
 */
int container_create(const struct plan *plan, const struct container_options *options,
		     const struct caller_text *caller,
		     const struct container_entry *entry, struct container_record *record,
		     struct arena *arena, struct container_handle *ret_handle,
		     struct error *err);
void container_let_go(struct container_handle *handle);

/*
 * Stays with a container that was started: passes signals on, relays its terminal. Returns when
 * process 1 has ended, with its exit status as a shell has it. container_attend.c
 */
int container_attend(const struct plan *plan, struct container_handle *handle,
		     int *ret_status, struct error *err);

/*
 * Lets it execute its process: hooks of that moment, the listener of its filter handed to whom the
 * configuration names. Returns once it was executed. ERROR_CONTAINER_STATE where it was
 * started already or has ended. Where a service manager waits, it returns when the container
 * is ready; or at once, and *ret_notify is for container_attend(). NULL: nobody attends.
 */
int container_start(const struct plan *plan, const struct container_entry *entry,
		    const struct container_record *record, int *ret_notify,
		    struct error *err);

/*
 * Sends a signal to process 1, all: to every process of its cgroup. ERROR_CONTAINER_STATE
 * ("container not running") where there is none.
 */
int container_kill(const struct container_record *record, int number, bool all,
		   struct error *err);

/*
 * Takes a stopped or never started container away: its cgroup, poststop hooks, its entry,
 * which is closed. force: a running one is killed. 1: done, but a hook failed, as err says.
 */
int container_delete(struct container_entry *entry, const struct container_record *record,
		     bool force, struct error *err);

/* The same of one that has ended, by who has its plan. 1: done, but a hook failed, as err says. */
int container_take_away(const struct plan *plan, struct container_entry *entry,
			const struct container_record *record, struct error *err);

/* ---- hooks: container_hooks.c ------------------------------------------------------------- */

/*
 * Runs them in order with the state on stdin, their environment and time limit, in the calling
 * process's namespaces. -1: the first that failed; the others did not run, but those of the end. One
 * that runs is killed when a signal that would end us is blocked and pending.
 */
int container_run_hooks(const struct plan *plan, enum hook_kind kind,
			const char *state_text, struct error *err);

/* ---- another process: container_exec.c ------------------------------------------------------ */

struct container_exec {
	const char *console_socket, *pid_file, *pidfd_socket;
	unsigned int preserve_fds;
	bool detach;
	const char *cgroup; /* below the container's; NULL: the container's own */
	bool ignore_paused;
};

/*
 * Starts plan->process (plan_set_process()) beside process 1, in all its namespaces, its root and
 * cgroup, under the container's filter and labels. Joined by one pidfd and verified. detach:
 * returns when it was executed, *ret_status 0; else when it ended, with its status.
 */
int container_exec(const struct plan *plan, const struct container_record *record,
		   const struct container_exec *request, const struct caller_text *caller,
		   int *ret_status, struct error *err);

#endif
