/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct flow_key flow_of(uint16_t port)
{
	struct flow_key flow = { .protocol = PROTOCOL_TCP,
				 .inside_port = port,
				 .port = 80 };

	flow.to = ip_from_v4(0x01020304);
	return flow;
}

static enum pending_news add(struct pending *pending, uint16_t port, uint32_t packet,
			     uint64_t now_ms, uint32_t *ret_id)
{
	const struct flow_key flow = flow_of(port);
	uint32_t old = 0;

	return pending_add(pending, &flow, packet, now_ms, ret_id, &old);
}

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct pending));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void what_is_taken_is_what_was_added(void **state)
{
	struct pending *pending = *state;
	struct flow_key flow;
	uint32_t id, packet;

	assert_int_equal(add(pending, 1000, 77, 0, &id), PENDING_NEW);
	assert_true(pending_take(pending, id, &flow, &packet));
	assert_int_equal(packet, 77);
	assert_int_equal(flow.inside_port, 1000);
	assert_false(pending_take(pending, id, &flow, &packet));
	assert_int_equal(pending->count, 0);
}

static void a_packet_that_is_sent_again_is_not_asked_for_again(void **state)
{
	struct pending *pending = *state;
	const struct flow_key flow = flow_of(1000);
	struct flow_key taken;
	uint32_t id, other, packet, old = 0;

	assert_int_equal(add(pending, 1000, 77, 0, &id), PENDING_NEW);
	assert_int_equal(pending_add(pending, &flow, 78, 1, &other, &old), PENDING_SAME);
	assert_int_equal(old, 77);
	assert_int_equal(pending->count, 1);
	assert_true(pending_take(pending, id, &taken, &packet));
	assert_int_equal(packet, 78);
}

static void flows_differ_by_each_of_their_parts(void **state)
{
	struct pending *pending = *state;
	struct flow_key flow = flow_of(1000);
	uint32_t id, old;

	assert_int_equal(pending_add(pending, &flow, 1, 0, &id, &old), PENDING_NEW);
	flow.port = 81;
	assert_int_equal(pending_add(pending, &flow, 1, 0, &id, &old), PENDING_NEW);
	flow.protocol = PROTOCOL_UDP;
	assert_int_equal(pending_add(pending, &flow, 1, 0, &id, &old), PENDING_NEW);
	flow.to.bytes[15]++;
	assert_int_equal(pending_add(pending, &flow, 1, 0, &id, &old), PENDING_NEW);
	flow.inside.bytes[0]++;
	assert_int_equal(pending_add(pending, &flow, 1, 0, &id, &old), PENDING_NEW);
	assert_int_equal(pending->count, 5);
}

static void an_answer_that_comes_late_hits_nobody_else(void **state)
{
	struct pending *pending = *state;
	struct flow_key flow;
	uint32_t first, second, packet;

	add(pending, 1000, 77, 0, &first);
	assert_true(pending_take(pending, first, &flow, &packet));
	add(pending, 1001, 78, 0, &second);
	assert_int_not_equal(first, second);
	assert_false(pending_take(pending, first, &flow, &packet));
	assert_true(pending_take(pending, second, &flow, &packet));
}

static void the_table_is_bounded(void **state)
{
	struct pending *pending = *state;
	uint32_t ids[PENDING_MAX], id, packet;
	struct flow_key flow;

	for (uint32_t i = 0; i < PENDING_MAX; i++)
		assert_int_equal(add(pending, (uint16_t)(i + 1), i, 0, &ids[i]),
				 PENDING_NEW);
	assert_int_equal(add(pending, 60000, 9, 0, &id), PENDING_FULL);
	assert_true(pending_take(pending, ids[700], &flow, &packet));
	assert_int_equal(packet, 700);
	assert_int_equal(add(pending, 60000, 9, 0, &id), PENDING_NEW);
	for (uint32_t i = 0; i < PENDING_MAX; i++)
		assert_true(i == 700 || pending_take(pending, ids[i], &flow, &packet));
	assert_true(pending_take(pending, id, &flow, &packet));
	assert_int_equal(pending->count, 0);
	for (size_t i = 0; i < PENDING_BUCKETS; i++)
		assert_int_equal(pending->buckets[i], 0);
}

static void what_waits_too_long_is_given_up(void **state)
{
	struct pending *pending = *state;
	struct flow_key flow;
	uint32_t id, packet;

	add(pending, 1, 11, 1000, &id);
	add(pending, 2, 12, 2000, &id);
	assert_false(pending_expire(pending, 1000 + PENDING_LIFE_MS - 1, &packet));
	assert_true(pending_expire(pending, 1000 + PENDING_LIFE_MS, &packet));
	assert_int_equal(packet, 11);
	assert_false(pending_expire(pending, 1000 + PENDING_LIFE_MS, &packet));
	assert_true(pending_take(pending, id, &flow, &packet));
}

static void numbers_that_nobody_gave_are_nobody(void **state)
{
	struct pending *pending = *state;
	struct flow_key flow;
	uint32_t id, packet;

	add(pending, 1, 11, 0, &id);
	for (uint32_t i = 0; i < 5 * PENDING_MAX; i++)
		assert_true(i == id || !pending_take(pending, i, &flow, &packet));
	assert_false(pending_take(pending, UINT32_MAX, &flow, &packet));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_taken_is_what_was_added),
		TEST(a_packet_that_is_sent_again_is_not_asked_for_again),
		TEST(flows_differ_by_each_of_their_parts),
		TEST(an_answer_that_comes_late_hits_nobody_else),
		TEST(the_table_is_bounded),
		TEST(what_waits_too_long_is_given_up),
		TEST(numbers_that_nobody_gave_are_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
