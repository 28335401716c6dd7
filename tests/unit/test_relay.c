/* SPDX-License-Identifier: Apache-2.0 */
#include "net/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "net/loop.h"
#include "net/sni.h"
#include "turning.h"

/*
 * The inner half is the test: it asks, and connects to the relay's listener when it is let
 * in. Where a connection wanted to go stands in the house, not in the kernel.
 */

enum { IDS = 4096, LINES = 32, NO_ANSWER = -1, MANY = 500 };

static const char gateway_text[] = "10.0.2.2";

struct house {
	struct turning *turning;
	struct arena arena;
	struct rules rules;
	struct gate gate;
	struct splicer *splicer;
	struct relay *relay;
	struct ip address; /* of the servers, as the sandbox knows it */
	bool has_direct;
	int fd_max;
	unsigned short inside_port; /* of the relay's listener */
	pthread_mutex_t lock;       /* of what follows */
	pthread_cond_t changed;
	int answers[IDS];
	char lines[LINES][1024];
	size_t line_count;
	struct ip original;
	uint16_t original_port; /* 0: it was not redirected */
	uint32_t next_id;
};

/* A made-up TLS: its first byte, then the name and the end of the line. */
enum sni_answer sni_find(const uint8_t *bytes, size_t size, char *ret_name)
{
	const uint8_t *end = memchr(bytes, '\n', size);

	if (bytes[0] != 0x16)
		return SNI_NOT_TLS;
	if (!end)
		return SNI_MORE;
	if (end == bytes + 1)
		return SNI_HIDDEN;
	memcpy(ret_name, bytes + 1, (size_t)(end - bytes - 1));
	ret_name[end - bytes - 1] = '\0';
	return SNI_NAME;
}

static void house_answer(void *context, uint32_t id, enum inner_answer answer)
{
	struct house *house = context;

	pthread_mutex_lock(&house->lock);
	house->answers[id] = (int)answer;
	pthread_cond_broadcast(&house->changed);
	pthread_mutex_unlock(&house->lock);
}

static void house_tell(void *context, const char *line)
{
	struct house *house = context;

	pthread_mutex_lock(&house->lock);
	if (house->line_count < LINES)
		snprintf(house->lines[house->line_count++], sizeof(house->lines[0]), "%s",
			 line);
	pthread_mutex_unlock(&house->lock);
}

static int house_original(void *context, int fd, int family, struct ip *ret_to,
			  uint16_t *ret_port)
{
	struct house *house = context;
	int result = -1;

	assert_true(fd >= 0);
	assert_int_equal(family, AF_INET);
	pthread_mutex_lock(&house->lock);
	if (house->original_port) {
		*ret_to = house->original;
		*ret_port = house->original_port;
		result = 0;
	}
	pthread_mutex_unlock(&house->lock);
	return result;
}

static void furnish(void *context)
{
	struct house *house = context;
	struct loop *loop = turning_loop(house->turning);
	struct relay_spec spec = { .loop = loop,
				   .gate = &house->gate,
				   .answer = house_answer,
				   .context = house,
				   .listeners = { -1, -1 },
				   .has_direct = house->has_direct,
				   .fd_max = house->fd_max,
				   .original = house_original };
	struct error err;

	house->gate.rules = &house->rules;
	house->gate.loop = loop;
	house->gate.names = names_new();
	house->gate.journal = journal_new(loop, &house->rules, -1, house_tell, house);
	house->splicer = splicer_new(loop);
	spec.splicer = house->splicer;
	spec.listeners[0] = tcp_listen(AF_INET, &house->inside_port);
	house->relay = relay_new(&spec, &err);
}

static void unfurnish(void *context)
{
	struct house *house = context;

	relay_free(house->relay);
	splicer_free(house->splicer);
	journal_free(house->gate.journal);
	names_free(house->gate.names);
}

