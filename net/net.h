/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_NET_H
#define SBX_NET_NET_H

/*
 * The door of the network wing: what network a sandbox has, and the program that serves it
 * (sbx-net). An outer half of that program lives in the host's network without any power, an
 * inner half in the sandbox's; docs/processes.md has both.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/address.h"
#include "net/rules.h"

struct arena;
struct error;

enum net_mode {
	NET_PLAIN, /* the zeroed value: nobody serves it: the host's, a joined one, or loopback */
	NET_USER,  /* its own, served by sbx-net through a tap device */
	NET_RELAY, /* the same without a tap device: TCP and DNS only */
};

enum {
	/*
	 * Of an interface that gVisor's stack is on: it cannot do with large segments cut by
	 * the device, and loses what comes in many small ones.
	 */
	NET_FOREIGN_MTU = 65520,
	PUBLISH_PORTS_MAX = 1024, /* of one range */
	PUBLISH_TEXT_MAX = 80,    /* bytes of net_format_publish(), NUL among them */
};

/* -p [IP:]HOST:GUEST[/udp]: as many ports on both sides. */
struct publish {
	struct ip host; /* zero bytes: 127.0.0.1 and ::1 */
	bool host_given;
	struct port_range host_ports; /* 0 to 0: any free one is chosen, and told */
	struct port_range guest_ports;
	enum net_protocol protocol; /* PROTOCOL_TCP or PROTOCOL_UDP */
};

struct net_spec {
	enum net_mode mode;
	bool loopback;  /* bring `lo` up in a network namespace of its own */
	bool relay_off; /* NET_USER: libslirp carries TCP, too */
	/*
	 * NET_USER: who lives inside has a network stack of its own, which takes the frames from
	 * the interface (packet(7)): TCP, names and published ports are served at the tap, and nothing by
	 * sockets of the network namespace.
	 */
	bool foreign_stack;

	/* The interface. Zero where expand has not chosen yet. */
	struct prefix address; /* the sandbox's own address and its network's length */
	struct ip gateway;     /* stands for the host; host.sbx.internal */
	struct ip dns;         /* where our forwarder answers */
	bool ip6_off;
	struct prefix address6; /* zero bits: no IPv6 */
	struct ip gateway6, dns6;
	uint32_t mtu;        /* 0: 1500 */
	uint32_t txqueuelen; /* 0: the kernel's */
	char ifname[16];     /* "": tap0 */
	uint8_t mac[6];      /* zero: made up */

	const struct rule_text *rules; /* in order of precedence */
	size_t rule_count;
	const struct publish *published;
	size_t published_count;

	const struct ip *upstreams; /* --dns; none: those of the host's resolv.conf */
	size_t upstream_count;
	const char *const *search; /* domains */
	size_t search_count;
	bool no_resolv;                /* the root's own /etc/resolv.conf stays */
	const struct host_name *hosts; /* --add-host */
	size_t host_count;

	const char *log_file, *pcap_file; /* NULL: none */
	uint64_t rate;                    /* bytes a second each way; 0: unlimited */
};

/* "NAME:ADDR"; ADDR `host-gateway` is the gateway. */
struct host_name {
	const char *name;
	struct ip address;
	bool gateway;
};

/* ---- before the start: pure, or only looking at the host -------------------------------- */

/* Limits and contradictions of a spec, rules among them; its addresses are chosen by then. */
int net_check(const struct net_spec *spec, struct error *err);

/* Whether the kernel takes it for an interface of ours; names of hosts and domains. */
bool net_is_interface_name(const char *text);
bool net_is_domain(const char *text);

/* "02:00:00:00:00:01", or with dashes. -1 leaves mac changed in part. */
int net_parse_mac(const char *text, uint8_t mac[6]);

/* The operand of -p. Ranges must have the same length. */
int net_parse_publish(const char *text, struct publish *ret_publish, struct error *err);

/* As it would be typed: "127.0.0.1:8080:80/tcp". */
void net_format_publish(const struct publish *publish, char *to, size_t size);

/*
 * Fills the addresses that nobody gave: 10.0.2.100/24 with gateway .2 and DNS .3 (or
 * 10.0.N.0/24 where a network of the host overlaps it), fd00::64/64 (an ULA of the same kind), gateway ::2, DNS ::3.
 * ip6 is offered only where the host has a route of IPv6, unless it was asked for.
 */
int net_choose_addresses(struct net_spec *spec, bool ip6_wanted, struct error *err);

/* Addresses and networks of this process's network namespace (rtnetlink(7)), in the arena. */
int net_view_host(struct arena *arena, struct host_view *ret_view, struct error *err);

