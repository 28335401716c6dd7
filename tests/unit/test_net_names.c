/* SPDX-License-Identifier: Apache-2.0 */
#include "net/names.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000, NOW = 5000 };

static struct ip ip_of(const char *text)
{
	struct ip ip;

	if (ip_parse(text, &ip) < 0)
		fail_msg("%s is no address", text);
	return ip;
}

static size_t count_names(const struct names *names, const struct ip *ip, uint64_t now_ms)
{
	size_t cursor = 0, count = 0;

	while (names_next(names, ip, now_ms, &cursor))
		count++;
	return count;
}

static const char *newest(const struct names *names, const char *address, uint64_t now_ms)
{
	struct ip ip = ip_of(address);
	size_t cursor = 0;

	return names_next(names, &ip, now_ms, &cursor);
}

static int make_names(void **state)
{
	*state = names_new();
	return *state ? 0 : -1;
}

static int free_names(void **state)
{
	names_free(*state);
	return 0;
}

static void an_address_has_the_names_that_were_asked_newest_first(void **state)
{
	struct names *names = *state;
	struct ip ip = ip_of("192.0.2.1");
	size_t cursor = 0;

	names_add(names, "a.example", &ip, 300, NOW);
	names_add(names, "b.example", &ip, 300, NOW);
	names_add(names, "c.example", &ip, 300, NOW);
	assert_string_equal(names_next(names, &ip, NOW, &cursor), "c.example");
	assert_string_equal(names_next(names, &ip, NOW, &cursor), "b.example");
	assert_string_equal(names_next(names, &ip, NOW, &cursor), "a.example");
	assert_null(names_next(names, &ip, NOW, &cursor));
	assert_null(newest(names, "192.0.2.2", NOW));
	assert_null(newest(names, "::1", NOW));
}

static void a_name_that_is_asked_again_is_there_once_and_the_newest(void **state)
{
	struct names *names = *state;
	struct ip ip = ip_of("2001:db8::1");

	names_add(names, "a.example", &ip, 300, NOW);
	names_add(names, "b.example", &ip, 300, NOW);
	names_add(names, "a.example", &ip, 300, NOW);
	assert_int_equal(count_names(names, &ip, NOW), 2);
	assert_string_equal(newest(names, "2001:db8::1", NOW), "a.example");
}

static void names_end_after_their_time_and_some_grace(void **state)
{
	static const struct {
		uint32_t ttl_s;
		uint64_t lasts_ms;
	} rows[] = {
		{ 300, 330 * SECOND },
		{ 61, 91 * SECOND },
		{ 60, 90 * SECOND },
		{ 1, 90 * SECOND },
		{ 0, 90 * SECOND },
		{ INT32_MAX, (uint64_t)INT32_MAX * SECOND + NAMES_GRACE_MS },
		{ UINT32_MAX, 90 * SECOND }, /* RFC 2181, 8: as 0 */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ip ip = ip_from_v4(htonl(0x0a000000 + (uint32_t)i));

		names_add(*state, "a.example", &ip, rows[i].ttl_s, NOW);
		assert_int_equal(count_names(*state, &ip, NOW + rows[i].lasts_ms - 1), 1);
		assert_int_equal(count_names(*state, &ip, NOW + rows[i].lasts_ms), 0);
	}
}

static void a_later_answer_makes_a_name_last_longer_never_shorter(void **state)
{
	struct names *names = *state;
	struct ip ip = ip_of("192.0.2.1");

	names_add(names, "a.example", &ip, 1000, NOW);
	names_add(names, "a.example", &ip, 1, NOW);
	assert_non_null(newest(names, "192.0.2.1", NOW + 1000 * SECOND));
	names_add(names, "a.example", &ip, 1000, NOW + 500 * SECOND);
	assert_non_null(newest(names, "192.0.2.1", NOW + 1500 * SECOND));
	assert_null(newest(names, "192.0.2.1", NOW + 1530 * SECOND));
}

static void an_address_is_found_in_each_of_its_forms(void **state)
{
	struct ip ip = ip_of("64:ff9b::192.0.2.1");

	names_add(*state, "a.example", &ip, 300, NOW);
	assert_non_null(newest(*state, "192.0.2.1", NOW));
	assert_non_null(newest(*state, "::ffff:192.0.2.1", NOW));
	assert_non_null(newest(*state, "64:ff9b::192.0.2.1", NOW));
}

