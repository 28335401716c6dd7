/* SPDX-License-Identifier: Apache-2.0 */
#include "net/first_packets.h"

#include "net/packet_queue.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TURN_MAX = 64, /* before others have their turn */
	PACKET_MESSAGE_MAX = 4096,
};

struct first_packets {
	struct watch watch; /* first: told by it */
	struct first_packets_spec spec;
	int most; /* in the next turn */
};

/* Returns whether there was one. */
static bool take_one(struct first_packets *packets)
{
	_Alignas(uint64_t) uint8_t message[PACKET_MESSAGE_MAX];
	struct sockaddr_nl from = { .nl_family = AF_NETLINK };
	socklen_t length = sizeof(from);
	const ssize_t got = recvfrom(packets->watch.fd, message, sizeof(message),
				     MSG_DONTWAIT, (struct sockaddr *)&from, &length);
	struct queued_packet packet = { 0 };
	bool has_id;

	if (got <= 0)
		return false;
	/* Whoever has CAP_NET_ADMIN in there may write to us as the kernel does: netlink(7). */
	if (from.nl_pid != 0)
		return true;
	if (packet_queue_parse(message, (size_t)got, &packet, &has_id) == 0)
		packets->spec.asked(packets->spec.context, packet.id, &packet.flow);
	else if (has_id)
		packets->spec.asked(packets->spec.context, packet.id, NULL);
	return true;
}

/*
 * Mostly there is one, and to look for a second would cost as much as to be told of it: the
 * more there were at once, the more are looked for.
 */
static void packets_told(struct watch *watch, uint32_t events)
{
	struct first_packets *packets = (struct first_packets *)watch;
	int count = 0;

	(void)events;
	while (count < packets->most && take_one(packets))
		count++;
	if (count == packets->most)
		packets->most = count < TURN_MAX ? 2 * count : TURN_MAX;
	else
		packets->most = count ? count : 1;
}

struct first_packets *first_packets_new(const struct first_packets_spec *spec)
{
	struct first_packets *packets = calloc(1, sizeof(*packets));

	if (!packets) {
		close(spec->queue);
		return NULL;
	}
	packets->spec = *spec;
	packets->most = 1;
	packets->watch = (struct watch){ .fd = spec->queue, .told = packets_told };
	if (loop_watch(spec->loop, &packets->watch, EPOLLIN) < 0) {
		const int errnum = errno;

		first_packets_free(packets);
		errno = errnum;
		return NULL;
	}
	return packets;
}

void first_packets_free(struct first_packets *packets)
{
	if (!packets)
		return;
	loop_close(packets->spec.loop, &packets->watch);
	free(packets);
}
