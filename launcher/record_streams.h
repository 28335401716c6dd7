/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_RECORD_STREAMS_H
#define SBX_LAUNCHER_RECORD_STREAMS_H

/*
 * The standard streams of several runs. Each reads the same input from its beginning; what
 * the first prints is shown, and the standard output of all is a pipe, of which a process
 * of its own makes a digest while it passes the bytes on.
 */

#include <stdbool.h>
#include <sys/types.h>

struct error;
struct result;

struct streams {
	int output, error; /* the caller's own */
	int input;         /* what was read of it; -1: it is read where it is */
	off_t start;       /* of an input that is a file; -1: it is none */
	bool digests;      /* the standard output is the command's alone */
	int later_error;   /* what a later run has to say */
	pid_t copier;
	struct copied *copied;
};

/* Reads the input, if it could be read only once. */
int streams_open(struct streams *streams, bool digests, struct error *err);
void streams_close(struct streams *streams);

/* Puts 0, 1 and 2 in place for a run, and the caller's own back after it. */
int streams_begin(struct streams *streams, bool first, struct error *err);
void streams_end(struct streams *streams, bool first, struct result *result);

#endif
