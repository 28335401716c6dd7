/* SPDX-License-Identifier: Apache-2.0 */
#include "net/journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "net/loop.h"

enum { LINES = 300, LOG_MAX = 1 << 20 };

struct house {
	struct loop *loop;
	struct journal *journal;
	struct arena arena;
	struct rules rules;
	int log; /* what the journal has written is read here */
	size_t told;
	char lines[LINES][400];
	char *text; /* of the log */
	const struct json_value *entries[LINES];
	size_t entry_count;
};

static void house_tell(void *context, const char *line)
{
	struct house *house = context;

	assert_true(house->told < LINES);
	snprintf(house->lines[house->told++], sizeof(house->lines[0]), "%s", line);
}

static struct house *open_house(int log_fd)
{
	static const struct rule_text text = { true, "198.51.100.7", "command line" };
	struct house *house = calloc(1, sizeof(*house));
	struct error err;

	assert_non_null(house);
	house->loop = loop_new(&err);
	assert_non_null(house->loop);
	assert_int_equal(rules_parse(&text, 1, &house->arena, &house->rules, &err), 0);
	house->journal =
		journal_new(house->loop, &house->rules, log_fd, house_tell, house);
	assert_non_null(house->journal);
	house->log = -1;
	return house;
}

static struct house *open_house_with_log(void)
{
	struct house *house;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, LOG_MAX) > 0);
	house = open_house(ends[1]);
	house->log = ends[0];
	return house;
}

static void end_journal(struct house *house)
{
	journal_free(house->journal);
	house->journal = NULL;
}

