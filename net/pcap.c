/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pcap.h"

#include <errno.h>
#include <sys/uio.h>
#include <time.h>

#include "base/fd.h"

enum {
	SNAPLEN = 65535,
	LINKTYPE_ETHERNET = 1,
	FRAME_PARTS = 2,
};

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, linktype;
};

struct frame_header {
	uint32_t seconds, nanoseconds, kept, size;
};

int pcap_begin(int fd)
{
	static const struct file_header header = {
		.magic = 0xa1b23c4d,
		.major = 2,
		.minor = 4,
		.snaplen = SNAPLEN,
		.linktype = LINKTYPE_ETHERNET,
	};

	return fd_write_all(fd, &header, sizeof(header));
}

/* What a pipe took a part of gets the rest, or the reader would lose its place. */
static int write_rest(int fd, const struct iovec parts[FRAME_PARTS], size_t written)
{
	for (size_t i = 0; i < FRAME_PARTS; i++) {
		const size_t skipped =
			written < parts[i].iov_len ? written : parts[i].iov_len;

		written -= skipped;
		if (fd_write_all(fd, (const uint8_t *)parts[i].iov_base + skipped,
				 parts[i].iov_len - skipped) < 0)
			return -1;
	}
	return 0;
}

int pcap_write(int fd, const uint8_t *frame, size_t size)
{
	const size_t kept = size < SNAPLEN ? size : SNAPLEN;
	struct timespec now;
	struct frame_header header;
	struct iovec parts[FRAME_PARTS] = {
		{ &header, sizeof(header) },
		{ (void *)frame, kept },
	};
	ssize_t written;

	clock_gettime(CLOCK_REALTIME, &now);
	header = (struct frame_header){
		.seconds = (uint32_t)now.tv_sec,
		.nanoseconds = (uint32_t)now.tv_nsec,
		.kept = (uint32_t)kept,
		.size = (uint32_t)size,
	};
	do {
		written = writev(fd, parts, FRAME_PARTS);
	} while (written < 0 && errno == EINTR);
	if (written < 0)
		return -1;
	return write_rest(fd, parts, (size_t)written);
}
