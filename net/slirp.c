/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libslirp by its public interface, versions 4.7 to 4.9. One instance in one thread: its
 * clock is a global of the library. It reads and writes its sockets in stack_done() alone.
 */
#include "net/slirp_glue.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "net/loop.h"

enum {
	BUFFER_SIZE = 128 * 1024,
	TIMERS_MAX = 4, /* it has one: of router advertisements */
	IDLE_MS =
		1000, /* what it asks for where nothing is under way: it need not be woken */
	ECHO6_SINCE = 4008, /* libslirp 4.8 forwards echo requests of IPv6 */
};

struct stack_timer {
	struct timer timer;
	struct stack *stack;
	SlirpTimerCb rang;
	void *context;
	bool taken;
};

struct stack {
	struct stack_spec spec;
	Slirp *slirp;
	struct poller poller;
	struct stack_timer timers[TIMERS_MAX];
	size_t sockets;
	bool can_echo, can_echo6;

	/* During a turn. */
	struct pollfd *filling;
	const struct pollfd *filled;
	size_t count, max;
	bool may_read;
};

/* ---- what it calls ----------------------------------------------------------------------- */

/*
 * The size of a frame that could not be written is returned, too: TCP will send it again.
 */
static ssize_t send_frame(const void *frame, size_t size, void *context)
{
	struct stack *stack = context;

	stack->spec.output(stack->spec.context, (uint8_t *)frame, size);
	return (ssize_t)size;
}

static void guest_erred(const char *text, void *context)
{
	(void)text;
	(void)context;
}