/* Whether /dev/net/tun can be opened and used by this user, and why not (errno). */
int net_probe_tap(void);

/* Whether sbx-net, which was built along, has libslirp: without it no tap device is served. */
bool net_has_slirp(void);

/*
 * The two files, as the sandbox sees them, in the arena. NULL: nothing is to be bound over
 * the root's own. hostname: NULL: none.
 *
 * resolv.conf: with NET_PLAIN there is one only for --dns and --search; where the sandbox
 * shares a network without them, what net_host_resolv_conf() reads is to be bound, and
 * with loopback alone (`loopback`) nothing. hosts: with NET_PLAIN there is one only for a
 * hostname or --add-host.
 */
const char *net_resolv_conf(const struct net_spec *spec, struct arena *arena);
const char *net_hosts_file(const struct net_spec *spec, const char *hostname,
			   struct arena *arena);

/* The text of the host's /etc/resolv.conf, at most 64 KB, in the arena; NULL: it has none. */
const char *net_host_resolv_conf(struct arena *arena);

/*
 * Who holds a port of this host, as far as this user can see: "nginx (pid 812)", or "".
 */
void net_port_holder(enum net_protocol protocol, const struct ip *address, uint16_t port,
		     char *to, size_t size);

/* ---- in the child ----------------------------------------------------------------------- */

/* Needs CAP_NET_ADMIN over its network namespace. netdevice(7). */
int net_loopback_up(struct error *err);

/*
 * With the caller's /proc and CAP_NET_ADMIN over its own network namespace: anybody in there
 * may listen below 1024 (ip-sysctl, ip_unprivileged_port_start), and send echo requests
 * (ping_group_range). Where /proc cannot be written to, they stay closed, which is no error.
 */
int net_open_low_ports(struct error *err);

/*
 * Hands the own network namespace to sbx-net over the sandbox's end of the service, with the
 * caller's /proc. It is set up meanwhile; net_service_await() waits for that, at most
 * ten seconds, and brings the error of sbx-net where there was one. Both ends are the child's to close.
 */
int net_service_enter(int sandbox_end, struct error *err);
int net_service_await(int sandbox_end, struct error *err);

/* ---- sbx-net itself --------------------------------------------------------------------- */

/*
 * The whole life of sbx-net; words as net_service_start() makes them, sockets as it hands
 * them over. Returns the exit status. In the library `served`.
 */
int net_serve(const char *const *words);

/*
 * What this host can give a network, tried, as lines on standard output: "version V",
 * "stack NAME" or "stack none", "ip6 yes" or "no", "resolver ADDR" for each, and "tap",
 * "relay4", "relay6" with 0 or with an errno and what failed. Returns the exit status.
 */
int net_probe(void);

/* ---- in the launcher -------------------------------------------------------------------- */

/* A running sbx-net. Descriptors are -1 when there is none. */
struct net_service {
	pid_t pid;       /* 0: there is none */
	int control;     /* messages; its end ends sbx-net */
	int sandbox_end; /* for the child, close-on-exec */
};

/*
 * Starts sbx-net for the spec (NET_USER and NET_RELAY), which then waits for the sandbox. log
 * and pcap are opened here. Before the clone.
 */
int net_service_start(const struct net_spec *spec, struct net_service *ret_service,
		      struct error *err);

/* What sbx-net says while it lives. */
struct net_notice {
	enum net_notice_kind {
		NET_NOTICE_LINE, /* text is a line for the user: a denial, a chosen port */
		NET_NOTICE_PATHS,  /* text says which paths are in use */
		NET_NOTICE_FAILED, /* text completes "cannot ..."; it has ended */
		NET_NOTICE_STATS,  /* text is a JSON object, the last word */
		NET_NOTICE_RESOLV, /* was the host's resolv.conf changed? A name is asked for */
	} kind;
	char text[1024];
};

/* One message of control. 1: there is one; 0: sbx-net is gone; -1: errno. */
int net_service_hear(struct net_service *service, struct net_notice *ret_notice);

/* To NET_NOTICE_RESOLV: what the host's resolv.conf says now; NULL: the same as before. */
int net_service_push_resolv_conf(struct net_service *service, const char *text,
				 size_t length);

/* A listening SOCK_SEQPACKET socket that `sbx port` speaks to from now on. */
int net_service_serve_ports(struct net_service *service, int listener);

/*
 * Ends it and waits for it; how it ended goes to *ret_status (waitpid(2)). With ret_last what
 * is logged is written out first, which takes at most a second, and its statistics go there
 * (an empty text: there are none); else it is over at once.
 */
void net_service_end(struct net_service *service, struct net_notice *ret_last,
		     int *ret_status);

#endif