static struct ip ip_of(const char *text)
{
	struct ip ip = { { 0 } };

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static struct house *open_bounded_house(const char *allow, int fd_max, bool has_direct)
{
	const struct rule_text text = { .allow = true,
					.dest = allow,
					.from = "command line" };
	struct house *house = calloc(1, sizeof(*house));
	struct error err;

	assert_non_null(house);
	assert_int_equal(
		rules_parse(&text, allow ? 1 : 0, &house->arena, &house->rules, &err), 0);
	house->rules.host.gateway = ip_of(gateway_text);
	house->address = ip_of(gateway_text);
	pthread_mutex_init(&house->lock, NULL);
	pthread_cond_init(&house->changed, NULL);
	for (size_t i = 0; i < IDS; i++)
		house->answers[i] = NO_ANSWER;
	house->fd_max = fd_max;
	house->has_direct = has_direct;
	house->turning = turning_start();
	turning_do(house->turning, furnish, house);
	assert_non_null(house->relay);
	return house;
}

static struct house *open_house(const char *allow)
{
	return open_bounded_house(allow, 0, false);
}

static void close_house(struct house *house)
{
	turning_do(house->turning, unfurnish, house);
	turning_stop(house->turning);
	arena_free(&house->arena);
	free(house);
}

/* A program of the sandbox; its socket is bound, so that its port is known. */
struct program {
	int fd;
	struct flow_key flow;
	uint32_t id;
	struct house *house;
};

static void start_program(struct house *house, uint16_t port, struct program *program)
{
	struct sockaddr_storage here;
	const struct ip loopback = ip_of("127.0.0.1");
	socklen_t length = ip_to_sockaddr(&loopback, 0, &here);
	const struct timeval most = { .tv_sec = 20 };

	*program = (struct program){ .house = house, .id = house->next_id++ };
	program->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(program->fd >= 0);
	setsockopt(program->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	assert_int_equal(bind(program->fd, (struct sockaddr *)&here, length), 0);
	assert_int_equal(getsockname(program->fd, (struct sockaddr *)&here, &length), 0);
	program->flow =
		(struct flow_key){ .protocol = PROTOCOL_TCP,
				   .inside = loopback,
				   .inside_port =
					   ntohs(((struct sockaddr_in *)&here)->sin_port),
				   .to = house->address,
				   .port = port };
}

static void ask_it(void *context)
{
	const struct program *program = context;

	relay_ask(program->house->relay, program->id, &program->flow);
}

static int ask(struct program *program)
{
	struct house *house = program->house;
	struct timespec until;
	int answer;

	turning_do(house->turning, ask_it, program);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	pthread_mutex_lock(&house->lock);
	while (house->answers[program->id] == NO_ANSWER &&
	       pthread_cond_timedwait(&house->changed, &house->lock, &until) == 0)
		continue;
	answer = house->answers[program->id];
	pthread_mutex_unlock(&house->lock);
	return answer;
}

/* The first packet goes on to the listener, redirected from there. */
static void go_in(struct program *program)
{
	struct house *house = program->house;
	const struct ip loopback = ip_of("127.0.0.1");
	struct sockaddr_storage to;
	const socklen_t length = ip_to_sockaddr(&loopback, house->inside_port, &to);

	pthread_mutex_lock(&house->lock);
	house->original = program->flow.to;
	house->original_port = program->flow.port;
	pthread_mutex_unlock(&house->lock);
	assert_int_equal(connect(program->fd, (struct sockaddr *)&to, length), 0);
}

static void assert_reset(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

static void assert_talk(int one, int other)
{
	assert_int_equal(stream_write(one, 300), 0);
	assert_int_equal(stream_read(other, 300), 0);
	assert_int_equal(stream_write(other, 3000), 0);
	assert_int_equal(stream_read(one, 3000), 0);
}

static int accept_from(int listener)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

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

/* ---- the server name --------------------------------------------------------------------- */

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
	say(program.fd, "\x16good");
	usleep(20000);
	assert_int_equal(recv(far, heard, sizeof(heard), MSG_DONTWAIT), -1);
	say(program.fd, ".test\n");
	for (size_t got = 0; got < 11;) {
		const ssize_t more = recv(far, heard + got, sizeof(heard) - 1 - got, 0);

		assert_true(more > 0);
		got += (size_t)more;
	}
	assert_string_equal(heard, "\x16good.test\n");
	assert_int_equal(house->line_count, 0);
	assert_talk(program.fd, far);
	close(far);
	close(program.fd);
	close(server);
	close_house(house);
}

static void other_and_hidden_server_names_are_reset_and_told(void **state)
{
	static const char *const first_words[] = { "\x16"
						   "evil.test\n",
						   "\x16\n", "GET / HTTP/1.1\n" };

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
		cmocka_unit_test(what_is_allowed_is_let_in_and_joined),
		cmocka_unit_test(what_is_denied_is_prohibited_and_told_once),
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
		cmocka_unit_test(
			a_server_name_that_is_allowed_passes_with_all_that_was_said),
		cmocka_unit_test(other_and_hidden_server_names_are_reset_and_told),
		cmocka_unit_test(who_leaves_without_a_server_name_leaves_nothing_behind),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
