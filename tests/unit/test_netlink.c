/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "net/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const uint32_t family_header = 0x11223344;

static void begin(struct netlink_batch *batch, uint16_t type)
{
	netlink_begin(batch, "do it", type, NLM_F_ACK, &family_header,
		      sizeof(family_header));
}

static uint32_t length_of(const struct netlink_batch *batch, size_t at)
{
	struct nlmsghdr header;

	memcpy(&header, batch->bytes + at, sizeof(header));
	return header.nlmsg_len;
}

static void lengths_follow_what_is_put(void **state)
{
	struct netlink_batch batch = { 0 };
	size_t second;

	(void)state;
	begin(&batch, 20);
	assert_int_equal(length_of(&batch, 0), 16 + 4);
	netlink_put_u8(&batch, 1, 7);
	assert_int_equal(length_of(&batch, 0), 16 + 4 + 8);
	second = batch.used;
	begin(&batch, 21);
	netlink_put_text(&batch, 2, "lo");
	assert_int_equal(length_of(&batch, 0), second);
	assert_int_equal(length_of(&batch, second), 16 + 4 + 8);
	assert_int_equal(batch.used, second + 16 + 4 + 8);
	assert_int_equal(batch.count, 2);
}

static void messages_are_numbered(void **state)
{
	struct netlink_batch batch = { 0 };
	struct nlmsghdr header;

	(void)state;
	netlink_reset(&batch);
	begin(&batch, 20);
	begin(&batch, 20);
	memcpy(&header, batch.bytes + 20, sizeof(header));
	assert_int_equal(header.nlmsg_seq, batch.first + 1);
	assert_int_equal(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	netlink_reset(&batch);
	begin(&batch, 20);
	assert_true(batch.first > header.nlmsg_seq);
}

static void nests_are_read_back(void **state)
{
	struct netlink_batch batch = { 0 };
	struct netlink_attribute outside, inside, deepest;
	const uint8_t *rest;
	size_t size, nest, deep;

	(void)state;
	begin(&batch, 20);
	nest = netlink_nest(&batch, 5);
	netlink_put_be16(&batch, 1, 0x0102);
	deep = netlink_nest(&batch, 2);
	netlink_put_be32(&batch, 3, 0x01020304);
	netlink_nest_end(&batch, deep);
	netlink_nest_end(&batch, nest);
	netlink_put_text(&batch, 6, "end");

	rest = batch.bytes + 20;
	size = batch.used - 20;
	assert_true(netlink_next(&rest, &size, &outside));
	assert_int_equal(outside.type, 5);
	assert_true(netlink_next(&outside.data, &outside.size, &inside));
	assert_int_equal(inside.type, 1);
	assert_memory_equal(inside.data, "\1\2", 2);
	assert_true(netlink_next(&outside.data, &outside.size, &inside));
	assert_int_equal(inside.type, 2);
	assert_true(netlink_next(&inside.data, &inside.size, &deepest));
	assert_memory_equal(deepest.data, "\1\2\3\4", 4);
	assert_false(netlink_next(&outside.data, &outside.size, &inside));
	assert_true(netlink_next(&rest, &size, &outside));
	assert_string_equal((const char *)outside.data, "end");
	assert_false(netlink_next(&rest, &size, &outside));
}

static void attributes_that_lie_end_the_list(void **state)
{
	static const uint8_t too_long[] = { 9, 0, 1, 0, 1, 2, 3, 4 };
	static const uint8_t too_short[] = { 3, 0, 1, 0 };
	static const uint8_t cut[] = { 8, 0, 1 };
	struct netlink_attribute attribute;
	const uint8_t *rest = too_long;
	size_t size = sizeof(too_long);

	(void)state;
	assert_false(netlink_next(&rest, &size, &attribute));
	rest = too_short;
	size = sizeof(too_short);
	assert_false(netlink_next(&rest, &size, &attribute));
	rest = cut;
	size = sizeof(cut);
	assert_false(netlink_next(&rest, &size, &attribute));
}

static void the_last_attribute_may_lack_its_padding(void **state)
{
	static const uint8_t bytes[] = { 5, 0, 1, 0, 7 };
	struct netlink_attribute attribute;
	const uint8_t *rest = bytes;
	size_t size = sizeof(bytes);

	(void)state;
	assert_true(netlink_next(&rest, &size, &attribute));
	assert_int_equal(attribute.size, 1);
	assert_int_equal(size, 0);
}

static void a_batch_that_is_full_is_not_sent(void **state)
{
	struct netlink_batch batch = { 0 };
	struct error err;

	(void)state;
	for (int i = 0; i < NETLINK_BATCH_MESSAGES + 1; i++)
		begin(&batch, 20);
	assert_true(batch.overflow);
	assert_int_equal(netlink_send(-1, &batch, &err), -1);
	assert_int_equal(err.errnum, EMSGSIZE);

	netlink_reset(&batch);
	begin(&batch, 20);
	for (int i = 0; i < NETLINK_BATCH_BYTES / 8 + 1; i++)
		netlink_put_u32(&batch, 1, 1);
	assert_true(batch.overflow);
}

/* The loopback interface is there, and may not be changed by everybody. */
static void the_first_error_names_its_message(void **state)
{
	const struct ifinfomsg nowhere = { .ifi_family = AF_UNSPEC,
					   .ifi_index = 1 << 30 };
	struct netlink_batch batch = { 0 };
	struct error err;
	const int fd = netlink_open(NETLINK_ROUTE);

	(void)state;
	assert_true(fd >= 0);
	netlink_begin(&batch, "change nothing", RTM_GETLINK, NLM_F_ACK, &nowhere,
		      sizeof(nowhere));
	netlink_forgive(&batch, ENODEV);
	netlink_begin(&batch, "find the interface", RTM_GETLINK, NLM_F_ACK, &nowhere,
		      sizeof(nowhere));
	assert_int_equal(netlink_send(fd, &batch, &err), -1);
	assert_string_equal(err.text, "find the interface");
	assert_int_equal(err.errnum, ENODEV);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_follow_what_is_put),
		cmocka_unit_test(messages_are_numbered),
		cmocka_unit_test(nests_are_read_back),
		cmocka_unit_test(attributes_that_lie_end_the_list),
		cmocka_unit_test(the_last_attribute_may_lack_its_padding),
		cmocka_unit_test(a_batch_that_is_full_is_not_sent),
		cmocka_unit_test(the_first_error_names_its_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
