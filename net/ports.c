/* SPDX-License-Identifier: Apache-2.0 */
/* The list of published ports, and what each of them is served by. */
#include "net/ports.h"

#include "base/error.h"
#include "net/frame.h"
#include "net/port_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ROOM_MS = 50, /* until one that had no room looks again */
	LINE_MAX_SIZE = 128,
};

/* ---- room ------------------------------------------------------------------------------ */

void ports_hold(struct ports *ports, struct listener *listener)
{
	if (!listener->held && loop_change(ports->spec.loop, &listener->watch, 0) == 0) {
		listener->held = true;
		ports->held++;
	}
	if (ports->room.at_ms == 0)
		loop_arm(ports->spec.loop, &ports->room,
			 loop_now_ms(ports->spec.loop) + ROOM_MS);
}

void ports_let(struct ports *ports)
{
	for (struct listener *at = ports->listeners; at && ports->held; at = at->next) {
		if (!at->held)
			continue;
		at->held = false;
		ports->held--;
		(void)loop_change(ports->spec.loop, &at->watch, EPOLLIN);
	}
}

static void room_rang(struct timer *timer)
{
	ports_let(chain_of(timer, struct ports, room));
}

/* ---- one port -------------------------------------------------------------------------- */

void port_flow(const struct listener *listener, const struct port_client *client,
	       struct flow_key *ret_flow)
{
	const struct net_spec *net = listener->ports->spec.net;

	*ret_flow = (struct flow_key){
		.protocol = listener->place.protocol,
		.inside = ip_is_v4(&client->ip) ? net->address.ip : net->address6.ip,
		.inside_port = listener->place.guest_port,
		.to = client->ip,
		.port = client->port,
	};
}

static bool is_any(const struct ip *ip)
{
	static const struct ip any;
	const struct ip any4 = ip_from_v4(0);

	return ip_equal(ip, &any) || ip_equal(ip, &any4);
}

/* libslirp opens the port itself; until here ours kept others from it. */
static int give_to_frames(struct listener *listener, int fd)
{
	const struct port_place *place = &listener->place;

	close(fd);
	listener->by_frames = true;
	if (!listener->ports->spec.frames) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return frame_path_publish(listener->ports->spec.frames, place->protocol,
				  &place->host, place->host_port, place->guest_port);
}

static int serve(struct listener *listener, int fd)
{
	struct ports *ports = listener->ports;
	const bool udp = listener->place.protocol == PROTOCOL_UDP;

	if (ports->spec.by_frames)
		return give_to_frames(listener, fd);
	listener->watch = (struct watch){ fd, udp ? port_udp_told : port_tcp_told };
	listener->tells_asked = udp && is_any(&listener->place.host);
	if ((!udp || port_udp_init(ports) == 0) &&
	    loop_watch(ports->spec.loop, &listener->watch, EPOLLIN) == 0)
		return 0;
	loop_close(ports->spec.loop, &listener->watch);
	return -1;
}

int ports_add(struct ports *ports, const struct port_place *place, int fd,
	      struct error *err)
{
	struct listener *listener = ports->listener_count < PORT_LISTENERS_MAX
					    ? calloc(1, sizeof(*listener))
					    : NULL;
	char where[ENDPOINT_TEXT_MAX];
	int failed = -1;

	if (listener) {
		*listener = (struct listener){ .watch = { .fd = -1 },
					       .ports = ports,
					       .place = *place };
		failed = serve(listener, fd);
	} else {
		close(fd);
		errno = ENOMEM;
	}
	if (failed) {
		error_errno_id(err, ERROR_PORT, "publish port %u: serve %s",
			       place->host_port,
			       endpoint_format(&place->host, place->host_port, where));
		free(listener);
		return -1;
	}
	*ports->end = listener;
	ports->end = &listener->next;
	ports->listener_count++;
	return 0;
}

