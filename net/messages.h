/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_MESSAGES_H
#define SBX_NET_MESSAGES_H

/*
 * What the halves of sbx-net and the launcher say to each other over SOCK_SEQPACKET pairs, a
 * struct a message. Everybody checks length and kind of what comes in.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "net/net.h"

/* Between the child and the outer half. */
enum sandbox_word {
	SANDBOX_NAMESPACE, /* child: here is my network namespace (one fd) */
	SANDBOX_READY,     /* outer: all is set up */
	SANDBOX_FAILED,    /* outer: err */
};

struct sandbox_message {
	enum sandbox_word word;
	struct error err; /* SANDBOX_FAILED */
};

/* Between the launcher and the outer half. */
enum control_word {
	CONTROL_RESOLV_CONF, /* launcher: text, cut at a line */
	CONTROL_RESOLV_SAME, /* launcher: it has not changed */
	CONTROL_PORTS,       /* launcher: a listener for `sbx port` (one fd) */
	CONTROL_END,         /* launcher: finish */
	CONTROL_NOTICE,      /* outer */
};

struct control_message {
	enum control_word word;
	struct net_notice notice; /* CONTROL_NOTICE */
	char text[8192];          /* CONTROL_RESOLV_CONF */
};

/*
 * Between outer and inner half. The inner one sets up, then does only what takes power
 * over the sandbox's network: it lets first packets go, and makes sockets inside.
 */
enum inner_word {
	INNER_READY,  /* inner: struct inner_setup and its descriptors */
	INNER_FAILED, /* inner: err */
	INNER_ANSWER, /* outer: what becomes of a first packet */
	INNER_SOCKETS, /* outer: make `count` of this family and kind; inner: here they are */
};

enum inner_answer {
	INNER_LET,         /* on to the relay */
	INNER_REFUSE,      /* a reset */
	INNER_UNREACHABLE, /* ICMP: host unreachable */
	INNER_PROHIBITED,  /* ICMP: administratively prohibited */
	INNER_DIRECT,      /* past the relay: out by the tap, where libslirp takes it */
	INNER_DROP,        /* without a word: the far side does not answer */
};

enum {
	INNER_FDS_MAX = 32, /* in one message */
};

/* In the order of the descriptors of INNER_READY; those that are not there are left out. */
enum inner_fd {
	INNER_FD_TAP,
	INNER_FD_RELAY4, /* listening on 127.0.0.1 inside */
	INNER_FD_RELAY6,
	INNER_FD_DNS4, /* UDP */
	INNER_FD_DNS6,
	INNER_FD_DNS_TCP4, /* listening */
	INNER_FD_DNS_TCP6,
	INNER_FD_QUEUE, /* of first packets (packet_queue.h), to be read */
	INNER_FD_COUNT,
};

struct inner_setup {
	uint32_t has;          /* bits of enum inner_fd */
	uint32_t diverts;      /* 1: IPv4 connections come to the relay, 2: IPv6 */
	uint32_t keeps_tcp;    /* likewise: clients of -p can keep their address */
	bool keeps_udp_source; /* answers of UDP to a client of -p come to its socket */
	uint8_t mac[6];        /* of the interface */
	char ifname[16];
	char why_no_relay[128]; /* for people; "" */
};

struct inner_message {
	enum inner_word word;
	uint32_t id; /* INNER_ANSWER: the packet, as the queue calls it */
	union {
		struct inner_setup setup;
		enum inner_answer answer; /* INNER_ANSWER */
		struct {
			int family, type;
			uint32_t count; /* in an answer: how many came along */
			bool transparent; /* IP_TRANSPARENT, and the mark that keeps the client's address */
		} sockets;
		struct error err; /* INNER_FAILED */
	};
};

/*
 * One message with descriptors, at most INNER_FDS_MAX. 0, or -1 and errno.
 */
int message_send(int socket, const void *message, size_t size, const int *fds,
		 size_t fd_count);

/*
 * size is what a message must have. Returns 1, 0 at the end, -1 and errno (EPROTO: another
 * length). Descriptors that came along go to fds (as many as INNER_FDS_MAX places); *ret_fd_count.
 */
int message_receive(int socket, void *message, size_t size, int *fds,
		    size_t *ret_fd_count);

#endif
