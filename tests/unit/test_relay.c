/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay_house.h"
#include "turning.h"

enum { MANY = 500 };

/* ---- with a question --------------------------------------------------------------------- */

static void what_is_allowed_is_let_in_and_joined(void **state)
{
	struct house *house = open_house("host");
	struct program program;
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);
	int far;

	(void)state;
	start_program(house, port, &program);
	assert_int_equal(ask(&program), INNER_LET);
	go_in(&program);
	far = accept_from(server);
	assert_talk(program.fd, far);
	close(far);
	close(program.fd);
	close(server);
	close_house(house);
}

static void what_is_denied_is_prohibited_and_told_once(void **state)
{
	struct house *house = open_house("192.168.7.7:81");
	struct program program, again;

	(void)state;
	house->address = ip_of("192.168.7.7");
	start_program(house, 80, &program);
	start_program(house, 80, &again);
	assert_int_equal(ask(&program), INNER_PROHIBITED);
	assert_int_equal(ask(&again), INNER_PROHIBITED);
	assert_int_equal(house->line_count, 1);
	assert_non_null(strstr(house->lines[0], "192.168.7.7:80"));
	assert_non_null(strstr(house->lines[0], "--allow 192.168.7.7:80"));
	assert_int_equal(journal_counters(house->gate.journal)->denied, 2);
	close(program.fd);
	close(again.fd);
	close_house(house);
}

/* The rules would let it, and there is no tap: no connection is made in its place. */
static void what_is_not_tcp_is_prohibited_and_told(void **state)
{
	struct house *house = open_house("host");
	struct program program;
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);

	(void)state;
	start_program(house, port, &program);
	program.flow.protocol = PROTOCOL_UDP;
	assert_int_equal(ask(&program), INNER_PROHIBITED);
	assert_int_equal(house->line_count, 1);
	assert_non_null(strstr(house->lines[0], "only TCP and DNS"));
	close(program.fd);
	close(server);
	close_house(house);
}

static void a_closed_port_is_refused_before_anything_is_accepted(void **state)
{
	struct house *house = open_house("host");
	struct program program;
	unsigned short port;

	(void)state;
	close(tcp_listen(AF_INET, &port));
	start_program(house, port, &program);
	assert_int_equal(ask(&program), INNER_REFUSE);
	close(program.fd);
	close_house(house);
}

static void the_gateway_is_the_other_loopback_address_too(void **state)
{
	struct house *house = open_house("host");
	struct program program;
	unsigned short port;
	const int server = tcp_listen(AF_INET6, &port);
	int far;

	(void)state;
	start_program(house, port, &program);
	assert_int_equal(ask(&program), INNER_LET);
	go_in(&program);
	far = accept_from(server);
	assert_talk(program.fd, far);
	close(far);
	close(program.fd);
	close(server);
	close_house(house);
}

