/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/loop.h"
#include "relay_house.h"
#include "turning.h"

/* Connections that are held until their server name is known. */

static void let_in_held(struct house *house, unsigned short port, struct program *program)
{
	names_add(house->gate.names, "good.test", &house->address, 300,
		  loop_now_ms(house->gate.loop));
	start_program(house, port, program);
	assert_int_equal(ask(program), INNER_LET);
	go_in(program);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void a_server_name_that_is_allowed_passes_with_all_that_was_said(void **state)
{
	struct house *house = open_house("good.test:1-65535,private,sni");
	struct program program;
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);
	char heard[16] = "";
	int far;

	(void)state;
	let_in_held(house, port, &program);
	far = accept_from(server);
	say(program.fd, "\026good");
	usleep(20000);
	assert_int_equal(recv(far, heard, sizeof(heard), MSG_DONTWAIT), -1);
	say(program.fd, ".test\n");
	for (size_t got = 0; got < 11;) {
		const ssize_t more = recv(far, heard + got, sizeof(heard) - 1 - got, 0);

		assert_true(more > 0);
		got += (size_t)more;
	}
	assert_string_equal(heard, "\026good.test\n");
	assert_int_equal(house->line_count, 0);
	assert_talk(program.fd, far);
	close(far);
	close(program.fd);
	close(server);
	close_house(house);
}

static void other_and_hidden_server_names_are_reset_and_told(void **state)
{
	static const char *const first_words[] = { "\026evil.test\n", "\026\n",
						   "GET / HTTP/1.1\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(first_words) / sizeof(first_words[0]); i++) {
		struct house *house = open_house("good.test:1-65535,private,sni");
		struct program program;
		unsigned short port;
		const int server = tcp_listen(AF_INET, &port);
		char byte;
		int far;

		let_in_held(house, port, &program);
		say(program.fd, first_words[i]);
		assert_reset(program.fd);
		far = accept_from(server);
		assert_int_equal(recv(far, &byte, 1, 0), 0);
		assert_int_equal(house->line_count, 1);
		close(far);
		close(program.fd);
		close(server);
		close_house(house);
	}
}

static void who_leaves_without_a_server_name_leaves_nothing_behind(void **state)
{
	struct house *house = open_house("good.test:1-65535,private,sni");
	struct program program;
	unsigned short port;
	const int server = tcp_listen(AF_INET, &port);
	char byte;
	int far;

	(void)state;
	let_in_held(house, port, &program);
	close(program.fd);
	far = accept_from(server);
	assert_int_equal(recv(far, &byte, 1, 0), 0);
	close(far);
	close(server);
	close_house(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_server_name_that_is_allowed_passes_with_all_that_was_said),
		cmocka_unit_test(other_and_hidden_server_names_are_reset_and_told),
		cmocka_unit_test(who_leaves_without_a_server_name_leaves_nothing_behind),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
