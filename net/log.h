/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_LOG_H
#define SBX_NET_LOG_H

/*
 * Lines on their way into a file that may be slow: they wait in a buffer, and the loop never waits
 * for the reader of a pipe. What does not fit is lost, and counted in the file itself.
 */

#include <stddef.h>

struct log;
struct loop;

/*
 * fd is taken, and becomes non-blocking. failed() is called once, when no more can be
 * written. NULL: no memory; fd is closed.
 */
struct log *log_new(struct loop *loop, int fd, void (*failed)(void *context, int errnum),
		    void *context);

/* Writes what waits, for at most a second. */
void log_free(struct log *log);

/* Without its end. */
void log_line(struct log *log, const char *line);

/* One more that nobody will read. */
void log_lose(struct log *log);

#endif
