/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_RATE_H
#define SBX_NET_RATE_H

/* A token bucket for one direction of all traffic (--net-rate). Pure. */

#include <stdint.h>

struct rate {
	uint64_t bytes_per_second; /* 0: unlimited */
	uint64_t tokens;           /* bytes that may go now */
	uint64_t filled_ms;
};

/* How many bytes may go now, at most wanted; 0: wait until rate_next_ms(). */
uint64_t rate_take(struct rate *rate, uint64_t wanted, uint64_t now_ms);

/* Gives back what was not used. */
void rate_return(struct rate *rate, uint64_t bytes);
uint64_t rate_next_ms(const struct rate *rate, uint64_t now_ms);

#endif
