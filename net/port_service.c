/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sbx port` speaks here: a request is a message of one line, and so is its answer, of several.
 *
 *   list           ok, then a line for each port, "port tcp 127.0.0.1 8080 80", and "paths …"
 *   add SPEC       ok, then the ports that were added
 *   remove SPEC    ok, then the ports that were removed
 *
 * Or "error", the text and the hint, each in a line. The socket stands where only this user can
 * reach it; whoever calls is asked for all the same. A client that does not speak, or does not
 * listen, costs a descriptor and is one of few.
 */
#include "net/port_parts.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/page.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CALLERS_MAX = 8,
	REQUEST_MAX = 256,
	SPEAK_MS = 5000, /* for a caller to say something */
};

struct caller {
	struct watch watch; /* fd -1: free */
	struct port_service *service;
	uint64_t until_ms;
};

struct port_service {
	struct watch listener;
	struct ports *ports;
	struct timer timer;
	struct caller callers[CALLERS_MAX];
};

/* ---- answers --------------------------------------------------------------------------- */

static void put_port(struct page *answer, const struct port_place *place)
{
	char ip[IP_TEXT_MAX];

	page_printf(answer, "port %s %s %u %u\n", protocol_name(place->protocol),
		    ip_format(&place->host, ip), place->host_port, place->guest_port);
}

static void put_error(struct page *answer, const struct error *err)
{
	page_printf(answer, "error %s\n%s", error_id_name(err->id), err->text);
	if (err->errnum && !err->explained)
		page_printf(answer, ": %s", strerror(err->errnum));
	page_printf(answer, "\n%s\n", err->hint);
}

/* ---- requests -------------------------------------------------------------------------- */

static void list(const struct ports *ports, struct page *answer)
{
	page_put(answer, "ok\n");
	for (const struct listener *at = ports->listeners; at; at = at->next)
		put_port(answer, &at->place);
	page_printf(answer, "paths %s\n", ports->spec.paths ? ports->spec.paths : "");
}

static bool is_same_place(const struct port_place *a, const struct port_place *b)
{
	return a->protocol == b->protocol && a->host_port == b->host_port &&
	       ip_equal(&a->host, &b->host);
}

static struct listener *find_listener(const struct ports *ports,
				      const struct port_place *place)
{
	struct listener *at = ports->listeners;

	while (at && !is_same_place(&at->place, place))
		at = at->next;
	return at;
}

static void take_back(struct ports *ports, const struct port_place *added, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct listener *listener = find_listener(ports, &added[i]);

		if (listener)
			ports_remove(ports, listener);
	}
}

/* Puts what port_open_all() has opened into service. */
static int add_opened(struct ports *ports, const struct port_place *places, int *fds,
		      size_t count, struct port_place *added, size_t *added_count,
		      struct error *err)
{
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		if (failed) {
			fd_close(&fds[i]);
			continue;
		}
		if (fds[i] < 0)
			continue;
		failed = ports_add(ports, &places[i], fd_take(&fds[i]), err);
		if (!failed)
			added[(*added_count)++] = places[i];
	}
	return failed;
}

/* All ports of the publication, or none. */
static int add_all(struct ports *ports, const struct publish *publish,
		   struct port_place *added, size_t *added_count, struct error *err)
{
	int failed = 0;

	for (size_t i = 0; i < publish_count(publish) && !failed; i++) {
		struct port_place places[PUBLISH_ADDRESSES];
		int fds[PUBLISH_ADDRESSES] = { -1, -1 };
		const int count = port_open_all(publish, i, fds, places, err);

		failed = count < 0 ? -1
				   : add_opened(ports, places, fds, (size_t)count, added,
						added_count, err);
	}
	if (failed)
		take_back(ports, added, *added_count);
	return failed;
}

static int check_room(const struct ports *ports, const struct publish *publish,
		      struct error *err)
{
	if (ports->listener_count + publish_count(publish) * PUBLISH_ADDRESSES <=
	    PORT_LISTENERS_MAX)
		return 0;
	return error_set(err, ERROR_PORT, "publish more ports: there are at most %d",
			 PORT_LISTENERS_MAX);
}

static int add(struct ports *ports, const struct publish *publish, struct page *answer,
	       struct error *err)
{
	struct port_place *added = arena_alloc_array(
		answer->arena, publish_count(publish) * PUBLISH_ADDRESSES,
		sizeof(*added));
	size_t count = 0;

	if (check_room(ports, publish, err) < 0 ||
	    add_all(ports, publish, added, &count, err) < 0)
		return -1;
	page_put(answer, "ok\n");
	for (size_t i = 0; i < count; i++)
		put_port(answer, &added[i]);
	return 0;
}

/*
 * Whether a port is among those that a publication names. One without a port of the host names
 * the port as it is known on either side: that of the host, or one that was chosen for it.
 */
static bool names_port(const struct publish *publish, const struct port_place *place)
{
	const uint16_t first = publish->host_ports.first;

	if (publish->protocol != place->protocol)
		return false;
	if (publish->host_given && !ip_equal(&publish->host, &place->host))
		return false;
	if (first == 0)
		return port_range_has(&publish->guest_ports, place->host_port) ||
		       (place->chosen &&
			port_range_has(&publish->guest_ports, place->guest_port));
	return port_range_has(&publish->host_ports, place->host_port) &&
	       place->guest_port - publish->guest_ports.first == place->host_port - first;
}

static int remove_named(struct ports *ports, const struct publish *publish,
			struct page *answer, struct error *err)
{
	struct listener *next;
	bool removed = false;

	for (struct listener *at = ports->listeners; at; at = next) {
		next = at->next;
		if (!names_port(publish, &at->place))
			continue;
		page_put(answer, removed ? "" : "ok\n");
		put_port(answer, &at->place);
		ports_remove(ports, at);
		removed = true;
	}
	if (removed)
		return 0;
	error_set(err, ERROR_PORT, "remove the port: it is not published");
	return error_hint(err, "sbx port NAME shows those that are");
}

static int obey(struct ports *ports, const char *request, struct page *answer,
		struct error *err)
{
	struct publish publish;

	if (strcmp(request, "list") == 0) {
		list(ports, answer);
		return 0;
	}
	if (text_starts_with(request, "add ")) {
		if (net_parse_publish(request + strlen("add "), &publish, err) < 0)
			return -1;
		return add(ports, &publish, answer, err);
	}
	if (text_starts_with(request, "remove ")) {
		if (net_parse_publish(request + strlen("remove "), &publish, err) < 0)
			return -1;
		return remove_named(ports, &publish, answer, err);
	}
	return error_set(err, ERROR_USAGE, "obey '%s': there is no such request",
			 request);
}

/* ---- callers --------------------------------------------------------------------------- */

static void hang_up(struct caller *caller)
{
	loop_close(caller->service->ports->spec.loop, &caller->watch);
}

static void reply(struct caller *caller, const char *request)
{
	struct arena arena = { 0 };
	struct page answer = { .arena = &arena };
	struct error err = { 0 };

	if (obey(caller->service->ports, request, &answer, &err) < 0)
		put_error(&answer, &err);
	/* It is sent whole or not at all (SOCK_SEQPACKET); who does not read is left. */
	if (send(caller->watch.fd, answer.text, answer.used, MSG_NOSIGNAL) < 0)
		hang_up(caller);
	arena_free(&arena);
}

static void set_time(struct caller *caller)
{
	struct port_service *service = caller->service;
	struct loop *loop = service->ports->spec.loop;

	caller->until_ms = loop_now_ms(loop) + SPEAK_MS;
	if (service->timer.at_ms == 0)
		loop_arm(loop, &service->timer, caller->until_ms);
}

static void caller_told(struct watch *watch, uint32_t events)
{
	struct caller *caller = chain_of(watch, struct caller, watch);
	char request[REQUEST_MAX + 1];
	const ssize_t size = recv(watch->fd, request, sizeof(request), 0);

	(void)events;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0 || size > REQUEST_MAX) {
		hang_up(caller);
		return;
	}
	request[size] = '\0';
	request[strcspn(request, "\n")] = '\0';
	set_time(caller);
	reply(caller, request);
}

static void service_rang(struct timer *timer)
{
	struct port_service *service = chain_of(timer, struct port_service, timer);
	struct loop *loop = service->ports->spec.loop;
	const uint64_t now = loop_now_ms(loop);
	uint64_t next = 0;

	for (size_t i = 0; i < CALLERS_MAX; i++) {
		struct caller *caller = &service->callers[i];

		if (caller->watch.fd >= 0 && caller->until_ms <= now)
			hang_up(caller);
		if (caller->watch.fd >= 0 && (!next || caller->until_ms < next))
			next = caller->until_ms;
	}
	if (next)
		loop_arm(loop, timer, next);
}

static int read_user(int fd, uid_t *ret_uid)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return -1;
	*ret_uid = who.uid;
	return 0;
}

/*
 * The user who has made the listener, whom its own credentials name (unix(7)), or root.
 * Where a user namespace of ours maps no other ids, these look all the same (credentials(7)):
 * then the directory of the socket, which is 0700, is what counts.
 */
static bool is_welcome(int listener, int fd)
{
	uid_t own, caller;

	return read_user(listener, &own) == 0 && read_user(fd, &caller) == 0 &&
	       (caller == own || caller == 0);
}

static struct caller *free_caller(struct port_service *service)
{
	for (size_t i = 0; i < CALLERS_MAX; i++)
		if (service->callers[i].watch.fd < 0)
			return &service->callers[i];
	return NULL;
}

static void listener_told(struct watch *watch, uint32_t events)
{
	struct port_service *service = chain_of(watch, struct port_service, listener);
	auto_close int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct caller *caller = free_caller(service);

	(void)events;
	if (fd < 0 || !caller || !is_welcome(watch->fd, fd))
		return;
	caller->watch.fd = fd;
	if (loop_watch(service->ports->spec.loop, &caller->watch, EPOLLIN) < 0) {
		caller->watch.fd = -1;
		return;
	}
	(void)fd_take(&fd);
	set_time(caller);
}

/* ---- the door's part ------------------------------------------------------------------- */

int ports_serve(struct ports *ports, int listener, struct error *err)
{
	struct port_service *service =
		ports->service ? NULL : calloc(1, sizeof(*service));

	if (!service) {
		close(listener);
		return error_set(err, ERROR_PLAIN, "serve sbx port");
	}
	*service = (struct port_service){
		.listener = { listener, listener_told },
		.ports = ports,
		.timer.rang = service_rang,
	};
	for (size_t i = 0; i < CALLERS_MAX; i++)
		service->callers[i] = (struct caller){ .watch = { -1, caller_told },
						       .service = service };
	if (loop_watch(ports->spec.loop, &service->listener, EPOLLIN) < 0) {
		error_errno(err, "serve sbx port");
		close(listener);
		free(service);
		return -1;
	}
	ports->service = service;
	return 0;
}

void port_service_free(struct ports *ports)
{
	struct port_service *service = ports->service;

	if (!service)
		return;
	for (size_t i = 0; i < CALLERS_MAX; i++)
		hang_up(&service->callers[i]);
	loop_close(ports->spec.loop, &service->listener);
	loop_disarm(ports->spec.loop, &service->timer);
	free(service);
	ports->service = NULL;
}
