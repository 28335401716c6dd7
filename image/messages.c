/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns over a SOCK_SEQPACKET pair, and documents in sealed memory. The side that sends has
 * read the bytes of strangers and may be under their rule, so the side that receives believes
 * nothing: each number is looked at before it becomes an enumerator, each text is made
 * harmless, and a document is memory that nobody can change any more, or none.
 */
#include "image/image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Numbers of fixed width alone: any bytes are a valid value of it. */
struct wire {
	uint32_t kind;
	int32_t errnum, status, entry;
	uint32_t id, explained;
	uint64_t done, total;
	char text[512]; /* of IMAGE_TURN_FAILED: the error's */
	char hint[252];
};

union one_fd {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* ---- turns ------------------------------------------------------------------------------ */

static void write_error(struct wire *wire, const struct error *err)
{
	wire->errnum = err->errnum;
	wire->id = err->id;
	wire->status = err->status;
	wire->explained = err->explained;
	wire->entry = err->entry;
	(void)text_copy(wire->text, sizeof(wire->text), err->text);
	(void)text_copy(wire->hint, sizeof(wire->hint), err->hint);
}

static void attach(struct msghdr *header, union one_fd *control, int fd)
{
	memset(control, 0, sizeof(*control));
	control->header.cmsg_level = SOL_SOCKET;
	control->header.cmsg_type = SCM_RIGHTS;
	control->header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control->header), &fd, sizeof(int));
	header->msg_control = control;
	header->msg_controllen = sizeof(*control);
}

int image_turn_send(int socket, const struct image_turn *turn, const struct error *err,
		    int fd)
{
	struct wire wire = { .kind = turn->kind,
			     .done = turn->done,
			     .total = turn->total };
	union one_fd control;
	struct iovec part = { &wire, sizeof(wire) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (err)
		write_error(&wire, err);
	else
		(void)text_copy(wire.text, sizeof(wire.text), turn->text);
	if (fd >= 0)
		attach(&header, &control, fd);
	do
		sent = sendmsg(socket, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

/* The room for one descriptor is padded to that of two: more than one are closed. */
static int take_fd(struct msghdr *header, int *ret_fd)
{
	enum { ROOM = (CMSG_SPACE(sizeof(int)) - CMSG_LEN(0)) / sizeof(int) };
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int fds[ROOM];
	size_t count;

	*ret_fd = -1;
	if (!control || control->cmsg_level != SOL_SOCKET ||
	    control->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(control), (count < ROOM ? count : ROOM) * sizeof(int));
	if (count == 1) {
		*ret_fd = fds[0];
		return 0;
	}
	for (size_t i = 0; i < count && i < ROOM; i++)
		close(fds[i]);
	return -1;
}

static bool ends_in(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

#define COUNT_ID(id, name) +1
enum { ID_COUNT = 0 ERROR_IDS(COUNT_ID) };
#undef COUNT_ID

static bool is_status(int32_t status)
{
	return status == 0 || (status >= 125 && status <= 127);
}

/* Documents and mounts have a descriptor, the others none. */
static bool is_turn(const struct wire *wire, int fd)
{
	const bool brings =
		wire->kind == IMAGE_TURN_DOCUMENT || wire->kind == IMAGE_TURN_MOUNT;

	return wire->kind <= IMAGE_TURN_FAILED && brings == (fd >= 0) &&
	       ends_in(wire->text, sizeof(wire->text)) &&
	       ends_in(wire->hint, sizeof(wire->hint)) && wire->id < ID_COUNT &&
	       is_status(wire->status);
}

static void read_turn(const struct wire *wire, struct image_turn *ret_turn,
		      struct error *ret_err)
{
	*ret_turn = (struct image_turn){ .kind = (enum image_turn_kind)wire->kind,
					 .done = wire->done,
					 .total = wire->total };
	if (wire->kind != IMAGE_TURN_FAILED) {
		text_harmless(ret_turn->text, sizeof(ret_turn->text), wire->text);
		return;
	}
	*ret_err = (struct error){ .errnum = wire->errnum > 0 ? wire->errnum : 0,
				   .id = (enum error_id)wire->id,
				   .status = wire->status,
				   .explained = wire->explained != 0,
				   .entry = wire->entry };
	text_harmless(ret_err->text, sizeof(ret_err->text), wire->text);
	text_harmless(ret_err->hint, sizeof(ret_err->hint), wire->hint);
}

int image_turn_receive(int socket, struct image_turn *ret_turn, struct error *ret_err,
		       int *ret_fd)
{
	struct wire wire;
	union one_fd control;
	struct iovec part = { &wire, sizeof(wire) };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	ssize_t got;
	int fd, taken;

	do
		got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? 0 : -1;
	taken = take_fd(&header, &fd);
	if (got == 0 && fd < 0 && taken == 0)
		return 0;
	if (taken < 0 || got != sizeof(wire) ||
	    header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || !is_turn(&wire, fd)) {
		fd_close(&fd);
		errno = EPROTO;
		return -1;
	}
	read_turn(&wire, ret_turn, ret_err);
	*ret_fd = fd;
	return 1;
}

/* ---- documents -------------------------------------------------------------------------- */

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* sysctl vm.memfd_noexec may ask for the flag, kernels before 6.3 refuse it (memfd_create(2)). */
static int make_memory(void)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	const int fd = memfd_create("document", flags | MFD_NOEXEC_SEAL);

	return fd < 0 && errno == EINVAL ? memfd_create("document", flags) : fd;
}

int image_document_send(int socket, const struct json_value *document,
			struct arena *arena, struct error *err)
{
	const struct image_turn turn = { .kind = IMAGE_TURN_DOCUMENT };
	const char *text = json_write(document, JSON_LAYOUT_LINE, arena);
	const size_t length = strlen(text);
	auto_close int fd = -1;

	if (length > JSON_SIZE_MAX)
		return error_set(err, ERROR_IMAGE,
				 "tell what is in it: that is more than %d bytes",
				 JSON_SIZE_MAX);
	fd = make_memory();
	if (fd < 0 || fd_write_all(fd, text, length) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return error_errno_id(err, ERROR_IMAGE, "write what is in it to memory");
	if (image_turn_send(socket, &turn, NULL, fd) < 0)
		return error_errno_id(err, ERROR_IMAGE, "tell what is in it");
	return 0;
}

/* Only memory has seals: reading it waits for nobody, and twice reads the same. */
static int check_document(int fd, size_t *ret_size)
{
	struct stat status;
	const int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0 ||
	    status.st_size <= 0 || status.st_size > JSON_SIZE_MAX)
		return -1;
	*ret_size = (size_t)status.st_size;
	return 0;
}

static int read_at(int fd, char *buffer, size_t size)
{
	size_t at = 0;

	while (at < size) {
		const ssize_t got = pread(fd, buffer + at, size - at, (off_t)at);

		if (got <= 0)
			return -1;
		at += (size_t)got;
	}
	return 0;
}

struct json_value *image_document_read(int fd, struct arena *arena, struct error *err)
{
	size_t size;
	char *text;

	if (check_document(fd, &size) < 0) {
		error_set(err, ERROR_IMAGE,
			  "read what sbx-image says: it is no document");
		return NULL;
	}
	text = arena_alloc(arena, size + 1);
	if (read_at(fd, text, size) < 0) {
		error_errno_id(err, ERROR_IMAGE, "read what sbx-image says");
		return NULL;
	}
	return json_read(text, size, "what sbx-image says", arena, err);
}
