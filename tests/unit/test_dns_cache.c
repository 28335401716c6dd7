/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct dns_question question(const char *name, uint16_t type)
{
	struct dns_question made = { .type = type, .class = DNS_CLASS_IN };

	assert_int_equal(dns_name_from_text(name, &made.name), 0);
	return made;
}

static int set_up(void **state)
{
	*state = dns_cache_new(42);
	return *state != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	dns_cache_free(*state);
	return 0;
}

static void an_answer_is_kept_as_long_as_it_says(void **state)
{
	const struct dns_question asked = question("www.example.test", DNS_TYPE_A);
	const struct dns_question same = question("WWW.example.TEST", DNS_TYPE_A);
	const struct dns_question other = question("www.example.test", DNS_TYPE_AAAA);
	struct dns_cached cached;

	dns_cache_put(*state, &asked, 0, (const uint8_t *)"answer", 6, 30, 1000);
	assert_true(dns_cache_find(*state, &same, 0, 30999, &cached));
	assert_int_equal(cached.size, 6);
	assert_memory_equal(cached.message, "answer", 6);
	assert_int_equal(cached.age_s, 29);
	assert_false(dns_cache_find(*state, &same, 0, 31000, &cached));
	assert_false(dns_cache_find(*state, &same, 1, 2000, &cached));
	assert_false(dns_cache_find(*state, &other, 0, 2000, &cached));
}

static void a_newer_answer_takes_the_place_of_the_older(void **state)
{
	const struct dns_question asked = question("www.example.test", DNS_TYPE_A);
	struct dns_cached cached;

	dns_cache_put(*state, &asked, 0, (const uint8_t *)"one", 3, 30, 1000);
	dns_cache_put(*state, &asked, 0, (const uint8_t *)"two", 3, 10, 2000);
	assert_true(dns_cache_find(*state, &asked, 0, 3000, &cached));
	assert_memory_equal(cached.message, "two", 3);
	assert_false(dns_cache_find(*state, &asked, 0, 13000, &cached));
}

static void some_answers_are_not_kept(void **state)
{
	const struct dns_question asked = question("www.example.test", DNS_TYPE_A);
	static const uint8_t large[DNS_CACHE_MESSAGE_MAX + 1];
	struct dns_cached cached;

	dns_cache_put(*state, &asked, 0, (const uint8_t *)"one", 3, 0, 1000);
	assert_false(dns_cache_find(*state, &asked, 0, 1000, &cached));
	dns_cache_put(*state, &asked, 0, large, sizeof(large), 30, 1000);
	assert_false(dns_cache_find(*state, &asked, 0, 1000, &cached));
	dns_cache_put(*state, &asked, 0, large, sizeof(large) - 1, UINT32_MAX, 1000);
	assert_true(dns_cache_find(*state, &asked, 0, 1000, &cached));
	assert_false(dns_cache_find(*state, &asked, 0, 1000 + DNS_CACHE_TTL_MAX * 1000ULL,
				    &cached));
	dns_cache_put(*state, &asked, 0, (const uint8_t *)"one", 3, 30, 1000);
	dns_cache_clear(*state);
	assert_false(dns_cache_find(*state, &asked, 0, 1000, &cached));
}

static void many_answers_make_room_for_each_other(void **state)
{
	struct dns_cached cached;
	int kept = 0;

	for (int i = 0; i < 10000; i++) {
		char name[40];
		struct dns_question asked;

		snprintf(name, sizeof(name), "n%d.example.test", i);
		asked = question(name, DNS_TYPE_A);
		dns_cache_put(*state, &asked, 0, (const uint8_t *)name, sizeof(name), 30,
			      1000);
		assert_true(dns_cache_find(*state, &asked, 0, 1000, &cached));
		assert_string_equal((const char *)cached.message, name);
	}
	for (int i = 0; i < 10000; i++) {
		char name[40];
		struct dns_question asked;

		snprintf(name, sizeof(name), "n%d.example.test", i);
		asked = question(name, DNS_TYPE_A);
		kept += dns_cache_find(*state, &asked, 0, 1000, &cached);
	}
	assert_int_equal(kept, DNS_CACHE_PLACES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_is_kept_as_long_as_it_says,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_newer_answer_takes_the_place_of_the_older, set_up, tear_down),
		cmocka_unit_test_setup_teardown(some_answers_are_not_kept, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(many_answers_make_room_for_each_other,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