/* Ends the journal, and reads its lines. */
static void read_log(struct house *house)
{
	struct error err;
	ssize_t size;
	char *rest;

	end_journal(house);
	house->text = calloc(1, LOG_MAX + 1);
	assert_non_null(house->text);
	size = read(house->log, house->text, LOG_MAX);
	assert_true(size >= 0);
	if (size == 0)
		return;
	assert_int_equal(house->text[size - 1], '\n');
	for (char *line = strtok_r(house->text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		assert_true(house->entry_count < LINES);
		house->entries[house->entry_count] =
			json_read(line, strlen(line), "log", &house->arena, &err);
		assert_non_null(house->entries[house->entry_count++]);
	}
}

static void close_house(struct house *house)
{
	journal_free(house->journal);
	loop_free(house->loop);
	if (house->log >= 0)
		close(house->log);
	free(house->text);
	arena_free(&house->arena);
	free(house);
}

static const char *text_of(const struct json_value *entry, const char *key)
{
	const char *text = "(none)";
	struct error err;

	assert_true(json_get_text(entry, key, &text, &err) >= 0);
	return text;
}

static uint64_t number_of(const struct json_value *entry, const char *key)
{
	uint64_t number = 0;
	struct error err;

	assert_int_equal(json_get_unsigned(entry, key, UINT64_MAX, &number, &err), 0);
	return number;
}

static struct flow_key flow_to(const char *address, uint16_t port)
{
	struct flow_key flow = { .protocol = PROTOCOL_TCP, .port = port };

	assert_int_equal(ip_parse(address, &flow.to), 0);
	return flow;
}

static void deny(struct house *house, const struct flow_key *flow)
{
	struct net_verdict verdict;

	rules_judge(&house->rules, NULL, flow, 1, &verdict);
	assert_false(verdict.allowed);
	journal_denied(house->journal, flow, &verdict);
}

struct pause {
	struct timer timer;
	struct loop *loop;
};

static void pause_rang(struct timer *timer)
{
	loop_stop(((struct pause *)timer)->loop);
}

/* Lets the loop's clock go on. */
static void turn_for(struct house *house, uint64_t ms)
{
	struct pause pause = { { .rang = pause_rang }, house->loop };
	struct error err;

	loop_arm(house->loop, &pause.timer, loop_now_ms(house->loop) + ms);
	assert_int_equal(loop_run(house->loop, &err), 0);
}

/* ---- the user ---------------------------------------------------------------------------- */

static void a_denial_is_told_once_with_the_option_that_helps(void **state)
{
	struct house *house = open_house(-1);
	const struct flow_key flow = flow_to("192.168.3.4", 5432);
	struct flow_key other = flow;

	(void)state;
	for (int i = 0; i < 50; i++)
		deny(house, &flow);
	assert_int_equal(house->told, 1);
	assert_string_equal(house->lines[0],
			    "denied tcp to 192.168.3.4:5432 (an address of the local "
			    "network); --allow 192.168.3.4:5432 would allow it");
	other.port++;
	deny(house, &other);
	assert_int_equal(house->told, 2);
	other.protocol = PROTOCOL_UDP;
	deny(house, &other);
	assert_int_equal(house->told, 3);
	assert_int_equal(journal_counters(house->journal)->denied, 52);
	end_journal(house);
	assert_int_equal(house->told, 3);
	close_house(house);
}

static void a_name_that_is_denied_is_told_once(void **state)
{
	struct house *house = open_house(-1);
	const struct net_verdict verdict = { .why = DENIED_NAME };

	(void)state;
	for (int i = 0; i < 5; i++)
		journal_denied_name(house->journal, "example.test", &verdict);
	journal_denied_name(house->journal, "$(reboot).test", &verdict);
	assert_int_equal(house->told, 2);
	assert_string_equal(house->lines[0],
			    "denied the name example.test (no rule allows "
			    "the name); --allow example.test:443 would allow it");
	assert_string_equal(house->lines[1],
			    "denied the name $(reboot).test (no rule allows the name)");
	assert_int_equal(journal_counters(house->journal)->names_refused, 6);
	close_house(house);
}

static void what_a_name_says_to_a_terminal_is_shown_and_not_obeyed(void **state)
{
	struct house *house = open_house(-1);
	const struct net_verdict verdict = { .why = DENIED_NAME };

	(void)state;
	journal_denied_name(house->journal, "a\033[2Jb\r\n.test", &verdict);
	assert_int_equal(house->told, 1);
	for (const char *at = house->lines[0]; *at; at++)
		assert_true(*at >= ' ');
	close_house(house);
}

/* Ten in a second; later the others may be told when they come again; a hundred in all. */
static void a_scan_is_told_at_a_pace_and_counted_to_its_end(void **state)
{
	struct house *house = open_house(-1);
	struct flow_key flow = flow_to("192.168.3.4", 0);

	(void)state;
	turn_for(house, 1000 - loop_now_ms(house->loop) % 1000);
	for (uint16_t port = 1; port <= 500; port++) {
		flow.port = port;
		deny(house, &flow);
	}
	assert_int_equal(house->told, 10);
	for (int second = 0; second < 2; second++) {
		turn_for(house, 1000);
		deny(house, &flow);
		flow.port--;
		deny(house, &flow);
	}
	assert_in_range(house->told, 11, 13);
	end_journal(house);
	assert_in_range(house->told, 12, 14);
	assert_non_null(
		strstr(house->lines[house->told - 1], " more destinations were denied"));
	assert_non_null(strstr(house->lines[house->told - 1], "--net-log FILE"));
	close_house(house);
}

static void what_is_remembered_of_denials_is_bounded(void **state)
{
	struct house *house = open_house(-1);
	struct flow_key flow = flow_to("192.168.3.4", 0);

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		flow.port = (uint16_t)i;
		flow.to.bytes[14] = (uint8_t)(i >> 16);
		deny(house, &flow);
	}
	assert_true(house->told <= 20);
	assert_int_equal(journal_counters(house->journal)->denied, 100000);
	close_house(house);
}

/* ---- the log ----------------------------------------------------------------------------- */

