/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A packet of the sandbox, as the kernel's queue shows it: the first bytes of it, in a
 * message, and the message's own attributes (the first byte is 'm').
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/packet_queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *claim)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", claim);
	abort();
}

static void read_packet(const uint8_t *data, size_t size)
{
	static const struct flow_key nothing;
	struct flow_key flow = nothing;

	if (packet_flow(data, size, &flow) < 0) {
		demand(memcmp(&flow, &nothing, sizeof(flow)) == 0,
		       "a packet that is none says nothing");
		return;
	}
	demand(size >= 20, "a packet has a header");
	demand(ip_is_v4(&flow.to) == ip_is_v4(&flow.inside) || data[0] >> 4 == 6,
	       "both ends of an IPv4 packet are IPv4");
	demand(flow.protocol == PROTOCOL_TCP || flow.protocol == PROTOCOL_UDP ||
		       (flow.port == 0 && flow.inside_port == 0),
	       "only TCP and UDP have ports");
}

static void read_message(const uint8_t *data, size_t size)
{
	/* As a datagram of netlink would lie: at the end of what may be read. */
	uint8_t *message = malloc(size ? size : 1);
	struct queued_packet packet;
	bool has_id;

	if (!message)
		return;
	memcpy(message, data, size);
	if (packet_queue_parse(message, size, &packet, &has_id) == 0)
		demand(has_id, "a packet of the queue has a number");
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 'm')
		read_message(data + 1, size - 1);
	else
		read_packet(data, size);
	return 0;
}
