/* SPDX-License-Identifier: Apache-2.0 */
#include "relay_house.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "net/loop.h"
#include "net/relay.h"
#include "net/sni.h"
#include "turning.h"

static const char gateway_text[] = "10.0.2.2";

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

struct ip ip_of(const char *text)
{
	struct ip ip = { { 0 } };

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

struct house *open_bounded_house(const char *allow, int fd_max, bool has_direct)
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

struct house *open_house(const char *allow)
{
	return open_bounded_house(allow, 0, false);
}

void close_house(struct house *house)
{
	turning_do(house->turning, unfurnish, house);
	turning_stop(house->turning);
	arena_free(&house->arena);
	free(house);
}

void start_program(struct house *house, uint16_t port, struct program *program)
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

int ask(struct program *program)
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
void go_in(struct program *program)
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

void assert_reset(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

void assert_talk(int one, int other)
{
	assert_int_equal(stream_write(one, 300), 0);
	assert_int_equal(stream_read(other, 300), 0);
	assert_int_equal(stream_write(other, 3000), 0);
	assert_int_equal(stream_read(one, 3000), 0);
}

int accept_from(int listener)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}
