/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/sync.h"

#include "base/fd.h"
#include "tests/unit/emulated.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
	int launcher, child;
};

static int open_pair(void **state)
{
	static struct pair pair;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	pair = (struct pair){ ends[0], ends[1] };
	*state = &pair;
	return 0;
}

static int close_pair(void **state)
{
	struct pair *pair = *state;

	fd_close(&pair->launcher);
	fd_close(&pair->child);
	return 0;
}

/* What no receiver may change when there is no message. */
static const struct message untouched = { .turn = TURN_STOPPED, .value = 4711 };

static void assert_not_received(int socket, int answer, int errnum)
{
	struct message message = untouched;
	int fd = 42;

	errno = 0;
	assert_int_equal(sync_receive(socket, &message, &fd), answer);
	if (answer < 0)
		assert_int_equal(errno, errnum);
	assert_memory_equal(&message, &untouched, sizeof(message));
	assert_int_equal(fd, 42);
}

static void a_text_without_end_has_one(void **state)
{
	const struct pair *pair = *state;
	struct message message = { .turn = TURN_FAILED };
	int fd;

	memset(message.err.text, 'a', sizeof(message.err.text));
	memset(message.err.hint, 'b', sizeof(message.err.hint));
	assert_int_equal(sync_send(pair->child, &message, -1), 0);
	assert_int_equal(sync_receive(pair->launcher, &message, &fd), 1);
	assert_int_equal(strnlen(message.err.text, sizeof(message.err.text)),
			 sizeof(message.err.text) - 1);
	assert_int_equal(strnlen(message.err.hint, sizeof(message.err.hint)),
			 sizeof(message.err.hint) - 1);
}

static void every_turn_arrives_with_its_value(void **state)
{
	const struct pair *pair = *state;

	for (int turn = TURN_IDS_MAPPED; turn <= TURN_FAILED; turn++) {
		struct message message = { 0 };
		int fd = 42;

		assert_int_equal(sync_send_turn(pair->launcher, (enum turn)turn, -turn),
				 0);
		assert_int_equal(sync_receive(pair->child, &message, &fd), 1);
		assert_int_equal(message.turn, turn);
		assert_int_equal(message.value, -turn);
		assert_int_equal(fd, -1);
	}
}

static void turns_keep_their_order(void **state)
{
	const struct pair *pair = *state;

	for (int i = 0; i < 50; i++)
		assert_int_equal(sync_send_turn(pair->child, TURN_SIGNAL, i), 0);
	for (int i = 0; i < 50; i++) {
		struct message message;
		int fd;

		assert_int_equal(sync_receive(pair->launcher, &message, &fd), 1);
		assert_int_equal(message.value, i);
	}
}

static void the_end_is_told_whole(void **state)
{
	const struct pair *pair = *state;
	const struct message sent = {
		.turn = TURN_ENDED,
		.value = 0x8b,
		.stdin_offset = INT64_C(0x123456789a),
		.timed_out = 1,
	};
	struct message message = { 0 };
	int fd;

	assert_int_equal(sync_send(pair->child, &sent, -1), 0);
	assert_int_equal(sync_receive(pair->launcher, &message, &fd), 1);
	assert_memory_equal(&message, &sent, offsetof(struct message, err));
}

static void an_error_arrives_with_its_texts(void **state)
{
	const struct pair *pair = *state;
	struct message sent = { .turn = TURN_FAILED };
	struct message message = { 0 };
	int fd;

	errno = EXDEV;
	error_errno_id(&sent.err, ERROR_OVERLAY, "put a layer over %s", "/srv");
	error_hint(&sent.err, "try %s", "--cwd ro");
	sent.err.status = 126;
	assert_int_equal(sync_send(pair->child, &sent, -1), 0);
	assert_int_equal(sync_receive(pair->launcher, &message, &fd), 1);
	assert_int_equal(message.err.errnum, EXDEV);
	assert_int_equal(message.err.id, ERROR_OVERLAY);
	assert_int_equal(message.err.status, 126);
	assert_string_equal(message.err.text, "put a layer over /srv");
	assert_string_equal(message.err.hint, "try --cwd ro");
}

