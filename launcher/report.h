/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_REPORT_H
#define SBX_LAUNCHER_REPORT_H

/*
 * What the launcher says: errors on stderr, lines on --status-fd, the figures of --stats.
 * docs/interfaces.md gives the forms. Foreign text is made printable or escaped.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct plan;

/* How a sandbox ended. */
struct outcome {
	pid_t init; /* the sandbox's first process, as the host numbers it */
	int status; /* the exit status of sbx */
	int signal; /* that ended the command; 0: none */
	bool command_started;
	bool timed_out;
	uint64_t wall_ms, user_ms, system_ms, max_rss_kib;
};

/* "sbx: cannot …" and the hint, as text or as one JSON line. json: --log-format json. */
void report_error(const struct error *err, bool json);

void report_started(int status_fd, pid_t init);
void report_failed(int status_fd, const struct error *err, pid_t init,
		   bool command_started);
void report_ended(int status_fd, const struct outcome *outcome);

/* -1: the file of --stats cannot be written. */
int report_stats(const struct plan *plan, const struct outcome *outcome,
		 struct error *err);

#endif
