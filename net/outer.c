/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outer half of sbx-net: puts the rooms together and follows them to the end of the
 * sandbox.
 */
#include "net/net.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "net/confine.h"
#include "net/dns.h"
#include "net/first_packets.h"
#include "net/frame.h"
#include "net/gate.h"
#include "net/inner.h"
#include "net/loop.h"
#include "net/messages.h"
#include "net/ports.h"
#include "net/relay.h"
#include "net/spec_words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	CONTROL_FD = 3, /* as net/service.c hands them over */
	SANDBOX_FD = 4,
	LOG_FD = 5,
	PCAP_FD = 6,
	RESOLV_CONF_MAX = 8191,
	FDS_MAX = 65536,
	FDS_KEPT = 256,       /* for everything but relayed connections */
	RESOLV_WAIT_MS = 20,  /* for the launcher's answer; it may be stopped */
	RESOLV_ASK_MS = 1000, /* between two looks at the host's resolv.conf */
};

struct outer {
	struct arena arena;
	struct net_spec spec;
	struct loop *loop;
	struct rules rules;
	struct gate gate;
	struct rate out, in;
	struct splicer *splicer;
	struct dns *dns;
	struct relay *relay;
	struct first_packets *packets;
	struct frame_path *frames;
	struct ports *ports;
	struct watch control, inner;
	struct inner_setup setup;
	int made[INNER_FD_COUNT]; /* what the inner half made; taken by who serves it */
	int *listeners;
	size_t listener_count;
	char resolv_conf[RESOLV_CONF_MAX + 1];
	uint64_t resolv_asked_ms;
	char paths[256];
	int fd_max; /* of relayed connections */
	bool failed;
};

/* ---- what the launcher is told ---------------------------------------------------------- */

static void notify(enum net_notice_kind kind, const char *text)
{
	struct control_message message = { .word = CONTROL_NOTICE, .notice.kind = kind };

	snprintf(message.notice.text, sizeof(message.notice.text), "%s", text);
	(void)message_send(CONTROL_FD, &message, sizeof(message), NULL, 0);
}

static void tell(void *context, const char *line)
{
	(void)context;
	notify(NET_NOTICE_LINE, line);
}

static void put_path(struct json_value *object, const struct net_counters *counters,
		     enum net_path path)
{
	struct json_value *way = json_put_object(object, net_path_name(path));

	json_put_unsigned(way, "flows", counters->flows[path]);
	json_put_unsigned(way, "bytes_out", counters->bytes_out[path]);
	json_put_unsigned(way, "bytes_in", counters->bytes_in[path]);
}

static void notify_stats(struct outer *outer)
{
	const struct net_counters *counters = journal_counters(outer->gate.journal);
	struct json_value *object = json_make_object(&outer->arena);

	json_put_text(object, "paths", outer->paths);
	for (enum net_path path = 0; path < PATH_COUNT; path++)
		put_path(object, counters, path);
	json_put_unsigned(object, "denied", counters->denied);
	json_put_unsigned(object, "dropped_frames", counters->dropped_frames);
	json_put_unsigned(object, "names_asked", counters->names_asked);
	json_put_unsigned(object, "names_refused", counters->names_refused);
	notify(NET_NOTICE_STATS, json_write(object, JSON_LAYOUT_LINE, &outer->arena));
}

/* ---- messages --------------------------------------------------------------------------- */

static void close_all(int *fds, size_t count)
{
	while (count)
		close(fds[--count]);
}

static void serve_ports(struct outer *outer, int *fds, size_t *count)
{
	struct error err;

	if (*count == 1 && outer->ports && ports_serve(outer->ports, fds[0], &err) == 0)
		*count = 0;
}

static void finish(struct outer *outer)
{
	loop_stop(outer->loop);
}