static void a_first_packet_that_comes_again_makes_no_second_connection(void **state)
{
	struct house *house = open_house("host");
	struct program program, twin;
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);
	int far;

	(void)state;
	start_program(house, port, &program);
	assert_int_equal(ask(&program), INNER_LET);
	twin = program;
	twin.id = house->next_id++;
	assert_int_equal(ask(&twin), INNER_LET);
	go_in(&program);
	far = accept_from(server);
	assert_talk(program.fd, far);
	assert_int_equal(fcntl(server, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(accept(server, NULL, NULL), -1);
	close(far);
	close(program.fd);
	close(server);
	close_house(house);
}

static void two_to_one_place_may_come_with_other_ports_than_they_asked_with(void **state)
{
	struct house *house = open_house("host");
	struct program asked, comes;
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);
	int far;

	(void)state;
	start_program(house, port, &asked);
	start_program(house, port, &comes);
	assert_int_equal(ask(&asked), INNER_LET);
	go_in(&comes);
	far = accept_from(server);
	assert_talk(comes.fd, far);
	assert_int_equal(fcntl(server, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(accept(server, NULL, NULL), -1);
	close(far);
	close(asked.fd);
	close(comes.fd);
	close(server);
	close_house(house);
}

static void allow_many_descriptors(void)
{
	const struct rlimit limit = { 8192, 8192 };

	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void many_at_once_each_find_their_own(void **state)
{
	struct house *house = open_house("host");
	struct program *programs = calloc(MANY, sizeof(*programs));
	int *far = calloc(MANY, sizeof(*far));
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);

	(void)state;
	assert_non_null(programs);
	assert_non_null(far);
	allow_many_descriptors();
	for (int i = 0; i < MANY; i++) {
		start_program(house, port, &programs[i]);
		assert_int_equal(ask(&programs[i]), INNER_LET);
	}
	for (int i = MANY; i-- > 0;)
		go_in(&programs[i]);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(send(programs[i].fd, &i, sizeof(i), MSG_NOSIGNAL),
				 sizeof(i));
		far[i] = accept_from(server);
	}
	/* Accepted in the order of the questions: the i-th question's server is far[i]. */
	for (int i = 0; i < MANY; i++) {
		int said = -1;

		assert_int_equal(recv(far[i], &said, sizeof(said), 0), sizeof(said));
		assert_int_equal(said, i);
		close(far[i]);
		close(programs[i].fd);
	}
	free(programs);
	free(far);
	close(server);
	close_house(house);
}

static void what_there_is_no_room_for_goes_another_way_or_waits(void **state)
{
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);

	(void)state;
	for (int has_direct = 0; has_direct < 2; has_direct++) {
		struct house *house = open_bounded_house("host", 1, has_direct);
		struct program program;

		start_program(house, port, &program);
		assert_int_equal(ask(&program), has_direct ? INNER_DIRECT : INNER_DROP);
		close(program.fd);
		close_house(house);
	}
	close(server);
}

/* ---- without a question ------------------------------------------------------------------ */

static void what_comes_unasked_is_judged_and_connected_late(void **state)
{
	struct house *house = open_house("host");
	struct program program;
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);
	int far;

	(void)state;
	start_program(house, port, &program);
	go_in(&program);
	far = accept_from(server);
	assert_talk(program.fd, far);
	close(far);
	close(program.fd);
	close(server);
	close_house(house);
}

static void what_comes_unasked_and_is_denied_is_reset(void **state)
{
	struct house *house = open_house("10.9.8.7");
	struct program program;
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);

	(void)state;
	start_program(house, port, &program);
	go_in(&program);
	assert_reset(program.fd);
	assert_int_equal(fcntl(server, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(accept(server, NULL, NULL), -1);
	assert_int_equal(house->line_count, 1);
	close(program.fd);
	close(server);
	close_house(house);
}

static void what_comes_unasked_to_a_closed_port_is_reset(void **state)
{
	struct house *house = open_house("host");
	struct program program;
	unsigned short port;

	(void)state;
	close(tcp_listen(AF_INET, &port));
	start_program(house, port, &program);
	go_in(&program);
	assert_reset(program.fd);
	close(program.fd);
	close_house(house);
}

static void who_calls_the_relay_itself_is_reset(void **state)
{
	struct house *house = open_house("host");
	struct program program;

	(void)state;
	start_program(house, 0, &program);
	go_in(&program);
	assert_reset(program.fd);
	close(program.fd);
	close_house(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_allowed_is_let_in_and_joined),
		cmocka_unit_test(what_is_denied_is_prohibited_and_told_once),
		cmocka_unit_test(what_is_not_tcp_is_prohibited_and_told),
		cmocka_unit_test(a_closed_port_is_refused_before_anything_is_accepted),
		cmocka_unit_test(the_gateway_is_the_other_loopback_address_too),
		cmocka_unit_test(
			a_first_packet_that_comes_again_makes_no_second_connection),
		cmocka_unit_test(
			two_to_one_place_may_come_with_other_ports_than_they_asked_with),
		cmocka_unit_test(many_at_once_each_find_their_own),
		cmocka_unit_test(what_there_is_no_room_for_goes_another_way_or_waits),
		cmocka_unit_test(what_comes_unasked_is_judged_and_connected_late),
		cmocka_unit_test(what_comes_unasked_and_is_denied_is_reset),
		cmocka_unit_test(what_comes_unasked_to_a_closed_port_is_reset),
		cmocka_unit_test(who_calls_the_relay_itself_is_reset),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
