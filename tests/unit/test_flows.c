/* SPDX-License-Identifier: Apache-2.0 */
#include "net/flows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct flow_key key_of(enum net_protocol protocol, uint16_t inside_port)
{
	return (struct flow_key){
		.protocol = protocol,
		.inside = ip_from_v4(1),
		.inside_port = inside_port,
		.to = ip_from_v4(2),
		.port = 443,
	};
}

static void a_flow_is_found_by_all_that_it_is(void **state)
{
	struct flows *flows = flows_new();
	const struct flow_key key = key_of(PROTOCOL_TCP, 1);
	struct flow_key other = key;
	struct flow *flow = flows_add(flows, &key, false, 5);

	(void)state;
	assert_non_null(flow);
	assert_int_equal(flow->used_ms, 5);
	assert_ptr_equal(flows_find(flows, &key, false), flow);
	assert_null(flows_find(flows, &key, true));
	other.protocol = PROTOCOL_UDP;
	assert_null(flows_find(flows, &other, false));
	other = key;
	other.port = 444;
	assert_null(flows_find(flows, &other, false));
	other = key;
	other.to = ip_from_v4(3);
	assert_null(flows_find(flows, &other, false));
	other = key;
	other.inside_port = 2;
	assert_null(flows_find(flows, &other, false));
	flows_remove(flows, flow);
	assert_null(flows_find(flows, &key, false));
	flows_free(flows);
}

static void a_full_table_takes_no_more_and_forgets_nothing(void **state)
{
	struct flows *flows = flows_new();
	size_t cursor = 0, seen = 0;
	struct flow_key key;

	(void)state;
	for (uint32_t i = 0; i < FLOWS_MAX; i++) {
		key = key_of(PROTOCOL_UDP, (uint16_t)i);
		assert_non_null(flows_add(flows, &key, false, 1));
	}
	key = key_of(PROTOCOL_UDP, FLOWS_MAX);
	assert_null(flows_add(flows, &key, false, 1));
	assert_int_equal(flows_count(flows), FLOWS_MAX);
	for (uint32_t i = 0; i < FLOWS_MAX; i++) {
		key = key_of(PROTOCOL_UDP, (uint16_t)i);
		assert_non_null(flows_find(flows, &key, false));
	}

	/* What goes while all are visited is not met again, and its place is used again. */
	for (;;) {
		struct flow *flow = flows_next(flows, &cursor);

		if (!flow)
			break;
		seen++;
		if (flow->key.inside_port % 2)
			flows_remove(flows, flow);
	}
	assert_int_equal(seen, FLOWS_MAX);
	assert_int_equal(flows_count(flows), FLOWS_MAX / 2);
	for (uint32_t i = 0; i < FLOWS_MAX / 2; i++) {
		key = key_of(PROTOCOL_TCP, (uint16_t)i);
		assert_non_null(flows_add(flows, &key, false, 1));
	}
	assert_null(flows_add(flows, &key, true, 1));
	flows_free(flows);
}

static void open_connections_do_not_make_room(void **state)
{
	struct flows *flows = flows_new();
	struct flow_key key = key_of(PROTOCOL_TCP, 1);
	struct flow *open = flows_add(flows, &key, false, 1), *closed;

	(void)state;
	open->state = FLOW_OPEN;
	assert_null(flows_oldest(flows, false));
	key = key_of(PROTOCOL_TCP, 2);
	closed = flows_add(flows, &key, false, 20);
	closed->state = FLOW_CLOSED;
	key = key_of(PROTOCOL_UDP, 3);
	flows_add(flows, &key, false, 30);
	assert_ptr_equal(flows_oldest(flows, false), closed);
	assert_ptr_equal(flows_oldest(flows, true), closed);
	flows_remove(flows, closed);
	assert_null(flows_oldest(flows, true));
	assert_non_null(flows_oldest(flows, false));
	flows_free(flows);
}

static void patience_depends_on_the_state(void **state)
{
	struct flow flow = { .key = key_of(PROTOCOL_UDP, 1), .used_ms = 1000 };

	(void)state;
	assert_false(flow_is_over(&flow, 1000));
	assert_false(flow_is_over(&flow, 1000 + 239 * 1000));
	assert_true(flow_is_over(&flow, 1000 + 240 * 1000));
	flow.key.protocol = PROTOCOL_TCP;
	flow.state = FLOW_OPEN;
	assert_false(flow_is_over(&flow, 1000 + 3600 * 1000));
	flow.state = FLOW_CLOSED;
	assert_true(flow_is_over(&flow, 1000 + 20 * 1000));
	assert_false(flow_is_over(&flow, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_found_by_all_that_it_is),
		cmocka_unit_test(a_full_table_takes_no_more_and_forgets_nothing),
		cmocka_unit_test(open_connections_do_not_make_room),
		cmocka_unit_test(patience_depends_on_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