static void hear_control(struct watch *watch, uint32_t events)
{
	struct outer *outer =
		(struct outer *)((char *)watch - offsetof(struct outer, control));
	struct control_message message;
	int fds[INNER_FDS_MAX];
	size_t count = 0;

	(void)events;
	if (message_receive(CONTROL_FD, &message, sizeof(message), fds, &count) != 1) {
		finish(outer);
		return;
	}
	switch (message.word) {
	case CONTROL_RESOLV_CONF:
		message.text[sizeof(message.text) - 1] = '\0';
		dns_set_resolv_conf(outer->dns, message.text, strlen(message.text));
		break;
	case CONTROL_RESOLV_SAME:
		break;
	case CONTROL_PORTS:
		serve_ports(outer, fds, &count);
		break;
	case CONTROL_END:
	case CONTROL_NOTICE:
		finish(outer);
		break;
	}
	close_all(fds, count);
}

static void hear_inner(struct watch *watch, uint32_t events)
{
	struct outer *outer =
		(struct outer *)((char *)watch - offsetof(struct outer, inner));
	struct inner_message message = { .word = INNER_READY };
	int fds[INNER_FDS_MAX], got;
	size_t count = 0;

	(void)events;
	got = message_receive(watch->fd, &message, sizeof(message), fds, &count);
	/* Without room for the sockets that came along there are none. */
	if (got < 0 && errno == EPROTO && message.word == INNER_SOCKETS) {
		message.sockets.count = 0;
		got = 1;
	}
	if (got != 1) {
		outer->failed = true;
		notify(NET_NOTICE_FAILED, "serve the network: the part of sbx-net in the "
					  "sandbox has ended");
		finish(outer);
		return;
	}
	if (message.word == INNER_SOCKETS && outer->ports) {
		ports_take_sockets(outer->ports, &message, fds, count);
		return;
	}
	close_all(fds, count);
}

static void answer_inner(void *context, uint32_t id, enum inner_answer answer)
{
	const struct outer *outer = context;
	const struct inner_message message = {
		.word = INNER_ANSWER,
		.id = id,
		.answer = answer,
	};

	(void)message_send(outer->inner.fd, &message, sizeof(message), NULL, 0);
}

/*
 * Without a tap all that leaves the sandbox is asked for, and only TCP can go; the journal
 * hears of what the rules would not have let anyway.
 */
static void packet_asked(void *context, uint32_t id, const struct flow_key *flow)
{
	struct outer *outer = context;
	struct net_verdict verdict;

	if (!flow) {
		answer_inner(outer, id, INNER_DROP);
	} else if (flow->protocol == PROTOCOL_TCP) {
		relay_ask(outer->relay, id, flow);
	} else {
		(void)gate_admits(&outer->gate, flow, &verdict);
		answer_inner(outer, id, INNER_PROHIBITED);
	}
}

static void want_sockets(void *context, int family, int type, uint32_t count,
			 bool transparent)
{
	const struct outer *outer = context;
	const struct inner_message message = {
		.word = INNER_SOCKETS,
		.sockets = { family, type, count, transparent },
	};

	(void)message_send(outer->inner.fd, &message, sizeof(message), NULL, 0);
}

/*
 * Once a second at most the launcher looks whether the host's resolv.conf has changed, before
 * the question goes to a server that may be gone.
 */
static void name_asked(void *context)
{
	struct outer *outer = context;
	struct pollfd answer = { .fd = CONTROL_FD, .events = POLLIN };
	const uint64_t now = loop_now_ms(outer->loop);

	if (outer->resolv_asked_ms && now < outer->resolv_asked_ms + RESOLV_ASK_MS)
		return;
	outer->resolv_asked_ms = now;
	notify(NET_NOTICE_RESOLV, "");
	if (poll(&answer, 1, RESOLV_WAIT_MS) > 0)
		hear_control(&outer->control, EPOLLIN);
}

/* ---- the start -------------------------------------------------------------------------- */

