/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_NET_INNER_PROBE_H
#define SBX_TESTS_NET_INNER_PROBE_H

/*
 * Tries the inner half of sbx-net alone: one process plays the outer half, which answers by
 * the port that is asked for, another one the sandbox.
 */

#include <stdbool.h>
#include <stdint.h>

#define OUTSIDE4 "203.0.113.7"
#define OUTSIDE6 "2001:db8::7"
#define CLIENT4  "198.51.100.9"
#define CLIENT6  "2001:db8:9::9"

enum {
	PORT_LET = 1081,
	PORT_REFUSE,
	PORT_UNREACHABLE,
	PORT_PROHIBITED,
	PORT_DIRECT,
	PORT_DROP,
	PORT_HOLD, /* let, but late: after the first packet was sent again */
	PORT_SERVER = 8080,
	HOLD_MS = 1500,
};

enum probe_word {
	PROBE_CLIENT4,
	PROBE_CLIENT6,
	PROBE_DATAGRAM4,
	PROBE_DATAGRAM6,
};

struct probe_case {
	const char *name;
	bool relay_mode, relay_off;
	uint16_t relay_ports[2];
	int outer; /* the guest's way to say words */
};

/* A line of TAP, numbered by the reader. */
void probe_tell(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

void probe_say(const struct probe_case *run, enum probe_word word);

/* Whether the client that was sent for heard its answer. */
bool probe_heard(const struct probe_case *run);

/* The sandbox's part. */
void probe_guest(const struct probe_case *run);

#endif
