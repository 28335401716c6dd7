/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_PROGRESS_H
#define SBX_LAUNCHER_PROGRESS_H

/*
 * A bar on stderr, where that is a terminal: how much was done, how fast, how long it takes
 * still. It comes late, so that what is quick says nothing, and goes without a trace.
 */

#include <stdbool.h>
#include <stdint.h>

/* Zeroed but for title (NULL: nothing is ever shown): begins now. */
struct progress {
	const char *title;
	uint64_t began_ms, shown_ms; /* 0: not yet */
	bool visible;
};

/* total 0: nobody knows. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total);

/* Before other lines, and at the end. */
void progress_clear(struct progress *progress);

/* The line itself, for width columns. For tests. */
void progress_line(const char *title, uint64_t done, uint64_t total, uint64_t elapsed_ms,
		   unsigned int width, char *line, unsigned int size);

#endif