/* As many descriptors as there may be: each relayed connection is two. */
static void raise_descriptors(struct outer *outer)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max > FDS_MAX)
		limit.rlim_max = FDS_MAX;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	outer->fd_max = (int)limit.rlim_cur - FDS_KEPT;
}

static int open_gate(struct outer *outer, struct error *err)
{
	outer->gate = (struct gate){
		.rules = &outer->rules,
		.names = names_new(),
		.journal = journal_new(outer->loop, &outer->rules,
				       outer->spec.log_file ? LOG_FD : -1, tell, NULL),
		.loop = outer->loop,
	};
	outer->splicer = splicer_new(outer->loop);
	if (!outer->gate.names || !outer->gate.journal || !outer->splicer) {
		errno = ENOMEM;
		return error_errno(err, "serve the network");
	}
	return 0;
}

static int open_dns(struct outer *outer, struct error *err)
{
	const struct dns_spec spec = {
		.loop = outer->loop,
		.gate = &outer->gate,
		.upstreams = outer->spec.upstreams,
		.upstream_count = outer->spec.upstream_count,
		.resolv_conf = outer->resolv_conf,
		.gateway = outer->spec.gateway,
		.gateway6 = outer->spec.gateway6,
		.hosts = outer->spec.hosts,
		.host_count = outer->spec.host_count,
		.no_ip6 = outer->spec.address6.bits == 0,
		.asked = name_asked,
		.tell = tell,
		.context = outer,
	};

	(void)files_read(AT_FDCWD, "/etc/resolv.conf", outer->resolv_conf,
			 RESOLV_CONF_MAX);
	outer->dns = dns_new(&spec, err);
	return outer->dns ? 0 : -1;
}

/* What needs neither the sandbox nor any power, while the launcher makes the sandbox. */
static int prepare(struct outer *outer, struct error *err)
{
	struct net_spec *spec = &outer->spec;

	raise_descriptors(outer);
	outer->loop = loop_new(err);
	if (!outer->loop ||
	    rules_parse(spec->rules, spec->rule_count, &outer->arena, &outer->rules,
			err) < 0 ||
	    net_view_host(&outer->arena, &outer->rules.host, err) < 0 ||
	    ports_bind(spec, &outer->arena, &outer->listeners, &outer->listener_count,
		       err) < 0)
		return -1;
	outer->rules.host.gateway = spec->gateway;
	outer->rules.host.gateway6 = spec->gateway6;
	outer->rules.host.inside = spec->address;
	outer->rules.host.inside6 = spec->address6;
	outer->out.bytes_per_second = outer->in.bytes_per_second = spec->rate;
	return open_gate(outer, err) < 0 ? -1 : open_dns(outer, err);
}

/* The sandbox's network namespace, or -1: whoever starts us has gone, or speaks nonsense. */
static int await_namespace(struct error *err)
{
	struct pollfd events[] = { { .fd = SANDBOX_FD, .events = POLLIN },
				   { .fd = CONTROL_FD, .events = 0 } };
	struct sandbox_message message;
	int fds[INNER_FDS_MAX];
	size_t count = 0;

	while (!events[0].revents && !events[1].revents)
		if (poll(events, 2, -1) < 0 && errno != EINTR)
			return error_errno(err, "wait for the sandbox");
	if (!(events[0].revents & POLLIN) ||
	    message_receive(SANDBOX_FD, &message, sizeof(message), fds, &count) != 1 ||
	    message.word != SANDBOX_NAMESPACE || count != 1) {
		close_all(fds, count);
		return error_set(err, ERROR_NETWORK, "wait for the sandbox: it is gone");
	}
	return fds[0];
}

/* In the order of the descriptors that came along. */
static int take_made(struct outer *outer, const struct inner_message *message,
		     const int *fds, size_t count, struct error *err)
{
	size_t next = 0;

	if (message->word == INNER_FAILED) {
		*err = message->err;
		return -1;
	}
	if (message->word != INNER_READY)
		return error_set(err, ERROR_NETWORK,
				 "make the network: a message out of "
				 "order");
	outer->setup = message->setup;
	for (int i = 0; i < INNER_FD_COUNT; i++)
		if (outer->setup.has & (1U << i) && next < count)
			outer->made[i] = fds[next++];
	return 0;
}

