/* SPDX-License-Identifier: Apache-2.0 */
/* The places of published ports: bound at the start, added and removed by sbx port. */
#include "net/ports.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "tests/unit/port_scenes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Whether the server is there. */
static int is_served(uint16_t port)
{
	const struct ip ip = ip_of("127.0.0.1");
	struct sockaddr_storage address;
	const socklen_t size = ip_to_sockaddr(&ip, port, &address);
	auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[64];

	return connect(fd, (struct sockaddr *)&address, size) == 0 &&
			       read(fd, text, sizeof(text)) > 0
		       ? 0
		       : 1;
}

/* ---- binding --------------------------------------------------------------------------- */

static void a_port_in_use_is_named_with_its_holder(void **state)
{
	struct publish publish = { .protocol = PROTOCOL_TCP, .guest_ports = { 80, 80 } };
	const struct net_spec net = { .published = &publish, .published_count = 1 };
	struct arena arena = { 0 };
	struct error err;
	char wanted[128];
	uint16_t port;
	size_t count;
	int *fds;
	const int fd = bound(SOCK_STREAM, "127.0.0.1", 0, &port);

	(void)state;
	publish.host_ports = (struct port_range){ port, port };
	assert_int_equal(ports_bind(&net, &arena, &fds, &count, &err), -1);
	assert_int_equal(err.id, ERROR_PORT);
	snprintf(wanted, sizeof(wanted), "publish port %u: 127.0.0.1:%u is in use", port,
		 port);
	assert_string_equal(err.text, wanted);
	snprintf(wanted, sizeof(wanted), "(pid %d) holds it", getpid());
	assert_non_null(strstr(err.hint, wanted));
	close(fd);
	arena_free(&arena);
}

static void an_address_of_another_host_cannot_be_published(void **state)
{
	const struct publish publish = { .protocol = PROTOCOL_TCP,
					 .host_given = true,
					 .host = ip_of("192.0.2.7"),
					 .guest_ports = { 80, 80 } };
	const struct net_spec net = { .published = &publish, .published_count = 1 };
	struct arena arena = { 0 };
	struct error err;
	size_t count;
	int *fds;

	(void)state;
	assert_int_equal(ports_bind(&net, &arena, &fds, &count, &err), -1);
	assert_int_equal(err.errnum, EADDRNOTAVAIL);
	arena_free(&arena);
}

/* What is told of ports that were chosen. */
struct told {
	size_t count;
	uint16_t guest; /* that is looked for */
	uint16_t host;  /* where it is to be found, the last one */
};

static void count_told(void *context, const char *line)
{
	struct told *told = context;
	const char *space = strchr(line, ' ');
	char end[32];

	told->count++;
	snprintf(end, sizeof(end), " leads to port %u", told->guest);
	if (strcmp(space, end) != 0)
		return;
	while (*space != ':')
		space--;
	told->host = (uint16_t)strtoul(space + 1, NULL, 10);
}

static void a_range_is_published_whole(void **state)
{
	struct scene *scene = make_scene();
	struct told told = { .guest = start_server(scene, SOCK_STREAM, "0.0.0.0") };
	const uint16_t first = (uint16_t)(told.guest - 500);

	(void)state;
	scene->published[0] = (struct publish){ .protocol = PROTOCOL_TCP,
						.guest_ports = { first, first + 1023 } };
	publish_all(scene, 1, NULL);
	ports_tell_chosen(scene->ports, count_told, &told);
	assert_int_equal(told.count, 2 * 1024);
	assert_int_equal(run_client(scene, is_served, told.host), 0);
	end_scene(scene);
}

static void a_port_goes_by_frames_where_nobody_has_sockets_inside(void **state)
{
	struct scene *scene = make_scene();
	struct frame_path frames = { .count = 0 };

	(void)state;
	scene->published[0] = published(PROTOCOL_TCP, 80);
	publish_all(scene, 1, &frames);
	assert_int_equal(frames.count, 2); /* 127.0.0.1 and ::1 */
	assert_int_equal(frames.published[0].guest, 80);
	assert_int_equal(frames.published[0].host, port_of(scene));
	assert_int_equal(frames.published[1].host, port_of(scene));
	ports_free(scene->ports);
	scene->ports = NULL;
	assert_int_equal(frames.count, 0);
	end_scene(scene);
}

/* ---- sbx port -------------------------------------------------------------------------- */

/* An abstract name that the kernel makes up: unix(7). */
static int serve_requests(struct scene *scene, struct sockaddr_un *ret_address,
			  socklen_t *ret_size)
{
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct error err;

	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	assert_int_equal(bind(fd, (struct sockaddr *)ret_address, sizeof(sa_family_t)),
			 0);
	assert_int_equal(listen(fd, 8), 0);
	*ret_size = sizeof(*ret_address);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret_address, ret_size), 0);
	return ports_serve(scene->ports, fd, &err);
}

static struct sockaddr_un service_address;
static socklen_t service_size;
static char request_text[512];
static char answer_file[] = "/tmp/test_ports.XXXXXX";

