/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rate.h"

enum {
	BURST_MS = 50,          /* how long a bucket takes to fill */
	BURST_MIN = 128 * 1024, /* two of the largest segments always fit */
};

static uint64_t room(const struct rate *rate)
{
	const uint64_t burst = rate->bytes_per_second * BURST_MS / 1000;

	return burst < BURST_MIN ? BURST_MIN : burst;
}

/* What has not made a whole byte yet stays: filled_ms moves only as far as bytes came. */
static void fill(struct rate *rate, uint64_t now_ms)
{
	const uint64_t passed = now_ms > rate->filled_ms ? now_ms - rate->filled_ms : 0;
	const uint64_t most = room(rate);

	if (rate->filled_ms == 0 || passed > 60 * 1000) {
		rate->tokens = most;
		rate->filled_ms = now_ms;
		return;
	}
	if (passed * rate->bytes_per_second < 1000)
		return;
	rate->tokens += passed * rate->bytes_per_second / 1000;
	if (rate->tokens > most)
		rate->tokens = most;
	rate->filled_ms = now_ms;
}

uint64_t rate_take(struct rate *rate, uint64_t wanted, uint64_t now_ms)
{
	uint64_t given;

	if (rate->bytes_per_second == 0)
		return wanted;
	fill(rate, now_ms);
	given = wanted < rate->tokens ? wanted : rate->tokens;
	rate->tokens -= given;
	return given;
}

void rate_return(struct rate *rate, uint64_t bytes)
{
	if (rate->bytes_per_second != 0)
		rate->tokens += bytes;
}

/* Not for every byte: a wait that is worth a turn of the loop. */
uint64_t rate_next_ms(const struct rate *rate, uint64_t now_ms)
{
	const uint64_t wait_ms =
		rate->bytes_per_second ? 4096ULL * 1000 / rate->bytes_per_second : 0;

	return now_ms + (wait_ms < 2 ? 2 : wait_ms > 1000 ? 1000 : wait_ms);
}
