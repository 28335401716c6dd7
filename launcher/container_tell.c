/* SPDX-License-Identifier: Apache-2.0 */
/* How a container is told of: sockets, a file with its pid, the place where it is started. */
#include "launcher/container_life.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "launcher/container_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_S = 10 };

/*
 * An address holds 108 bytes, a path may be longer: then it is named through a descriptor of its
 * directory. -1 and errno; *ret_dir is open as long as the address is used.
 */
static int make_address(const char *path, struct sockaddr_un *ret_address, int *ret_dir)
{
	struct files_place place;
	int written;

	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(ret_address->sun_path)) {
		memcpy(ret_address->sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (files_hold_place(path, &place) < 0)
		return -1;
	*ret_dir = place.dir;
	written = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path),
			   "/proc/self/fd/%d/%s", place.dir, place.name);
	if (written < 0 || (size_t)written >= sizeof(ret_address->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

static int connect_to(const char *path)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un address;
	auto_close int dir = -1;
	auto_close int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* Also of connect(2): a receiver that accepts nobody must not hold us for ever. */
	if (socket_fd < 0 ||
	    setsockopt(socket_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) <
		    0 ||
	    make_address(path, &address, &dir) < 0 ||
	    connect(socket_fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return fd_take(&socket_fd);
}

/* The name is what runc's receivers take for the file's. */
int container_send_fd(const char *path, const char *name, int fd, struct error *err)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { (void *)(uintptr_t)name, strlen(name) };
	const struct msghdr message = { .msg_iov = &data,
					.msg_iovlen = 1,
					.msg_control = &control,
					.msg_controllen = sizeof(control) };
	auto_close int receiver = connect_to(path);

	if (receiver < 0 && errno == EAGAIN)
		return error_set(err, ERROR_RESOURCES,
				 "connect to the socket %s: nobody accepts there", path);
	if (receiver < 0)
		return error_errno(err, "connect to the socket %s", path);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	if (sendmsg(receiver, &message, MSG_NOSIGNAL) < 0)
		return error_errno(err, "send a descriptor to the socket %s", path);
	return 0;
}

int container_write_pid(const char *path, pid_t pid, struct error *err)
{
	char text[16];
	const int length = snprintf(text, sizeof(text), "%d", pid);

	if (files_replace(AT_FDCWD, path, text, (size_t)length, 0644) < 0)
		return error_errno(err, "write the pid file %s", path);
	return 0;
}

/* ---- where it is started --------------------------------------------------------------- */

static struct sockaddr_un address_of(const struct container_entry *entry,
				     const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		 entry->dir, name);
	return address;
}

int container_bind_start(const struct container_entry *entry, struct error *err)
{
	const struct sockaddr_un address = address_of(entry, CONTAINER_UNFINISHED);
	auto_close int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (listener < 0 ||
	    bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno_id(err, ERROR_STATE,
				      "make the socket that starts the container");
	return fd_take(&listener);
}

int container_publish_start(const struct container_entry *entry, struct error *err)
{
	if (renameat(entry->dir, CONTAINER_UNFINISHED, entry->dir, CONTAINER_SOCKET) < 0)
		return error_errno_id(err, ERROR_STATE, "say that the container waits");
	return 0;
}

int container_connect_start(const struct container_entry *entry, struct error *err)
{
	const struct sockaddr_un address = address_of(entry, CONTAINER_SOCKET);
	auto_close int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (connection < 0)
		return error_errno(err, "make a socket");
	if (connect(connection, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd_take(&connection);
	if (errno != ENOENT && errno != ECONNREFUSED)
		return error_errno(err, "reach the container");
	return error_set(err, ERROR_CONTAINER_STATE,
			 "start the container: it was started before, or has stopped");
}