static int requests(uint16_t port)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	static char text[1 << 18];
	FILE *file = fopen(answer_file, "we");
	ssize_t got;

	(void)port;
	if (!file || connect(fd, (struct sockaddr *)&service_address, service_size) < 0 ||
	    send(fd, request_text, strlen(request_text), 0) < 0)
		return 1;
	got = recv(fd, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return 2;
	text[got] = '\0';
	fputs(text, file);
	fclose(file);
	return 0;
}

/* What is answered to a request. */
static const char *answered(struct scene *scene, const char *request)
{
	static char text[1 << 18];
	FILE *file;
	size_t got;

	snprintf(request_text, sizeof(request_text), "%s", request);
	assert_int_equal(run_client(scene, requests, 0), 0);
	file = fopen(answer_file, "re");
	assert_non_null(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[got] = '\0';
	return text;
}

static void ports_come_and_go_while_it_runs(void **state)
{
	struct scene *scene = make_scene();
	const uint16_t guest = start_server(scene, SOCK_STREAM, "0.0.0.0");
	const int file = mkstemp(answer_file);
	unsigned int port;
	char text[128];

	(void)state;
	assert_true(file >= 0);
	publish_all(scene, 0, NULL);
	assert_int_equal(serve_requests(scene, &service_address, &service_size), 0);
	assert_string_equal(answered(scene, "list"), "ok\npaths relay\n");
	snprintf(text, sizeof(text), "add 127.0.0.1::%u", guest);
	assert_int_equal(
		sscanf(answered(scene, text), "ok\nport tcp 127.0.0.1 %u", &port), 1);
	assert_int_equal(run_client(scene, is_served, (uint16_t)port), 0);
	snprintf(text, sizeof(text), "ok\nport tcp 127.0.0.1 %u %u\npaths relay\n", port,
		 guest);
	assert_string_equal(answered(scene, "list"), text);
	snprintf(text, sizeof(text), "add 127.0.0.1:%u:%u", port, guest);
	assert_non_null(strstr(answered(scene, text), "is in use\n"));
	snprintf(text, sizeof(text), "remove %u", port);
	assert_non_null(strstr(answered(scene, text), "ok\nport tcp 127.0.0.1 "));
	assert_int_equal(run_client(scene, is_served, (uint16_t)port), 1);
	assert_non_null(strstr(answered(scene, text), "it is not published\n"));
	assert_string_equal(answered(scene, "list"), "ok\npaths relay\n");
	assert_non_null(strstr(answered(scene, "add x"), "'x' is no port\n"));
	assert_non_null(strstr(answered(scene, "dance"), "there is no such request\n"));
	close(file);
	unlink(answer_file);
	end_scene(scene);
}

static void a_range_is_added_and_listed(void **state)
{
	struct scene *scene = make_scene();
	const char *text;
	size_t lines = 0;
	int file;

	(void)state;
	strcpy(answer_file, "/tmp/test_ports.XXXXXX");
	file = mkstemp(answer_file);
	assert_true(file >= 0);
	publish_all(scene, 0, NULL);
	assert_int_equal(serve_requests(scene, &service_address, &service_size), 0);
	assert_non_null(strstr(answered(scene, "add 3000-4023/udp"), "ok\nport udp"));
	for (text = answered(scene, "list"); *text; text++)
		lines += *text == '\n';
	assert_int_equal(lines, 1 + 2 * 1024 + 1);
	assert_non_null(strstr(answered(scene, "remove 3000-4023/udp"), "ok\n"));
	assert_string_equal(answered(scene, "list"), "ok\npaths relay\n");
	close(file);
	unlink(answer_file);
	end_scene(scene);
}

static void who_says_nothing_does_not_keep_others_out(void **state)
{
	struct scene *scene = make_scene();
	int fds[8], file;

	(void)state;
	strcpy(answer_file, "/tmp/test_ports.XXXXXX");
	file = mkstemp(answer_file);
	assert_true(file >= 0);
	publish_all(scene, 0, NULL);
	assert_int_equal(serve_requests(scene, &service_address, &service_size), 0);
	for (size_t i = 0; i < 8; i++) {
		fds[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&service_address,
					 service_size),
				 0);
	}
	for (size_t i = 0; i < 8; i++)
		close(fds[i]);
	assert_string_equal(answered(scene, "list"), "ok\npaths relay\n");
	close(file);
	unlink(answer_file);
	end_scene(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_in_use_is_named_with_its_holder),
		cmocka_unit_test(an_address_of_another_host_cannot_be_published),
		cmocka_unit_test(a_range_is_published_whole),
		cmocka_unit_test(a_port_goes_by_frames_where_nobody_has_sockets_inside),
		cmocka_unit_test(ports_come_and_go_while_it_runs),
		cmocka_unit_test(a_range_is_added_and_listed),
		cmocka_unit_test(who_says_nothing_does_not_keep_others_out),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	scene_raise_limit();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
