/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_REPORT_H
#define SBX_LAUNCHER_REPORT_H

/*
 * What the launcher says: errors on stderr, lines on --status-fd, the figures of --stats.
 * docs/interfaces.md gives the forms. Foreign text is made printable or escaped.
 */

#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct error;
struct files_place;
struct json_value;
struct plan;

/* How a sandbox ended. */
struct outcome {
	pid_t init; /* the sandbox's first process, as the host numbers it */
	int status; /* the exit status of sbx */
	int signal; /* that ended the command; 0: none */
	bool command_started;
	bool timed_out;
	bool saw_sigsys;  /* a process that the command had left behind died of it */
	bool init_killed; /* from outside, or for want of memory */
	uint64_t wall_ms, user_ms, system_ms, max_rss_kib;
	bool has_usage; /* of the cgroup, where there is one */
	struct cgroup_usage usage;
	char network[1024]; /* what sbx-net counted, a JSON object; "": nobody did */
};

/* "sbx: cannot …" and the hint, as text or as one JSON line. json: --log-format json. */
void report_error(const struct error *err, bool json);

/* An object for --log-format json: level is "error", "warning" or "info". */
struct json_value *report_line(const char *level, const struct error *err,
			       const char *message, struct arena *arena);

/*
 * Death by SIGSYS, of the command or of a process of its, is always told: the kernel tells
 * nobody else (seccomp(2)). Who died of it below a shell is told by the shell's status.
 */
void report_sigsys(const struct plan *plan, const struct outcome *outcome);

/*
 * A line, whatever ends it, that whoever reads stderr may lose: what is not taken at once is
 * not written. raw: the terminal is, and wants its lines to end so. Whether it was written.
 */
bool report_offer(const char *line, bool raw);

/* What sbx-net has to say: a denial, a port that was chosen. */
void report_network(const char *text, bool json, bool raw);

/* Lines that are no error, each as "sbx: note: …". */
void report_notes(const char *lines);

/* "sbx: warning: cannot …", or a line as above. */
void report_warning(const struct error *err, bool json);

/* That processes were killed at a limit, which is called size. */
void report_memory(const char *size, uint64_t killed, bool json);

void report_started(int status_fd, pid_t init);
void report_failed(int status_fd, const struct error *err, pid_t init,
		   bool command_started);
void report_ended(int status_fd, const struct outcome *outcome);

/* place: of the file of --stats; NULL: as its path says. -1: it cannot be written. */
int report_stats(const struct plan *plan, const struct files_place *place,
		 const struct outcome *outcome, struct error *err);

#endif