static void a_descriptor_comes_along_and_is_closed_on_exec(void **state)
{
	const struct pair *pair = *state;
	const struct message sent = { .turn = TURN_CONSOLE };
	struct message message;
	int ends[2];
	int fd = -1;
	char byte;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(sync_send(pair->child, &sent, ends[1]), 0);
	close(ends[1]);
	assert_int_equal(sync_receive(pair->launcher, &message, &fd), 1);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

static void a_closed_peer_ends_the_turns(void **state)
{
	struct pair *pair = *state;

	assert_int_equal(sync_send_turn(pair->child, TURN_STARTED, 1), 0);
	fd_close(&pair->child);
	{
		struct message message;
		int fd;

		assert_int_equal(sync_receive(pair->launcher, &message, &fd), 1);
	}
	assert_not_received(pair->launcher, 0, 0);
	assert_int_equal(sync_send_turn(pair->launcher, TURN_SIGNAL, SIGTERM), -1);
	assert_int_equal(errno, EPIPE);
}

static void turns_that_nobody_has_read_do_not_hide_the_end(void **state)
{
	struct pair *pair = *state;

	/* The peer closes with an unread message: the kernel says ECONNRESET once. */
	assert_int_equal(sync_send_turn(pair->launcher, TURN_SIGNAL, SIGTERM), 0);
	fd_close(&pair->child);
	assert_not_received(pair->launcher, 0, 0);
}

static void what_was_said_is_heard_from_who_did_not_listen(void **state)
{
	struct pair *pair = *state;
	struct message message;
	int fd;

	assert_int_equal(sync_send_turn(pair->launcher, TURN_IDS_MAPPED, 0), 0);
	assert_int_equal(sync_send_turn(pair->child, TURN_STOPPED, 7), 0);
	fd_close(&pair->child);
	assert_int_equal(sync_receive(pair->launcher, &message, &fd), 1);
	assert_int_equal(message.turn, TURN_STOPPED);
	assert_int_equal(message.value, 7);
	assert_not_received(pair->launcher, 0, 0);
}

static void what_is_too_short_is_no_message(void **state)
{
	const struct pair *pair = *state;
	const struct message message = { .turn = TURN_STARTED };
	const size_t whole = offsetof(struct message, err);

	for (size_t size = 1; size < whole; size++) {
		assert_int_equal(send(pair->child, &message, size, 0), size);
		assert_not_received(pair->launcher, -1, EPROTO);
	}
	assert_int_equal(send(pair->child, &message, whole, 0), whole);
	{
		struct message got;
		int fd;

		assert_int_equal(sync_receive(pair->launcher, &got, &fd), 1);
	}
}

static void a_failure_without_its_text_is_no_message(void **state)
{
	const struct pair *pair = *state;
	const struct message message = { .turn = TURN_FAILED };

	assert_int_equal(send(pair->child, &message, offsetof(struct message, err), 0),
			 offsetof(struct message, err));
	assert_not_received(pair->launcher, -1, EPROTO);
	assert_int_equal(send(pair->child, &message, sizeof(message) - 1, 0),
			 sizeof(message) - 1);
	assert_not_received(pair->launcher, -1, EPROTO);
}

static void what_is_too_long_is_no_message(void **state)
{
	const struct pair *pair = *state;
	struct {
		struct message message;
		char more[64];
	} sent = { .message = { .turn = TURN_STARTED } };

	assert_int_equal(send(pair->child, &sent, sizeof(sent.message), 0),
			 sizeof(sent.message));
	assert_not_received(pair->launcher, -1, EPROTO);
	/* A message that was cut looks like a whole one of the longest kind. */
	sent.message.turn = TURN_STARTED;
	assert_int_equal(send(pair->child, &sent, sizeof(sent), 0), sizeof(sent));
	assert_not_received(pair->launcher, -1, EPROTO);
	sent.message.turn = TURN_FAILED;
	assert_int_equal(send(pair->child, &sent, sizeof(sent), 0), sizeof(sent));
	assert_not_received(pair->launcher, -1, EPROTO);
}

static void an_unknown_turn_is_no_message(void **state)
{
	const struct pair *pair = *state;
	struct message message = { .turn = TURN_FAILED };
	const int unknown[] = { TURN_FAILED + 1, 1000, -1, INT32_MIN };

	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		memcpy(&message.turn, &unknown[i], sizeof(unknown[i]));
		assert_int_equal(
			send(pair->child, &message, offsetof(struct message, err), 0),
			offsetof(struct message, err));
		assert_not_received(pair->launcher, -1, EPROTO);
	}
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Sends bytes with descriptors, as a hostile peer would. */
static void send_raw(int socket, const void *bytes, size_t size, const int *fds,
		     size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = { 0 };
	struct iovec data = { (void *)(uintptr_t)bytes, size };
	struct msghdr header = { .msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int)) };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	assert_int_equal(sendmsg(socket, &header, 0), size);
}

static void the_descriptor_of_a_bad_message_is_closed(void **state)
{
	const struct pair *pair = *state;
	const int before = count_descriptors();
	const int fds[] = { pair->child };

	send_raw(pair->child, "bad", 3, fds, 1);
	assert_not_received(pair->launcher, -1, EPROTO);
	assert_int_equal(count_descriptors(), before);
}

static void more_descriptors_than_one_are_no_message(void **state)
{
	const struct pair *pair = *state;
	const struct message message = { .turn = TURN_CONSOLE };
	const int before = count_descriptors();
	const int fds[] = { 0, 1, 2 };

	/* An emulator hides how long the list of descriptors was. */
	if (is_emulated())
		skip();

	send_raw(pair->child, &message, offsetof(struct message, err), fds, 3);
	assert_not_received(pair->launcher, -1, EPROTO);
	assert_int_equal(count_descriptors(), before);
}

static void an_offer_does_not_wait_for_who_does_not_listen(void **state)
{
	const struct pair *pair = *state;
	int sent = 0;

	while (sent < 100000 && sync_offer_turn(pair->child, TURN_STOPPED, 1) == 0)
		sent++;
	assert_int_equal(errno, EAGAIN);
	assert_true(sent > 0 && sent < 100000);
}

#define test_with_pair(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with_pair(every_turn_arrives_with_its_value),
		test_with_pair(turns_keep_their_order),
		test_with_pair(the_end_is_told_whole),
		test_with_pair(an_error_arrives_with_its_texts),
		test_with_pair(a_text_without_end_has_one),
		test_with_pair(a_descriptor_comes_along_and_is_closed_on_exec),
		test_with_pair(a_closed_peer_ends_the_turns),
		test_with_pair(turns_that_nobody_has_read_do_not_hide_the_end),
		test_with_pair(what_was_said_is_heard_from_who_did_not_listen),
		test_with_pair(what_is_too_short_is_no_message),
		test_with_pair(a_failure_without_its_text_is_no_message),
		test_with_pair(what_is_too_long_is_no_message),
		test_with_pair(an_unknown_turn_is_no_message),
		test_with_pair(the_descriptor_of_a_bad_message_is_closed),
		test_with_pair(more_descriptors_than_one_are_no_message),
		test_with_pair(an_offer_does_not_wait_for_who_does_not_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
