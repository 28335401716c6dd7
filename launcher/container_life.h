/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_CONTAINER_LIFE_H
#define SBX_LAUNCHER_CONTAINER_LIFE_H

/* Between the files that make a container, start it and take it away. */

#include "launcher/container.h"
#include "policy/container_group.h"

#include <signal.h>

struct child;
struct message;

/* Process 1 of a container, from its clone to its execution. container_child.c */
void container_child_run(struct child *child) __attribute__((noreturn));

/* A container that is being made, as its maker sees it. Descriptors are -1 when there is none. */
struct creation {
	const struct plan *plan;
	const struct container_options *options;
	const struct container_entry *entry;
	struct container_record *record;
	struct arena *arena;
	struct container_group group;
	pid_t pid;
	int pidfd;
	int socket;  /* turns with process 1 */
	int signals; /* what may end us meanwhile */
	int console; /* master of its terminal, where nobody has taken it */
};

/*
 * Clones process 1 into its group and namespaces; those that are joined are joined by a process in
 * between, so that the caller stays where it is. start_socket: inherited. container_clone.c
 */
int container_clone(struct creation *creation, struct child *child, struct error *err);

/* Answers the turns of process 1 until it waits to be started. container_turns.c */
int container_follow(struct creation *creation, struct error *err);

/* ---- what is told outside: container_tell.c ------------------------------------------------ */

/* Connects to the socket at path, whatever its length, and sends a descriptor by name. */
int container_send_fd(const char *path, const char *name, int fd, struct error *err);

/* The pid, whole or not at all. */
int container_write_pid(const char *path, pid_t pid, struct error *err);

/*
 * The socket in the entry where process 1 waits: bound, under another name than that where
 * it is looked for; under that; connected to.
 */
int container_bind_start(const struct container_entry *entry, struct error *err);
int container_publish_start(const struct container_entry *entry, struct error *err);
int container_connect_start(const struct container_entry *entry, struct error *err);

/* ---- a service manager that waits: container_notify.c --------------------------------------- */

/*
 * A socket for NOTIFY_SOCKET, where there is a manager and the container has a place for it.
 * -1: nobody waits; -2: err.
 */
int container_open_notify(const struct container_entry *entry, struct error *err);

/* Whether READY=1 came and was passed on; main_pid > 0: with MAINPID. */
bool container_take_notify(int receiver, pid_t main_pid);

/* Waits for that, or for the end of process 1. */
void container_await_notify(int receiver, const struct container_record *record);

/*
 * Blocks signals. Those that end a process can be read from the descriptor, what else comes
 * waits until we are done. container_create.c
 */
int container_watch_signals(struct error *err);

/* Until there is something to receive. -1: such a signal came first. container_turns.c */
int container_await_turn(int socket, int signals, struct error *err);

/* A pidfd of process 1, if it is that and lives. -1 and ESRCH. container_signal.c */
int container_open_process(const struct container_record *record);

/*
 * Sends a listener of seccomp_unotify(2) to linux.seccomp.listenerPath, with the state of the
 * container process pid. container_listener.c
 */
int container_send_listener(const struct plan *plan,
			    const struct container_record *record,
			    enum container_status status, pid_t pid, int listener,
			    struct error *err);

#endif