static int await_inner(struct outer *outer, struct error *err)
{
	struct inner_message message;
	int fds[INNER_FDS_MAX];
	size_t count = 0;

	if (message_receive(outer->inner.fd, &message, sizeof(message), fds, &count) != 1)
		return error_set(err, ERROR_NETWORK,
				 "make the network: the part of sbx-net in the sandbox "
				 "has ended");
	return take_made(outer, &message, fds, count, err);
}

static int serve_dns(struct outer *outer, struct error *err)
{
	static const struct {
		enum inner_fd which;
		int (*serve)(struct dns *dns, int fd, struct error *err);
	} served[] = {
		{ INNER_FD_DNS4, dns_serve_udp },
		{ INNER_FD_DNS6, dns_serve_udp },
		{ INNER_FD_DNS_TCP4, dns_serve_tcp },
		{ INNER_FD_DNS_TCP6, dns_serve_tcp },
	};

	for (size_t i = 0; i < sizeof(served) / sizeof(*served); i++)
		if (outer->made[served[i].which] >= 0 &&
		    served[i].serve(outer->dns, fd_take(&outer->made[served[i].which]),
				    err) < 0)
			return -1;
	return 0;
}

static int hear_packets(struct outer *outer, struct error *err)
{
	const struct first_packets_spec spec = {
		.loop = outer->loop,
		.queue = fd_take(&outer->made[INNER_FD_QUEUE]),
		.asked = packet_asked,
		.context = outer,
	};

	if (spec.queue < 0)
		return 0;
	outer->packets = first_packets_new(&spec);
	return outer->packets ? 0 : error_errno(err, "wait for first packets");
}

static int open_relay(struct outer *outer, struct error *err)
{
	const struct relay_spec spec = {
		.loop = outer->loop,
		.gate = &outer->gate,
		.splicer = outer->splicer,
		.out = &outer->out,
		.in = &outer->in,
		.answer = answer_inner,
		.context = outer,
		.has_direct = outer->made[INNER_FD_TAP] >= 0,
		.fd_max = outer->fd_max,
		.listeners = { fd_take(&outer->made[INNER_FD_RELAY4]),
			       fd_take(&outer->made[INNER_FD_RELAY6]) },
	};

	if (spec.listeners[0] < 0 && spec.listeners[1] < 0)
		return 0;
	outer->relay = relay_new(&spec, err);
	return outer->relay ? hear_packets(outer, err) : -1;
}

static int open_frames(struct outer *outer, struct error *err)
{
	struct frame_spec spec = {
		.loop = outer->loop,
		.gate = &outer->gate,
		.dns = outer->dns,
		.net = &outer->spec,
		.tap = fd_take(&outer->made[INNER_FD_TAP]),
		.pcap = outer->spec.pcap_file ? PCAP_FD : -1,
		.out = &outer->out,
		.in = &outer->in,
		.relayed = outer->relay != NULL,
		.tell = tell,
	};

	if (spec.tap < 0)
		return 0;
	memcpy(spec.mac, outer->setup.mac, sizeof(spec.mac));
	outer->frames = frame_path_new(&spec, err);
	return outer->frames ? 0 : -1;
}

static void name_paths(struct outer *outer)
{
	if (outer->relay && outer->frames)
		snprintf(outer->paths, sizeof(outer->paths),
			 "TCP by relay, the rest by libslirp");
	else if (outer->relay)
		snprintf(outer->paths, sizeof(outer->paths),
			 "TCP by relay, and names; nothing else");
	else
		snprintf(outer->paths, sizeof(outer->paths), "all by libslirp%s%s",
			 outer->setup.why_no_relay[0] ? ": " : "",
			 outer->setup.why_no_relay);
}

