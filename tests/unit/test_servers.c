/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/servers.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "emulated.h"

static int open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void without_layers_nothing_is_started(void **state)
{
	struct servers servers = { .layers = -1 };
	const int device = open_null();

	(void)state;
	fflush(NULL);
	assert_int_equal(servers_start(&servers, NULL, device, 0), -1);
	assert_int_equal(servers.count, 0);
	assert_false(is_open(device));
}

static void layers_that_come_twice_are_closed_once(void **state)
{
	struct servers servers = { .layers = -1 };
	const int first = open_null(), second = open_null();

	(void)state;
	servers_take_layers(&servers, first, 5);
	servers_take_layers(&servers, second, 6);
	assert_false(is_open(first));
	assert_true(is_open(second));
	assert_int_equal(servers.uid, 6);
	servers_end(&servers);
	assert_false(is_open(second));
	assert_int_equal(servers.layers, -1);
}

/* No namespace and no device: it ends, and the sandbox sees that at its next look. */
static void a_server_that_cannot_serve_is_reaped(void **state)
{
	struct servers servers = { .layers = -1 };
	const int device = open_null(), layers = open_null();

	(void)state;
	if (is_emulated()) /* it has no namespaces */
		skip();
	servers_take_layers(&servers, layers, 0);
	fflush(NULL);
	assert_int_equal(servers_start(&servers, NULL, device, 0), 0);
	assert_int_equal(servers.count, 1);
	assert_false(is_open(device));
	assert_false(is_open(layers));
	servers_end(&servers);
	assert_int_equal(servers.count, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void there_are_at_most_as_many_as_there_is_room(void **state)
{
	struct servers servers = { .layers = -1 };

	(void)state;
	if (is_emulated()) /* it has no namespaces */
		skip();
	fflush(NULL);
	for (int i = 0; i < SERVERS_MAX; i++) {
		servers_take_layers(&servers, open_null(), 0);
		assert_int_equal(servers_start(&servers, NULL, open_null(), 0), 0);
	}
	servers_take_layers(&servers, open_null(), 0);
	assert_int_equal(servers_start(&servers, NULL, open_null(), 0), -1);
	servers_end(&servers);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_layers_nothing_is_started),
		cmocka_unit_test(layers_that_come_twice_are_closed_once),
		cmocka_unit_test(a_server_that_cannot_serve_is_reaped),
		cmocka_unit_test(there_are_at_most_as_many_as_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
