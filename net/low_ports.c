/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include "base/error.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ids that are known in here, from the first to the last, and where they lie outside. */
struct id_span {
	unsigned long first, last, outside_last;
};

/* user_namespaces(7): inside, outside, count. */
static bool read_extent(const char *line, struct id_span *ret_extent,
			unsigned long *ret_outside)
{
	char *end;
	unsigned long count;

	ret_extent->first = strtoul(line, &end, 10);
	*ret_outside = strtoul(end, &end, 10);
	count = strtoul(end, &end, 10);
	if (count == 0 || (*end != '\n' && *end != '\0'))
		return false;
	ret_extent->last = ret_extent->first + count - 1;
	ret_extent->outside_last = *ret_outside + count - 1;
	return true;
}

/*
 * The kernel compares group ids as they are outside: a span over several extents is one
 * only where they stand in the same order there. false: then it is none.
 */
static bool span_map(const char *map, struct id_span *ret_span)
{
	struct id_span span = { 0 };
	bool any = false;

	for (const char *line = map; *line;) {
		const char *next = strchr(line, '\n');
		struct id_span extent;
		unsigned long outside;

		if (!read_extent(line, &extent, &outside))
			return false;
		if (any && (extent.first <= span.last || outside <= span.outside_last))
			return false;
		if (!any)
			span.first = extent.first;
		span.last = extent.last;
		span.outside_last = extent.outside_last;
		any = true;
		line = next ? next + 1 : "";
	}
	*ret_span = span;
	return any;
}

/* Ids that are not mapped make it fail: then at least the own group may. */
static void open_ping(void)
{
	char map[4096 + 1], range[64];
	const ssize_t got =
		files_read(AT_FDCWD, "/proc/self/gid_map", map, sizeof(map) - 1);
	struct id_span span = { .first = getegid(), .last = getegid() };

	if (got > 0 && span_map(map, &span) && span.last > UINT32_MAX - 1)
		span.last = UINT32_MAX - 1;
	snprintf(range, sizeof(range), "%lu %lu", span.first, span.last);
	(void)files_write(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", range);
}

int net_open_low_ports(struct error *err)
{
	open_ping();
	if (files_write(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0") ==
	    0)
		return 0;
	/* No /proc, a read-only one as in a container, or no IPv4: then they stay closed. */
	if (errno == ENOENT || errno == EROFS || errno == EACCES || errno == EPERM)
		return 0;
	return error_errno(err, "open the ports below 1024");
}
