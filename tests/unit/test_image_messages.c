/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int make_pair(void **state)
{
	int *pair = calloc(2, sizeof(*pair));

	if (!pair || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	*state = pair;
	return 0;
}

static int close_pair(void **state)
{
	int *pair = *state;

	fd_close(&pair[0]);
	fd_close(&pair[1]);
	free(pair);
	return 0;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void progress_comes_through(void **state)
{
	const int *pair = *state;
	const struct image_turn turn = { .kind = IMAGE_TURN_PROGRESS,
					 .done = 5,
					 .total = UINT64_MAX };
	struct image_turn got;
	struct error err;
	int fd = 99;

	assert_int_equal(image_turn_send(pair[0], &turn, NULL, -1), 0);
	assert_int_equal(image_turn_receive(pair[1], &got, &err, &fd), 1);
	assert_int_equal(got.kind, IMAGE_TURN_PROGRESS);
	assert_int_equal(got.done, 5);
	assert_true(got.total == UINT64_MAX);
	assert_int_equal(fd, -1);
}

static void a_failure_comes_through(void **state)
{
	const int *pair = *state;
	const struct image_turn turn = { .kind = IMAGE_TURN_FAILED };
	struct error sent = { 0 }, got_err = { 0 };
	struct image_turn got;
	int fd;

	errno = ENOSPC;
	error_errno_id(&sent, ERROR_IMAGE, "write %s", "usr/bin/\033[31mred");
	error_hint(&sent, "--no-cache");
	assert_int_equal(image_turn_send(pair[0], &turn, &sent, -1), 0);
	assert_int_equal(image_turn_receive(pair[1], &got, &got_err, &fd), 1);
	assert_int_equal(got.kind, IMAGE_TURN_FAILED);
	assert_int_equal(got_err.errnum, ENOSPC);
	assert_int_equal(got_err.id, ERROR_IMAGE);
	assert_string_equal(got_err.text, "write usr/bin/\\x1b[31mred");
	assert_string_equal(got_err.hint, "--no-cache");
}

static void the_end_is_the_end(void **state)
{
	int *pair = *state;
	struct image_turn got;
	struct error err;
	int fd;

	fd_close(&pair[0]);
	assert_int_equal(image_turn_receive(pair[1], &got, &err, &fd), 0);
}

/* Whoever has taken sbx-image over writes what it likes. */
static void texts_are_made_harmless(void **state)
{
	const int *pair = *state;
	struct image_turn turn = { .kind = IMAGE_TURN_NOTE, .text = "a\033]0;b\007c\n" };
	struct image_turn got;
	struct error err;
	int fd;

	assert_int_equal(image_turn_send(pair[0], &turn, NULL, -1), 0);
	assert_int_equal(image_turn_receive(pair[1], &got, &err, &fd), 1);
	assert_string_equal(got.text, "a\\x1b]0;b\\x07c\\x0a");
}

static void a_descriptor_comes_through(void **state)
{
	const int *pair = *state;
	const struct image_turn turn = { .kind = IMAGE_TURN_MOUNT };
	struct stat a, b;
	struct image_turn got;
	struct error err;
	int fd;

	assert_int_equal(image_turn_send(pair[0], &turn, NULL, pair[0]), 0);
	assert_int_equal(image_turn_receive(pair[1], &got, &err, &fd), 1);
	assert_int_equal(got.kind, IMAGE_TURN_MOUNT);
	assert_int_equal(fstat(fd, &a) | fstat(pair[0], &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

/* Nothing stays open of what comes with a turn that is refused. */
static void expect_refused(int socket)
{
	struct image_turn got = { .done = 7 };
	const int next = dup(socket);
	struct error err;
	int fd = 99;

	close(next);
	assert_int_equal(image_turn_receive(socket, &got, &err, &fd), -1);
	assert_int_equal(errno, EPROTO);
	assert_int_equal(got.done, 7);
	assert_int_equal(fd, 99);
	assert_false(is_open(next));
}

static void what_is_no_turn_is_refused(void **state)
{
	const int *pair = *state;
	struct image_turn turn = { .kind = (enum image_turn_kind)77 };
	char bytes[4096];

	assert_int_equal(image_turn_send(pair[0], &turn, NULL, -1), 0);
	expect_refused(pair[1]);
	turn.kind = IMAGE_TURN_DONE;
	assert_int_equal(image_turn_send(pair[0], &turn, NULL, pair[0]), 0);
	expect_refused(pair[1]);
	turn.kind = IMAGE_TURN_DOCUMENT;
	assert_int_equal(image_turn_send(pair[0], &turn, NULL, -1), 0);
	expect_refused(pair[1]);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(send(pair[0], bytes, 1, 0), 1);
	expect_refused(pair[1]);
	assert_int_equal(send(pair[0], bytes, sizeof(bytes), 0), sizeof(bytes));
	expect_refused(pair[1]);
}

/* A turn of the right length, whatever it holds, is a turn of ours or none. */
static void random_turns_are_refused_or_harmless(void **state)
{
	const int *pair = *state;
	const struct image_turn plain = { .kind = IMAGE_TURN_DONE };
	unsigned char bytes[4096];
	struct image_turn got;
	struct error err = { 0 };
	ssize_t length;
	int fd;

	assert_int_equal(image_turn_send(pair[0], &plain, NULL, -1), 0);
	length = recv(pair[1], bytes, sizeof(bytes), 0);
	assert_true(length > 0 && (size_t)length < sizeof(bytes));
	for (unsigned int i = 0; i < 2000; i++) {
		bytes[i * 7919 % (size_t)length] = (unsigned char)(i * 31 + i / 256);
		assert_int_equal(send(pair[0], bytes, (size_t)length, 0), length);
		if (image_turn_receive(pair[1], &got, &err, &fd) != 1)
			continue;
		assert_true(got.kind <= IMAGE_TURN_FAILED);
		assert_non_null(memchr(got.text, '\0', sizeof(got.text)));
		assert_non_null(error_id_name(err.id));
	}
}

static void two_descriptors_are_refused(void **state)
{
	const int *pair = *state;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(2 * sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	const struct msghdr header = { .msg_iov = &part,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), pair, 2 * sizeof(int));
	assert_int_equal(sendmsg(pair[0], &header, 0), 1);
	expect_refused(pair[1]);
}

/* ---- documents --------------------------------------------------------------------------- */

static void a_document_comes_through(void **state)
{
	const int *pair = *state;
	struct arena arena = { 0 };
	struct json_value *document = json_make_object(&arena);
	struct json_value *read;
	const char *text = "";
	struct image_turn got;
	struct error err;
	int fd;

	json_put_text(document, "name", "caf\xe9 \xc3\xa9");
	assert_int_equal(image_document_send(pair[0], document, &arena, &err), 0);
	assert_int_equal(image_turn_receive(pair[1], &got, &err, &fd), 1);
	assert_int_equal(got.kind, IMAGE_TURN_DOCUMENT);
	read = image_document_read(fd, &arena, &err);
	assert_non_null(read);
	json_restore_bytes(read);
	assert_int_equal(json_get_text(read, "name", &text, &err), 0);
	assert_string_equal(text, "caf\xe9 \xc3\xa9");
	/* Nobody can change it any more. */
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
	arena_free(&arena);
}

static int memory_with(const char *text, int seals)
{
	const int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void expect_no_document(int fd)
{
	struct arena arena = { 0 };
	struct error err = { 0 };

	assert_null(image_document_read(fd, &arena, &err));
	assert_true(err.text[0] != '\0');
	close(fd);
	arena_free(&arena);
}

/* A pipe would let the reader wait for ever, a file could change under it. */
static void what_is_no_document_is_refused(void **state)
{
	const int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	expect_no_document(ends[0]);
	close(ends[1]);
	expect_no_document(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
	expect_no_document(memory_with("{}", F_SEAL_SHRINK));
	expect_no_document(memory_with("{}", all & ~F_SEAL_WRITE));
	expect_no_document(memory_with("", all));
	expect_no_document(memory_with("{", all));
	expect_no_document(memory_with("{\"a\":1,\"a\":2}", all));
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, make_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(progress_comes_through),
		WITH_PAIR(a_failure_comes_through),
		WITH_PAIR(the_end_is_the_end),
		WITH_PAIR(texts_are_made_harmless),
		WITH_PAIR(a_descriptor_comes_through),
		WITH_PAIR(what_is_no_turn_is_refused),
		WITH_PAIR(random_turns_are_refused_or_harmless),
		WITH_PAIR(two_descriptors_are_refused),
		WITH_PAIR(a_document_comes_through),
		cmocka_unit_test(what_is_no_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