static void assert_is_now(const char *text)
{
	const time_t now = time(NULL);
	struct tm tm = { 0 };

	assert_int_equal(strlen(text), strlen("2026-01-01T00:00:00.000Z"));
	assert_int_equal(text[10], 'T');
	assert_int_equal(text[23], 'Z');
	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
	assert_in_range(timegm(&tm), now - 10, now + 1);
}

static void a_flow_has_a_start_and_an_end_in_the_log(void **state)
{
	struct house *house = open_house_with_log();
	const struct flow_key flow = flow_to("198.51.100.7", 443);
	uint64_t id, other;

	(void)state;
	journal_begin(house->journal, PATH_RELAY, &flow, "good.test", &id);
	journal_begin(house->journal, PATH_SLIRP, &flow, NULL, &other);
	turn_for(house, 5);
	journal_end(house->journal, id, 1000, 1ULL << 40);
	read_log(house);
	assert_int_equal(house->entry_count, 4);
	assert_string_equal(text_of(house->entries[0], "event"), "start");
	assert_string_equal(text_of(house->entries[0], "path"), "relay");
	assert_string_equal(text_of(house->entries[0], "protocol"), "tcp");
	assert_string_equal(text_of(house->entries[0], "address"), "198.51.100.7");
	assert_string_equal(text_of(house->entries[0], "name"), "good.test");
	assert_string_equal(text_of(house->entries[0], "verdict"), "allowed");
	assert_int_equal(number_of(house->entries[0], "port"), 443);
	assert_is_now(text_of(house->entries[0], "time"));
	assert_string_equal(text_of(house->entries[1], "path"), "slirp");
	assert_string_equal(text_of(house->entries[1], "name"), "(none)");
	assert_string_equal(text_of(house->entries[2], "event"), "end");
	assert_string_equal(text_of(house->entries[2], "name"), "good.test");
	assert_int_equal(number_of(house->entries[2], "flow"),
			 number_of(house->entries[0], "flow"));
	assert_int_equal(number_of(house->entries[2], "bytes_out"), 1000);
	assert_int_equal(number_of(house->entries[2], "bytes_in"), 1ULL << 40);
	assert_true(number_of(house->entries[2], "ms") >= 4);
	/* What is open when the journal ends has ended. */
	assert_string_equal(text_of(house->entries[3], "event"), "end");
	assert_int_equal(number_of(house->entries[3], "flow"),
			 number_of(house->entries[1], "flow"));
	close_house(house);
}

static void a_denial_is_in_the_log_each_time(void **state)
{
	struct house *house = open_house_with_log();
	const struct flow_key flow = flow_to("192.168.3.4", 5432);
	const struct net_verdict verdict = { .why = DENIED_NAME };

	(void)state;
	deny(house, &flow);
	deny(house, &flow);
	journal_denied_name(house->journal, "bad\"\n.test", &verdict);
	read_log(house);
	assert_int_equal(house->entry_count, 3);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(text_of(house->entries[i], "event"), "denied");
		assert_string_equal(text_of(house->entries[i], "verdict"), "denied");
		assert_string_equal(text_of(house->entries[i], "address"), "192.168.3.4");
		assert_string_equal(text_of(house->entries[i], "allow"),
				    "--allow 192.168.3.4:5432");
	}
	assert_string_equal(text_of(house->entries[2], "protocol"), "dns");
	assert_string_equal(text_of(house->entries[2], "name"), "bad\"\n.test");
	close_house(house);
}

static void flows_are_counted_with_and_without_a_log(void **state)
{
	(void)state;
	for (int with_log = 0; with_log < 2; with_log++) {
		struct house *house = with_log ? open_house_with_log() : open_house(-1);
		const struct flow_key flow = flow_to("198.51.100.7", 443);
		const struct net_counters *counters = journal_counters(house->journal);
		uint64_t ids[2];

		for (int i = 0; i < 2; i++)
			journal_begin(house->journal, PATH_PORT, &flow, NULL, &ids[i]);
		for (int i = 0; i < 2; i++)
			journal_end(house->journal, ids[i], 3, 4);
		journal_end(house->journal, 0, 3, 4);
		assert_int_equal(counters->flows[PATH_PORT], 2);
		assert_int_equal(counters->bytes_out[PATH_PORT], 6);
		assert_int_equal(counters->bytes_in[PATH_PORT], 8);
		assert_int_equal(counters->flows[PATH_RELAY], 0);
		close_house(house);
	}
}