static int open_ports(struct outer *outer, struct error *err)
{
	const struct ports_spec spec = {
		.loop = outer->loop,
		.gate = &outer->gate,
		.splicer = outer->splicer,
		.out = &outer->out,
		.in = &outer->in,
		.net = &outer->spec,
		.frames = outer->frames,
		.by_frames = outer->spec.foreign_stack,
		.want_sockets = want_sockets,
		.context = outer,
		.paths = outer->paths,
		.udp_source = outer->setup.keeps_udp_source,
	};

	outer->ports = ports_new(&spec, outer->listeners, outer->listener_count, err);
	if (!outer->ports)
		return -1;
	ports_tell_chosen(outer->ports, tell, NULL);
	return 0;
}

static int watch_peers(struct outer *outer, struct error *err)
{
	outer->control = (struct watch){ .fd = CONTROL_FD, .told = hear_control };
	outer->inner.told = hear_inner;
	if (loop_watch(outer->loop, &outer->control, EPOLLIN) < 0 ||
	    loop_watch(outer->loop, &outer->inner, EPOLLIN) < 0)
		return error_errno(err, "watch the sandbox");
	return 0;
}

/* Forks the inner half, gives up all power, and serves what the inner half has made. */
static int open_rooms(struct outer *outer, struct error *err)
{
	int namespace = await_namespace(err);

	if (namespace < 0)
		return -1;
	outer->inner.fd = -1;
	if (inner_start(&outer->spec, namespace, &outer->inner.fd, err) < 0)
		return -1;
	close(namespace);
	if (confine_outer(err) < 0 || await_inner(outer, err) < 0 ||
	    serve_dns(outer, err) < 0 || open_relay(outer, err) < 0 ||
	    open_frames(outer, err) < 0)
		return -1;
	name_paths(outer);
	return open_ports(outer, err) < 0 ? -1 : watch_peers(outer, err);
}

/* ---- the end ---------------------------------------------------------------------------- */

/* Who waits for us hears why, and ends us. */
static int fail(struct outer *outer, const struct error *err)
{
	const struct sandbox_message message = { .word = SANDBOX_FAILED, .err = *err };
	struct pollfd end = { .fd = CONTROL_FD };

	(void)outer;
	(void)message_send(SANDBOX_FD, &message, sizeof(message), NULL, 0);
	(void)poll(&end, 1, 10 * 1000);
	return 1;
}

static void close_rooms(struct outer *outer)
{
	first_packets_free(outer->packets);
	relay_free(outer->relay);
	ports_free(outer->ports);
	splicer_free(outer->splicer);
	if (outer->frames)
		frame_path_free(outer->frames);
	dns_free(outer->dns);
	notify_stats(outer);
	journal_free(outer->gate.journal);
	names_free(outer->gate.names);
	loop_free(outer->loop);
	arena_free(&outer->arena);
}

int net_serve(const char *const *words)
{
	static struct outer outer;
	const struct sandbox_message ready = { .word = SANDBOX_READY };
	struct error err = { 0 };
	int failed;

	(void)signal(SIGPIPE, SIG_IGN);
	/* Tables that are hardly used are not to become huge pages. */
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	for (int i = 0; i < INNER_FD_COUNT; i++)
		outer.made[i] = -1;
	if (net_spec_from_words(words, &outer.arena, &outer.spec, &err) < 0 ||
	    prepare(&outer, &err) < 0 || open_rooms(&outer, &err) < 0)
		return fail(&outer, &err);
	notify(NET_NOTICE_PATHS, outer.paths);
	(void)message_send(SANDBOX_FD, &ready, sizeof(ready), NULL, 0);
	close(SANDBOX_FD);
	failed = loop_run(outer.loop, &err);
	if (failed)
		notify(NET_NOTICE_FAILED, err.text);
	close_rooms(&outer);
	return failed || outer.failed;
}
