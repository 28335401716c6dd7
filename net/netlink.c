/* SPDX-License-Identifier: Apache-2.0 */
#include "net/netlink.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ATTRIBUTE_TYPE_MASK = 0x3fff }; /* NLA_TYPE_MASK, without its sign */

int netlink_open(int protocol)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

void netlink_reset(struct netlink_batch *batch)
{
	batch->first = batch->first + batch->count + 1;
	batch->count = 0;
	batch->used = 0;
	batch->message = 0;
	batch->overflow = false;
}

/* Zeroed room for size bytes and what aligns them; NULL when there is none left. */
static uint8_t *take_room(struct netlink_batch *batch, size_t size)
{
	const size_t aligned = NLMSG_ALIGN(size);
	uint8_t *room = batch->bytes + batch->used;

	if (batch->overflow || aligned > sizeof(batch->bytes) - batch->used) {
		batch->overflow = true;
		return NULL;
	}
	memset(room, 0, aligned);
	batch->used += aligned;
	return room;
}

/* The length that stands at the head of the message follows what is put into it. */
static void note_length(struct netlink_batch *batch)
{
	const uint32_t length = (uint32_t)(batch->used - batch->message);

	memcpy(batch->bytes + batch->message + offsetof(struct nlmsghdr, nlmsg_len),
	       &length, sizeof(length));
}

void netlink_begin(struct netlink_batch *batch, const char *what, uint16_t type,
		   uint16_t flags, const void *header, size_t size)
{
	struct nlmsghdr message = {
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
		.nlmsg_seq = batch->first + batch->count,
	};
	uint8_t *room;

	if (batch->count == NETLINK_BATCH_MESSAGES)
		batch->overflow = true;
	batch->message = batch->used;
	room = take_room(batch, sizeof(message) + size);
	if (!room)
		return;
	memcpy(room, &message, sizeof(message));
	memcpy(room + sizeof(message), header, size);
	batch->what[batch->count] = what;
	batch->forgiven[batch->count] = 0;
	batch->count++;
	note_length(batch);
}

void netlink_forgive(struct netlink_batch *batch, int errnum)
{
	if (batch->count)
		batch->forgiven[batch->count - 1] = errnum;
}

void netlink_put(struct netlink_batch *batch, uint16_t type, const void *data,
		 size_t size)
{
	const struct nlattr attribute = {
		.nla_len = (uint16_t)(sizeof(attribute) + size),
		.nla_type = type,
	};
	uint8_t *room = take_room(batch, sizeof(attribute) + size);

	if (!room)
		return;
	memcpy(room, &attribute, sizeof(attribute));
	if (size)
		memcpy(room + sizeof(attribute), data, size);
	note_length(batch);
}

void netlink_put_u8(struct netlink_batch *batch, uint16_t type, uint8_t value)
{
	netlink_put(batch, type, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_batch *batch, uint16_t type, uint32_t value)
{
	netlink_put(batch, type, &value, sizeof(value));
}

void netlink_put_be16(struct netlink_batch *batch, uint16_t type, uint16_t value)
{
	const uint16_t ordered = htons(value);

	netlink_put(batch, type, &ordered, sizeof(ordered));
}

void netlink_put_be32(struct netlink_batch *batch, uint16_t type, uint32_t value)
{
	netlink_put_u32(batch, type, htonl(value));
}

void netlink_put_text(struct netlink_batch *batch, uint16_t type, const char *text)
{
	netlink_put(batch, type, text, strlen(text) + 1);
}

size_t netlink_nest(struct netlink_batch *batch, uint16_t type)
{
	const size_t nest = batch->used;

	netlink_put(batch, (uint16_t)(type | NLA_F_NESTED), NULL, 0);
	return nest;
}

void netlink_nest_end(struct netlink_batch *batch, size_t nest)
{
	const uint16_t length = (uint16_t)(batch->used - nest);

	if (batch->overflow)
		return;
	memcpy(batch->bytes + nest + offsetof(struct nlattr, nla_len), &length,
	       sizeof(length));
}

/* ---- sending, and what comes back --------------------------------------------------- */

static int send_bytes(int socket, const struct netlink_batch *batch)
{
	/* The kernel has port 0. */
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t sent;

	if (batch->overflow) {
		errno = EMSGSIZE;
		return -1;
	}
	do
		sent = sendto(socket, batch->bytes, batch->used, 0,
			      (const struct sockaddr *)&kernel, sizeof(kernel));
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

/* The error number of one answer, and whose it is; 0 where all is well. */
static int read_answer(const struct nlmsghdr *header, uint32_t *ret_sequence)
{
	struct nlmsgerr answer;

	*ret_sequence = header->nlmsg_seq;
	if (header->nlmsg_type != NLMSG_ERROR ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(answer)))
		return 0;
	memcpy(&answer, NLMSG_DATA(header), sizeof(answer));
	return -answer.error;
}

static bool is_forgiven(const struct netlink_batch *batch, uint32_t index, int errnum)
{
	return errnum == 0 || (index < batch->count && batch->forgiven[index] == errnum);
}

struct first_error {
	uint32_t index;
	int errnum;
};

/* The messages of one datagram. What went wrong first caused the rest. */
static void read_answers(const struct netlink_batch *batch, const uint8_t *bytes,
			 size_t size, struct first_error *first)
{
	while (size >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr header;
		uint32_t sequence, index;
		int errnum;

		memcpy(&header, bytes, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size)
			return;
		errnum = read_answer((const struct nlmsghdr *)(const void *)bytes,
				     &sequence);
		index = sequence - batch->first;
		if (!is_forgiven(batch, index, errnum) &&
		    (first->errnum == 0 || index < first->index))
			*first = (struct first_error){ .index = index, .errnum = errnum };
		if (NLMSG_ALIGN(header.nlmsg_len) >= size)
			return;
		size -= NLMSG_ALIGN(header.nlmsg_len);
		bytes += NLMSG_ALIGN(header.nlmsg_len);
	}
}

int netlink_send(int socket, struct netlink_batch *batch, struct error *err)
{
	_Alignas(struct nlmsghdr) uint8_t answer[8192];
	struct first_error first = { 0 };

	if (send_bytes(socket, batch) < 0)
		return error_errno_id(err, ERROR_NETWORK,
				      "talk to the kernel by netlink");
	for (;;) {
		const ssize_t got = recv(socket, answer, sizeof(answer), MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		read_answers(batch, answer, (size_t)got, &first);
	}
	if (first.errnum == 0)
		return 0;
	errno = first.errnum;
	return error_errno_id(err, ERROR_NETWORK, "%s",
			      first.index < batch->count ? batch->what[first.index]
							 : "set the network up");
}

bool netlink_next(const uint8_t **rest, size_t *rest_size,
		  struct netlink_attribute *ret_attribute)
{
	struct nlattr header;
	size_t whole;

	if (*rest_size < sizeof(header))
		return false;
	memcpy(&header, *rest, sizeof(header));
	if (header.nla_len < sizeof(header) || header.nla_len > *rest_size)
		return false;
	*ret_attribute = (struct netlink_attribute){
		.type = header.nla_type & ATTRIBUTE_TYPE_MASK,
		.data = *rest + sizeof(header),
		.size = header.nla_len - sizeof(header),
	};
	whole = NLA_ALIGN(header.nla_len);
	if (whole > *rest_size)
		whole = *rest_size;
	*rest += whole;
	*rest_size -= whole;
	return true;
}
