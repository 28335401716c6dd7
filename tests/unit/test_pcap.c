/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

static void a_capture_is_that_of_the_manual(void **state)
{
	static uint8_t frame[70000];
	uint8_t head[24];
	uint32_t word[4];
	int ends[2];

	(void)state;
	memset(frame, 'x', sizeof(frame));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 1 << 18) > 0, 1);
	assert_int_equal(pcap_begin(ends[1]), 0);
	assert_int_equal(pcap_write(ends[1], frame, 60), 0);
	assert_int_equal(pcap_write(ends[1], frame, sizeof(frame)), 0);
	assert_int_equal(read(ends[0], head, sizeof(head)), sizeof(head));
	memcpy(word, head, 4);
	assert_int_equal(word[0], 0xa1b23c4d);
	assert_int_equal(head[4], 2);
	assert_int_equal(head[6], 4);
	memcpy(word, head + 16, 8);
	assert_int_equal(word[0], 65535);
	assert_int_equal(word[1], 1);

	assert_int_equal(read(ends[0], word, sizeof(word)), sizeof(word));
	assert_int_equal(word[2], 60);
	assert_int_equal(word[3], 60);
	assert_true(word[1] < 1000000000);
	assert_int_equal(read(ends[0], frame, 60), 60);

	/* More than one record may hold is cut, and says how long it was. */
	assert_int_equal(read(ends[0], word, sizeof(word)), sizeof(word));
	assert_int_equal(word[2], 65535);
	assert_int_equal(word[3], sizeof(frame));
	close(ends[0]);
	close(ends[1]);
}

static void a_reader_that_is_gone_ends_it(void **state)
{
	static const uint8_t frame[60];
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(pcap_begin(ends[1]), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(pcap_write(ends[1], frame, sizeof(frame)), -1);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_capture_is_that_of_the_manual),
		cmocka_unit_test(a_reader_that_is_gone_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