static void a_name_that_is_too_long_is_not_kept(void **state)
{
	char name[NAME_TEXT_MAX + 1];
	struct ip ip = ip_of("192.0.2.1");

	memset(name, 'a', sizeof(name));
	name[NAME_TEXT_MAX] = '\0';
	names_add(*state, name, &ip, 300, NOW);
	assert_null(newest(*state, "192.0.2.1", NOW));
	name[NAME_TEXT_MAX - 1] = '\0';
	names_add(*state, name, &ip, 300, NOW);
	assert_string_equal(newest(*state, "192.0.2.1", NOW), name);
}

static void when_it_is_full_the_one_that_ends_first_makes_room(void **state)
{
	struct names *names = *state;
	struct ip first = ip_of("192.0.2.1"), more = ip_of("192.0.2.2");

	for (uint32_t i = 0; i < NAMES_MAX; i++) {
		struct ip ip = ip_from_v4(htonl(0x0a000000 + i));

		/* The one in the middle ends first. */
		names_add(names, "a.example", &ip, i == NAMES_MAX / 2 ? 100 : 1000, NOW);
	}
	names_add(names, "b.example", &first, 1000, NOW);
	assert_non_null(newest(names, "192.0.2.1", NOW));
	for (uint32_t i = 0; i < NAMES_MAX; i++) {
		struct ip ip = ip_from_v4(htonl(0x0a000000 + i));

		assert_int_equal(count_names(names, &ip, NOW), i != NAMES_MAX / 2);
	}
	names_add(names, "c.example", &more, 1000, NOW);
	assert_non_null(newest(names, "192.0.2.2", NOW));
	assert_non_null(newest(names, "192.0.2.1", NOW));
}

static void it_holds_when_many_more_come_than_there_is_room_for(void **state)
{
	struct names *names = *state;
	char name[32];

	for (uint32_t i = 0; i < 5 * NAMES_MAX; i++) {
		struct ip ip = ip_from_v4(htonl(0x0a000000 + i % 7001));

		snprintf(name, sizeof(name), "n%u.example", (unsigned int)(i % 13));
		names_add(names, name, &ip, i % 500, NOW + i);
		assert_string_equal(names_next(names, &ip, NOW + i, &(size_t){ 0 }),
				    name);
	}
}

static void an_address_has_so_many_names_and_no_more(void **state)
{
	struct names *names = *state;
	struct ip ip = ip_of("192.0.2.1"), other = ip_of("192.0.2.2");
	char name[32];

	names_add(names, "other.example", &other, 100, NOW);
	for (uint32_t i = 0; i < NAMES_OF_ADDRESS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "n%u.example", (unsigned int)i);
		names_add(names, name, &ip, 1000 + i, NOW);
	}
	assert_int_equal(count_names(names, &ip, NOW), NAMES_OF_ADDRESS_MAX);
	assert_string_equal(newest(names, "192.0.2.1", NOW), name);
	assert_non_null(newest(names, "192.0.2.2", NOW));
}

int main(void)
{
#define WITH_NAMES(test) cmocka_unit_test_setup_teardown(test, make_names, free_names)
	const struct CMUnitTest tests[] = {
		WITH_NAMES(an_address_has_the_names_that_were_asked_newest_first),
		WITH_NAMES(a_name_that_is_asked_again_is_there_once_and_the_newest),
		WITH_NAMES(names_end_after_their_time_and_some_grace),
		WITH_NAMES(a_later_answer_makes_a_name_last_longer_never_shorter),
		WITH_NAMES(an_address_is_found_in_each_of_its_forms),
		WITH_NAMES(a_name_that_is_too_long_is_not_kept),
		WITH_NAMES(when_it_is_full_the_one_that_ends_first_makes_room),
		WITH_NAMES(it_holds_when_many_more_come_than_there_is_room_for),
		WITH_NAMES(an_address_has_so_many_names_and_no_more),
	};
#undef WITH_NAMES

	return cmocka_run_group_tests(tests, NULL, NULL);
}
