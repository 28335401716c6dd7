/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_STATE_FILES_H
#define SBX_LAUNCHER_STATE_FILES_H

/* What the rooms of the state share; launcher/state.c says how it holds together. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct error;
struct plan;
struct state_entry;

#define STATE_ENTRY_FILE  "entry.json"
#define STATE_STATUS_FILE "status"
#define STATE_NET_SOCKET  "net"
#define STATE_PLAN_FILE   "plan"
#define STATE_ROOM        "runsc" /* a directory */
#define STATE_MADE_UP     "run-"  /* how names begin that nobody has given */

enum {
	STATE_NAME_MAX = 64,
	STATE_PLACES = 2,
	STATE_STATUS_SIZE = 4, /* bytes of the status file */
};

bool state_is_name(const char *name);

/*
 * State and start time of a process, fields 3 and 22 of proc_pid_stat(5); 'X' of one that is
 * about to be a zombie. -1 and errno.
 */
int state_read_stat(pid_t pid, char *ret_state, uint64_t *ret_start);

/* The first place that serves. -1: none; err may be NULL where nobody asks why. */
int state_open_place(bool spare, bool make, struct error *err);

/* Both, for those who look; -1: it is not there, or is nothing to be believed. */
void state_open_places(int ret_places[STATE_PLACES]);
void state_close_places(int places[STATE_PLACES]);

/* The directory of an entry. -1 and errno. */
int state_open_entry(int place, const char *name);

/* The address of a socket in an entry. */
struct sockaddr_un;
void state_net_address(int dir, struct sockaddr_un *ret_address);

/* Whether the name still leads to the directory that was opened. */
bool state_is_current(int place, const char *name, int dir);

/* The directory of the sandbox of that name, if one runs; -1 if not. Left-overs go. */
int state_open_running(int place, const char *name, struct arena *arena,
		       struct state_entry *ret_entry);

/* Removes what killed launchers have left of sandboxes without a name of their own. */
void state_sweep(int place);

/* What `sbx exec` needs of the plan. -1 and errno; arena: for the time of the call. */
int state_keep_plan(int dir, const struct plan *plan, struct arena *arena);

/* A plan of nothing else, for a process that joins; plan_free() as ever, also on failure. */
int state_read_plan(int dir, struct plan *plan, struct error *err);

#endif