static void very_many_flows_may_be_open(void **state)
{
	enum { OPEN = 20000 };
	const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct house *house = open_house(null);
	const struct flow_key flow = flow_to("198.51.100.7", 443);
	uint64_t *ids = calloc(OPEN, sizeof(*ids));

	(void)state;
	assert_non_null(ids);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < OPEN; i++)
			journal_begin(house->journal, PATH_RELAY, &flow, "x.test",
				      &ids[i]);
		for (int i = 0; i < OPEN; i++)
			journal_end(house->journal, ids[i], 1, 1);
	}
	assert_int_equal(journal_counters(house->journal)->bytes_in[PATH_RELAY],
			 2 * OPEN);
	free(ids);
	close_house(house);
}

/* A pipe that nobody reads: the journal goes on, and says what is missing. */
static void a_slow_reader_does_not_hold_the_loop_up(void **state)
{
	struct house *house = open_house_with_log();
	const struct flow_key flow = flow_to("198.51.100.7", 443);
	struct timespec begun, now;
	static char text[256 * 1024];
	ssize_t got;

	(void)state;
	assert_true(fcntl(house->log, F_SETPIPE_SZ, 4096) > 0);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (int i = 0; i < 3000; i++) {
		uint64_t id;

		journal_begin(house->journal, PATH_RELAY, &flow, NULL, &id);
		journal_end(house->journal, id, 1, 1);
	}
	turn_for(house, 100);
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_true(now.tv_sec - begun.tv_sec < 5);
	assert_true(fcntl(house->log, F_SETPIPE_SZ, LOG_MAX) > 0);
	got = read(house->log, text, sizeof(text) - 1);
	assert_true(got > 0);
	turn_for(house, 200);
	end_journal(house);
	got = read(house->log, text, sizeof(text) - 1);
	assert_true(got > 0);
	text[got] = '\0';
	assert_non_null(strstr(text, "{\"event\":\"lost\",\"lines\":"));
	close_house(house);
}

static void an_error_of_writing_is_told_once(void **state)
{
	const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct house *house;
	const struct flow_key flow = flow_to("198.51.100.7", 443);

	(void)state;
	if (full < 0)
		skip();
	house = open_house(full);
	for (int i = 0; i < 3; i++) {
		uint64_t id;

		journal_begin(house->journal, PATH_RELAY, &flow, NULL, &id);
		journal_end(house->journal, id, 1, 1);
		turn_for(house, 70);
	}
	end_journal(house);
	assert_int_equal(house->told, 1);
	assert_string_equal(house->lines[0], "cannot write to the file of --net-log: No "
					     "space left on device; it ends here");
	close_house(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_denial_is_told_once_with_the_option_that_helps),
		cmocka_unit_test(a_name_that_is_denied_is_told_once),
		cmocka_unit_test(what_a_name_says_to_a_terminal_is_shown_and_not_obeyed),
		cmocka_unit_test(a_scan_is_told_at_a_pace_and_counted_to_its_end),
		cmocka_unit_test(what_is_remembered_of_denials_is_bounded),
		cmocka_unit_test(a_flow_has_a_start_and_an_end_in_the_log),
		cmocka_unit_test(a_denial_is_in_the_log_each_time),
		cmocka_unit_test(flows_are_counted_with_and_without_a_log),
		cmocka_unit_test(very_many_flows_may_be_open),
		cmocka_unit_test(a_slow_reader_does_not_hold_the_loop_up),
		cmocka_unit_test(an_error_of_writing_is_told_once),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
