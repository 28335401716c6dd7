/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_SYNC_H
#define SBX_LAUNCHER_SYNC_H

/*
 * The turns that launcher and child take over one SOCK_SEQPACKET pair. The socket is also
 * the lifeline: only the launcher holds its end, so the end of file tells the child that
 * the launcher is gone, and the launcher that the child is.
 */

#include <stdint.h>

#include "base/error.h"
#include "userns/userns.h"

enum turn {
	TURN_MOVED,      /* launcher: you are in your cgroup, go on */
	TURN_IDS_MAPPED, /* launcher: your ids are mapped, go on */
	TURN_NAMESPACES, /* child:    the inodes of my namespaces */
	TURN_GO,         /* launcher: whoever wanted to know was told of you, go on */
	TURN_STDIN_PIPE, /* child:    feed this pipe with the standard input (one fd) */
	TURN_OUTPUT, /* child:    write what comes from this pipe (one fd) to descriptor `value` */
	TURN_LOG, /* child:    runsc's log of a start that failed (one fd) */
	TURN_WRITTEN, /* child:    a layer that takes what is written (one fd), of the mount `value` */
	TURN_LAYERS,  /* child:    layers for fuse-overlayfs (one fd), uid is `value` */
	TURN_FUSE,    /* child:    the device to serve them by (one fd), gid is `value` */
	TURN_CONSOLE, /* child:    here is the master of the pty (one fd) */
	TURN_LISTENER, /* command:  here is the seccomp listener (one fd); none: errno is `value` */
	TURN_STARTED,      /* child:    the command runs */
	TURN_SIGNAL,       /* launcher: send signal `value` to the command */
	TURN_GROUP_SIGNAL, /* launcher: send it to the command's process group */
	TURN_STOPPED,      /* child:    the command was stopped by signal `value` */
	TURN_ENDED,        /* child:    wait status is `value`; the sandbox goes down */
	TURN_MOUNTED, /* container: all is mounted, and the old root still there: hooks run */
	TURN_MOUNT_IDS, /* container: map the ids of this mount (one fd), operation `value` */
	TURN_READY,     /* container: nothing is left but to execute */
	TURN_LEAVE,     /* launcher: I go; wait at the socket to be started */
	TURN_START,     /* who starts a container: execute */
	TURN_FAILED, /* child:    here is the error; I am gone */
};

struct message {
	enum turn turn;
	int value;
	int64_t stdin_offset; /* TURN_ENDED: where the sealed stdin stands; -1: not sealed */
	int timed_out;        /* TURN_ENDED: --timeout ended it */
	int saw_sigsys; /* TURN_ENDED: what the init reaped beside it died of SIGSYS */
	union {         /* left out of every other message */
		struct error err;              /* TURN_FAILED */
		uint64_t namespaces[NS_COUNT]; /* TURN_NAMESPACES; 0: unknown */
	};
};

/* fd: passed along, or -1. -1 and errno (EPIPE: the other side is gone). */
int sync_send(int socket, const struct message *message, int fd);

/*
 * The same behind a filter: one sendmsg(2) and no other call, with the key in the places of
 * the arguments that it does not have (struct start_key in policy/bpf.h).
 */
int sync_send_keyed(int socket, const struct message *message, int fd,
		    const uint64_t key[3]);

/* A plain turn with a value. */
int sync_send_turn(int socket, enum turn turn, int value);

/* As sync_send_turn(), but lost where the other side does not listen: EAGAIN. */
int sync_offer_turn(int socket, enum turn turn, int value);

/*
 * Waits for the next message. 1: there is one; 0: the other side is gone; -1: errno, EPROTO
 * for what is no message of ours. *ret_fd is the descriptor that came along, or -1.
 */
int sync_receive(int socket, struct message *ret_message, int *ret_fd);

#endif
