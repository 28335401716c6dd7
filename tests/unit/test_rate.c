/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

enum { START_MS = 5000, MEGABYTE = 1000 * 1000 };

/* Takes all that there is, at every millisecond or when rate_next_ms() says. */
static uint64_t take_for(struct rate *rate, uint64_t ms, bool patiently)
{
	uint64_t taken = 0;

	for (uint64_t now = START_MS; now < START_MS + ms;) {
		taken += rate_take(rate, 1 << 20, now);
		now = patiently ? rate_next_ms(rate, now) : now + 1;
	}
	return taken;
}

static void no_rate_gives_all_that_is_wanted(void **state)
{
	struct rate rate = { 0 };

	(void)state;
	assert_int_equal(rate_take(&rate, 1ULL << 40, START_MS), 1ULL << 40);
}

static void a_rate_is_kept_whatever_it_is(void **state)
{
	static const uint64_t rates[] = { 1000, 12345, MEGABYTE / 8, 10 * MEGABYTE,
					  1250 * MEGABYTE };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		for (int patiently = 0; patiently < 2; patiently++) {
			struct rate rate = { .bytes_per_second = rates[i] };
			const uint64_t expected = 10 * rates[i];
			uint64_t first = rate_take(&rate, 1ULL << 40, START_MS);
			const uint64_t taken = take_for(&rate, 10 * 1000, patiently);

			assert_true(first >= 128 * 1024);
			assert_true(taken <= expected);
			if (patiently == 0 && rates[i] > MEGABYTE * 1000)
				continue; /* more than is asked for in a millisecond */
			if (rates[i] <= 500 * MEGABYTE)
				assert_true(taken >= expected - expected / 20 - 4096);
		}
	}
}

static void what_was_not_used_is_given_back(void **state)
{
	struct rate rate = { .bytes_per_second = MEGABYTE };
	const uint64_t first = rate_take(&rate, 1ULL << 40, START_MS);

	(void)state;
	assert_int_equal(rate_take(&rate, 1, START_MS), 0);
	rate_return(&rate, first);
	assert_int_equal(rate_take(&rate, first, START_MS), first);
}

static void a_pause_does_not_save_more_than_the_bucket_holds(void **state)
{
	struct rate rate = { .bytes_per_second = MEGABYTE };
	const uint64_t first = rate_take(&rate, 1ULL << 40, START_MS);

	(void)state;
	assert_int_equal(rate_take(&rate, 1ULL << 40, START_MS + 30 * 1000), first);
	assert_int_equal(rate_take(&rate, 1ULL << 40, START_MS + 3600 * 1000), first);
}

static void the_next_time_lies_ahead_and_is_near(void **state)
{
	(void)state;
	for (uint64_t bytes = 1; bytes < 1ULL << 40; bytes *= 10) {
		const struct rate rate = { .bytes_per_second = bytes };

		assert_true(rate_next_ms(&rate, START_MS) > START_MS);
		assert_true(rate_next_ms(&rate, START_MS) <= START_MS + 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rate_gives_all_that_is_wanted),
		cmocka_unit_test(a_rate_is_kept_whatever_it_is),
		cmocka_unit_test(what_was_not_used_is_given_back),
		cmocka_unit_test(a_pause_does_not_save_more_than_the_bucket_holds),
		cmocka_unit_test(the_next_time_lies_ahead_and_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