static int64_t clock_ns(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void timer_rang(struct timer *timer)
{
	struct stack_timer *own = (struct stack_timer *)timer;

	own->rang(own->context);
	own->stack->spec.settled(own->stack->spec.context);
}

static void *timer_new(SlirpTimerCb rang, void *timer_context, void *context)
{
	struct stack *stack = context;

	for (size_t i = 0; i < TIMERS_MAX; i++) {
		struct stack_timer *timer = &stack->timers[i];

		if (timer->taken)
			continue;
		*timer = (struct stack_timer){
			.timer.rang = timer_rang,
			.stack = stack,
			.rang = rang,
			.context = timer_context,
			.taken = true,
		};
		return timer;
	}
	return NULL;
}

static void timer_free(void *timer, void *context)
{
	struct stack *stack = context;
	struct stack_timer *own = timer;

	if (!own)
		return;
	loop_disarm(stack->spec.loop, &own->timer);
	own->taken = false;
}

static void timer_change(void *timer, int64_t at_ms, void *context)
{
	struct stack *stack = context;
	struct stack_timer *own = timer;

	if (own)
		loop_arm(stack->spec.loop, &own->timer, at_ms > 0 ? (uint64_t)at_ms : 1);
}

static void socket_made(int fd, void *context)
{
	struct stack *stack = context;

	(void)fd;
	stack->sockets++;
}

static void socket_gone(int fd, void *context)
{
	struct stack *stack = context;

	(void)fd;
	if (stack->sockets)
		stack->sockets--;
}

/* One thread: whoever waits asks for the list anew before it does. */
static void notified(void *context)
{
	(void)context;
}

static const SlirpCb callbacks = {
	.send_packet = send_frame,
	.guest_error = guest_erred,
	.clock_get_ns = clock_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_change,
#if SLIRP_CONFIG_VERSION_MAX >= 6
	.register_poll_socket = socket_made,
	.unregister_poll_socket = socket_gone,
#else
	.register_poll_fd = socket_made,
	.unregister_poll_fd = socket_gone,
#endif
	.notify = notified,
};

/* ---- waiting ----------------------------------------------------------------------------- */

static const struct {
	int slirp;
	short poll;
} event_pairs[] = {
	{ SLIRP_POLL_IN, POLLIN },   { SLIRP_POLL_OUT, POLLOUT },
	{ SLIRP_POLL_PRI, POLLPRI }, { SLIRP_POLL_ERR, POLLERR },
	{ SLIRP_POLL_HUP, POLLHUP },
};

enum {
	EVENT_PAIRS = sizeof(event_pairs) / sizeof(event_pairs[0]),
};

/* Its own "none" is -1. Urgent data of the outside is read as any other: no POLLPRI. */
static int add_socket(int fd, int events, void *context)
{
	struct stack *stack = context;
	int wanted = 0;

	if (stack->count == stack->max)
		return -1;
	for (size_t i = 0; i < EVENT_PAIRS; i++) {
		if (events & event_pairs[i].slirp)
			wanted |= event_pairs[i].poll;
	}
	wanted &= ~POLLPRI;
	if (!stack->may_read) {
		wanted &= ~POLLIN;
		if (!(wanted & POLLOUT))
			fd = -1; /* an end that nobody may read must not wake us */
	}
	stack->filling[stack->count] =
		(struct pollfd){ .fd = fd, .events = (short)wanted };
	return (int)stack->count++;
}

static int happened(int place, void *context)
{
	struct stack *stack = context;
	int events = 0;

	if (place < 0 || (size_t)place >= stack->count)
		return 0;
	for (size_t i = 0; i < EVENT_PAIRS; i++) {
		if (stack->filled[place].revents & event_pairs[i].poll)
			events |= event_pairs[i].slirp;
	}
	return events;
}

static struct stack *of_poller(struct poller *poller)
{
	return (struct stack *)((char *)poller - offsetof(struct stack, poller));
}

static size_t stack_fill(struct poller *poller, struct pollfd *fds, size_t max,
			 int *timeout_ms)
{
	struct stack *stack = of_poller(poller);
	uint32_t timeout = *timeout_ms < 0 ? UINT32_MAX : (uint32_t)*timeout_ms;
	int wait_ms = -1;

	stack->may_read = stack->spec.may_read(stack->spec.context, &wait_ms);
	stack->filling = fds;
	stack->count = 0;
	stack->max = max;
#if SLIRP_CONFIG_VERSION_MAX >= 6
	slirp_pollfds_fill_socket(stack->slirp, &timeout, add_socket, stack);
#else
	slirp_pollfds_fill(stack->slirp, &timeout, add_socket, stack);
#endif
	stack->filling = NULL;
	if (timeout < IDLE_MS && (*timeout_ms < 0 || timeout < (uint32_t)*timeout_ms))
		*timeout_ms = (int)timeout;
	if (!stack->may_read && (*timeout_ms < 0 || wait_ms < *timeout_ms))
		*timeout_ms = wait_ms;
	return stack->count;
}

static void stack_done(struct poller *poller, const struct pollfd *fds, size_t count,
		       bool failed)
{
	struct stack *stack = of_poller(poller);

	stack->filled = fds;
	stack->count = count;
	slirp_pollfds_poll(stack->slirp, failed, happened, stack);
	stack->filled = NULL;
	stack->count = 0;
	stack->spec.settled(stack->spec.context);
}

/* ---- the door ---------------------------------------------------------------------------- */

static struct in_addr v4_of(const struct ip *ip)
{
	return (struct in_addr){ .s_addr = ip_to_v4(ip) };
}

static struct in6_addr v6_of(const struct ip *ip)
{
	struct in6_addr address;

	memcpy(&address, ip->bytes, sizeof(address));
	return address;
}

static SlirpConfig configure(const struct stack_spec *spec)
{
	const struct net_spec *net = spec->net;
	const struct ip network = prefix_first(&net->address);
	const struct ip network6 = prefix_first(&net->address6);
	const unsigned int bits = net->address.bits > 96 ? net->address.bits - 96U : 0;
	SlirpConfig config = {
		.version = SLIRP_CONFIG_VERSION_MAX < 6 ? SLIRP_CONFIG_VERSION_MAX : 6,
		.in_enabled = true,
		.vnetwork = v4_of(&network),
		.vnetmask.s_addr = htonl(bits ? UINT32_MAX << (32 - bits) : 0),
		.vhost = v4_of(&net->gateway),
		.vnameserver = v4_of(&net->dns),
		.vdhcp_start = v4_of(&net->address.ip),
		.if_mtu = spec->mtu,
		.if_mru = spec->mru,
		.disable_host_loopback = !spec->host,
		.enable_emu = false,
		.disable_dns = true,
		.disable_dhcp = true,
	};

	if (net->address6.bits) {
		config.in6_enabled = true;
		config.vprefix_addr6 = v6_of(&network6);
		config.vprefix_len = net->address6.bits;
		config.vhost6 = v6_of(&net->gateway6);
		config.vnameserver6 = v6_of(&net->dns6);
	}
	return config;
}

/* icmp(7): ping_group_range. */
static bool may_echo(int family, int protocol)
{
	const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool forwards_echo6(void)
{
	const char *version = slirp_version_string();
	char *end;
	const long major = strtol(version, &end, 10);
	const long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;

	return major * 1000 + minor >= ECHO6_SINCE;
}

/*
 * Each connection has two zeroed buffers of 128 KB. From a mapping of their own they cost
 * what is used of them, and go back at once; glibc would stop doing so after the first that was
 * freed, and clear them by hand. mallopt(3).
 */
static void map_buffers(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, BUFFER_SIZE);
#endif
}

struct stack *stack_new(const struct stack_spec *spec, struct error *err)
{
	struct stack *stack = calloc(1, sizeof(*stack));
	const SlirpConfig config = configure(spec);

	if (!stack) {
		error_errno(err, "allocate the network stack");
		return NULL;
	}
	map_buffers();
	stack->spec = *spec;
	stack->can_echo = may_echo(AF_INET, IPPROTO_ICMP);
	stack->can_echo6 = forwards_echo6() && may_echo(AF_INET6, IPPROTO_ICMPV6);
	stack->slirp = slirp_new(&config, &callbacks, stack);
	if (!stack->slirp) {
		error_set(err, ERROR_NETWORK, "start libslirp %s",
			  slirp_version_string());
		free(stack);
		return NULL;
	}
	stack->poller = (struct poller){ .fill = stack_fill, .done = stack_done };
	loop_set_poller(spec->loop, &stack->poller);
	return stack;
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	loop_set_poller(stack->spec.loop, NULL);
	slirp_cleanup(stack->slirp);
	free(stack);
}

void stack_input(struct stack *stack, const uint8_t *frame, size_t size)
{
	slirp_input(stack->slirp, frame, (int)size);
}

size_t stack_sockets(const struct stack *stack)
{
	return stack->sockets;
}

bool stack_version(char *to, size_t size)
{
	snprintf(to, size, "libslirp %s", slirp_version_string());
	return true;
}

bool stack_can_echo(const struct stack *stack, bool v6)
{
	return v6 ? stack->can_echo6 : stack->can_echo;
}

static int forward_flags(enum net_protocol protocol, const struct ip *host)
{
	return (protocol == PROTOCOL_UDP ? SLIRP_HOSTFWD_UDP : 0) |
	       (ip_is_v4(host) ? 0 : SLIRP_HOSTFWD_V6ONLY);
}

int stack_publish(struct stack *stack, enum net_protocol protocol, const struct ip *host,
		  uint16_t host_port, uint16_t guest_port)
{
	const struct net_spec *net = stack->spec.net;
	const struct ip *inside = ip_is_v4(host) ? &net->address.ip : &net->address6.ip;
	struct sockaddr_storage from, to;
	const socklen_t from_size = ip_to_sockaddr(host, host_port, &from);
	const socklen_t to_size = ip_to_sockaddr(inside, guest_port, &to);

	if (!ip_is_v4(host) && net->address6.bits == 0) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return slirp_add_hostxfwd(stack->slirp, (const struct sockaddr *)&from, from_size,
				  (const struct sockaddr *)&to, to_size,
				  forward_flags(protocol, host)) < 0
		       ? -1
		       : 0;
}

int stack_unpublish(struct stack *stack, enum net_protocol protocol,
		    const struct ip *host, uint16_t host_port)
{
	struct sockaddr_storage from;
	const socklen_t from_size = ip_to_sockaddr(host, host_port, &from);

	return slirp_remove_hostxfwd(stack->slirp, (const struct sockaddr *)&from,
				     from_size, forward_flags(protocol, host)) < 0
		       ? -1
		       : 0;
}