static void end_listener(struct ports *ports, struct listener *listener)
{
	const struct port_place *place = &listener->place;

	if (listener->by_frames)
		(void)frame_path_unpublish(ports->spec.frames, place->protocol,
					   &place->host, place->host_port);
	port_tcp_forget(ports, listener);
	port_udp_forget(ports, listener);
	loop_close(ports->spec.loop, &listener->watch);
	ports->held -= listener->held;
	free(listener);
}

void ports_remove(struct ports *ports, struct listener *listener)
{
	struct listener **at = &ports->listeners;

	while (*at != listener)
		at = &(*at)->next;
	*at = listener->next;
	if (!*at)
		ports->end = at;
	ports->listener_count--;
	end_listener(ports, listener);
}

/* ---- all of them ----------------------------------------------------------------------- */

/* A listener's port is known from its socket where nobody chose it. */
static void learn_port(struct port_place *place, int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct ip ip;

	if (getsockname(fd, (struct sockaddr *)&address, &size) == 0)
		(void)ip_from_sockaddr(&address, &ip, &place->host_port);
}

/* In the order of ports_bind(). */
static int take_published(struct ports *ports, const struct publish *publish,
			  const int *fds, size_t count, size_t *used, struct error *err)
{
	struct port_place places[PUBLISH_ADDRESSES];

	for (size_t i = 0; i < publish_count(publish); i++) {
		const size_t here = port_places(publish, i, places);

		for (size_t k = 0; k < here && *used < count; k++) {
			const int fd = fds[(*used)++];

			if (fd < 0)
				continue;
			learn_port(&places[k], fd);
			if (ports_add(ports, &places[k], fd, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int take_all(struct ports *ports, const int *fds, size_t count, struct error *err)
{
	const struct net_spec *net = ports->spec.net;
	size_t used = 0;
	int failed = 0;

	for (size_t i = 0; i < net->published_count && !failed; i++)
		failed =
			take_published(ports, &net->published[i], fds, count, &used, err);
	for (; used < count; used++)
		if (fds[used] >= 0)
			close(fds[used]);
	return failed;
}

static struct ports *make_ports(const struct ports_spec *spec)
{
	struct ports *ports = calloc(1, sizeof(*ports));

	if (!ports)
		return NULL;
	ports->spec = *spec;
	ports->end = &ports->listeners;
	ports->room.rang = room_rang;
	ports->patience.rang = port_tcp_rang;
	chain_init(&ports->joining);
	pools_init(&ports->pools, &ports->spec);
	return ports;
}

struct ports *ports_new(const struct ports_spec *spec, const int *fds, size_t count,
			struct error *err)
{
	struct ports *ports = make_ports(spec);

	if (!ports) {
		error_errno(err, "allocate the table of ports");
		for (size_t i = 0; i < count; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		return NULL;
	}
	if (take_all(ports, fds, count, err) == 0)
		return ports;
	ports_free(ports);
	return NULL;
}

void ports_free(struct ports *ports)
{
	if (!ports)
		return;
	port_service_free(ports);
	while (ports->listeners)
		ports_remove(ports, ports->listeners);
	port_udp_free(ports);
	pools_free(&ports->pools);
	loop_disarm(ports->spec.loop, &ports->room);
	loop_disarm(ports->spec.loop, &ports->patience);
	free(ports);
}

void ports_take_sockets(struct ports *ports, const struct inner_message *message,
			const int *fds, size_t count)
{
	const struct pool_kind kind = { message->sockets.family, message->sockets.type,
					message->sockets.transparent };

	pools_fill(&ports->pools, &kind, fds, count);
}

void ports_tell_chosen(const struct ports *ports,
		       void (*tell)(void *context, const char *line), void *context)
{
	for (const struct listener *at = ports->listeners; at; at = at->next) {
		char where[ENDPOINT_TEXT_MAX], line[LINE_MAX_SIZE];

		if (!at->place.chosen)
			continue;
		endpoint_format(&at->place.host, at->place.host_port, where);
		snprintf(line, sizeof(line), "%s leads to port %u%s", where,
			 at->place.guest_port,
			 at->place.protocol == PROTOCOL_UDP ? "/udp" : "");
		tell(context, line);
	}
}
