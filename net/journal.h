/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_JOURNAL_H
#define SBX_NET_JOURNAL_H

/*
 * What is remembered of flows: denials, told once for each destination with the option that
 * would allow it; --net-log, a JSON object a line for each flow's start, end and denial; counters for
 * --stats. Bounded in memory and in lines a second.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/rules.h"

struct journal;
struct loop;

/* By which way a flow goes. */
enum net_path { PATH_RELAY, PATH_SLIRP, PATH_PORT, PATH_DNS, PATH_COUNT };
const char *net_path_name(enum net_path path);

struct net_counters {
	uint64_t flows[PATH_COUNT], bytes_out[PATH_COUNT], bytes_in[PATH_COUNT];
	uint64_t denied, dropped_frames, names_asked, names_refused;
};

/*
 * log_fd: of --net-log, or -1. tell(): a line for the user, without its end; the text is
 * printable.
 */
struct journal *journal_new(struct loop *loop, const struct rules *rules, int log_fd,
			    void (*tell)(void *context, const char *line), void *context);

/* Writes what is open as ended. */
void journal_free(struct journal *journal);

void journal_denied(struct journal *journal, const struct flow_key *flow,
		    const struct net_verdict *verdict);

/* A lookup that was refused. */
void journal_denied_name(struct journal *journal, const char *name,
			 const struct net_verdict *verdict);

/* A flow of the path began. *ret_flow is what journal_end() wants; 0: nothing to end. */
void journal_begin(struct journal *journal, enum net_path path,
		   const struct flow_key *flow, const char *name, uint64_t *ret_flow);
void journal_end(struct journal *journal, uint64_t flow, uint64_t bytes_out,
		 uint64_t bytes_in);

struct net_counters *journal_counters(struct journal *journal);

#endif
