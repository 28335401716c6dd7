/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include "base/fd.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static int bound(int type, const char *address, uint16_t *ret_port)
{
	struct sockaddr_storage storage;
	struct ip ip = ip_of(address);
	socklen_t size = ip_to_sockaddr(&ip, 0, &storage);
	const int on = 1;
	int fd = socket(storage.ss_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&storage, size), 0);
	size = sizeof(storage);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&storage, &size), 0);
	assert_int_equal(ip_from_sockaddr(&storage, &ip, ret_port), 0);
	return fd;
}

/* Whether the holder of the port as seen from that address is this very process. */
static bool holds(enum net_protocol protocol, const char *address, uint16_t port)
{
	const struct ip ip = ip_of(address);
	char who[128], wanted[64];

	snprintf(wanted, sizeof(wanted), "who holds (pid %d)", getpid());
	net_port_holder(protocol, &ip, port, who, sizeof(who));
	return strcmp(who, wanted) == 0;
}

static void who_listens_is_named(void **state)
{
	uint16_t port;
	auto_close int fd = bound(SOCK_STREAM, "127.0.0.1", &port);

	(void)state;
	assert_false(holds(PROTOCOL_TCP, "127.0.0.1", port)); /* bound only */
	assert_int_equal(listen(fd, 1), 0);
	assert_true(holds(PROTOCOL_TCP, "127.0.0.1", port));
	assert_true(holds(PROTOCOL_TCP, "0.0.0.0", port));
	assert_false(holds(PROTOCOL_TCP, "127.0.0.2", port));
	assert_false(holds(PROTOCOL_UDP, "127.0.0.1", port));
}

static void who_listens_everywhere_is_in_every_way(void **state)
{
	uint16_t port;
	auto_close int fd = bound(SOCK_STREAM, "0.0.0.0", &port);

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	assert_true(holds(PROTOCOL_TCP, "127.0.0.2", port));
}

static void ipv6_and_udp_are_looked_at_too(void **state)
{
	uint16_t port, udp_port;
	auto_close int fd = bound(SOCK_STREAM, "::1", &port);
	auto_close int udp = bound(SOCK_DGRAM, "::1", &udp_port);

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	assert_true(udp >= 0);
	assert_true(holds(PROTOCOL_TCP, "::1", port));
	assert_false(holds(PROTOCOL_TCP, "::2", port));
	assert_true(holds(PROTOCOL_UDP, "::1", udp_port));
}

static void a_free_port_has_no_holder(void **state)
{
	const struct ip ip = ip_of("127.0.0.1");
	uint16_t port;
	char who[128] = "nobody";
	int fd = bound(SOCK_STREAM, "127.0.0.1", &port);

	(void)state;
	close(fd);
	net_port_holder(PROTOCOL_TCP, &ip, port, who, sizeof(who));
	assert_string_equal(who, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_listens_is_named),
		cmocka_unit_test(who_listens_everywhere_is_in_every_way),
		cmocka_unit_test(ipv6_and_udp_are_looked_at_too),
		cmocka_unit_test(a_free_port_has_no_holder),
	};

	assert_int_equal(prctl(PR_SET_NAME, "who holds"), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
