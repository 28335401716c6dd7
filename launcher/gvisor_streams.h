/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_GVISOR_STREAMS_H
#define SBX_LAUNCHER_GVISOR_STREAMS_H

/*
 * What runsc gets as standard streams. It gives them to a user of its own (fchown(2)), so
 * they are never the caller's: pipes, whose other ends go to the launcher, or a pty that
 * runsc makes and sends through a console socket. For a further process it is one of ours:
 * `runsc exec` takes a console socket only if it is not waited for.
 */

#include <stdbool.h>
#include <stddef.h>

struct child;
struct error;

struct gvisor_streams {
	int inner[3]; /* 0, 1 and 2 of `runsc create`; 1 and 2 may be one */
	int outer[3]; /* their other ends, until the launcher has them; or -1 */
	int console;  /* listens at GVISOR_CONSOLE; -1: no terminal is asked for */
	bool counts;  /* the standard input is a file, and goes on where it was left */
	bool pty; /* a terminal that we made: inner is its slave, outer[1] the master */
};

/*
 * Makes them in the root that runsc sees, from what the child still has as 0, 1 and 2. All
 * descriptors are close-on-exec. On failure nothing is open.
 */
int gvisor_streams_make(const struct child *child, struct gvisor_streams *ret_streams,
			struct error *err);

/*
 * Takes out what `runsc create` itself has said on its standard error, which is that of the
 * command after it: before start nothing else is in it. Returns how much; ends with '\0'.
 */
size_t gvisor_streams_words(const struct gvisor_streams *streams, char *text,
			    size_t size);

/* Drops it. */
void gvisor_streams_hush(const struct gvisor_streams *streams);

/*
 * After create and before start: the other ends, or the master of the pty, become the
 * launcher's, and ours are closed. What is in them stays there.
 */
int gvisor_streams_hand_over(struct gvisor_streams *streams, const struct child *child,
			     struct error *err);
void gvisor_streams_close(struct gvisor_streams *streams);

#endif
