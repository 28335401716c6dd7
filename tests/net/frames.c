/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that writes its own frames (packet(7)), as root of its network namespace.
 *
 * frames IFNAME OWN GATEWAY TARGET COUNT KIND...     sends so many of each kind: IPv4 addresses
 * frames list                                        the kinds
 * frames enter PID COMMAND...    by root of the network and user namespace of a process
 * frames flush                   all of netfilter's tables are gone
 *
 * What is sent to TARGET carries the kind as text, so that a server could tell that it came.
 * Frames that the kernel does not take are not counted: "KIND SENT".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FRAME_MAX = 4096, ETH = 14, IP4 = 20, IP6 = 40, UDP = 8, TCP = 20, ECHO_PORT = 7 };

struct guest {
	int fd;
	int index;
	uint8_t mac[6];
	struct in_addr own, gateway, target;
	uint32_t dice;
	const char *kind;
};

struct frame {
	uint8_t data[FRAME_MAX];
	size_t size;
};

static uint32_t roll(struct guest *guest)
{
	guest->dice ^= guest->dice << 13;
	guest->dice ^= guest->dice >> 17;
	guest->dice ^= guest->dice << 5;
	return guest->dice;
}

static void put16(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value & 0xffff);
}

static unsigned sum16(const uint8_t *data, size_t size, uint32_t sum)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	if (size & 1)
		sum += (uint32_t)data[size - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* ---- good frames ---------------------------------------------------------------------------- */

static void put_ethernet(const struct guest *guest, struct frame *to, unsigned type)
{
	static const uint8_t prefix[] = { 0x52, 0x55 };

	memset(to, 0, sizeof(*to));
	memcpy(to->data, prefix, sizeof(prefix));
	memcpy(to->data + 2, &guest->gateway, 4);
	memcpy(to->data + 6, guest->mac, 6);
	put16(to->data + 12, type);
	to->size = ETH;
}

/* Again after a change: the header's length is in it. */
static void sum_ip(struct frame *frame)
{
	uint8_t *const ip = frame->data + ETH;

	put16(ip + 10, 0);
	put16(ip + 10, sum16(ip, (size_t)(ip[0] & 15) * 4, 0));
}

static void put_ip(struct guest *guest, struct frame *to, unsigned protocol,
		   size_t payload)
{
	uint8_t *const ip = to->data + ETH;

	put_ethernet(guest, to, ETH_P_IP);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)(IP4 + payload));
	put16(ip + 4, roll(guest) & 0xffff);
	ip[8] = 64;
	ip[9] = (uint8_t)protocol;
	memcpy(ip + 12, &guest->own, 4);
	memcpy(ip + 16, &guest->target, 4);
	to->size = ETH + IP4 + payload;
	sum_ip(to);
}

/* The sum over the pseudo-header of RFC 768 and RFC 9293. */
static void sum_payload(struct frame *frame, size_t at)
{
	uint8_t *const ip = frame->data + ETH, *const payload = ip + (ip[0] & 15) * 4;
	const size_t size = (size_t)(frame->data + frame->size - payload);
	uint32_t sum = (uint32_t)(ip[9] + size);

	for (size_t i = 12; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	put16(payload + at, 0);
	put16(payload + at, sum16(payload, size, sum));
}

static void put_udp(struct guest *guest, struct frame *to, unsigned port)
{
	const size_t text = strlen(guest->kind);
	uint8_t *const udp = to->data + ETH + IP4;

	put_ip(guest, to, IPPROTO_UDP, UDP + text);
	put16(udp, 1024 + (roll(guest) & 0x7fff));
	put16(udp + 2, port);
	put16(udp + 4, (unsigned)(UDP + text));
	memcpy(udp + UDP, guest->kind, text);
	sum_payload(to, 6);
}

static void put_tcp(struct guest *guest, struct frame *to, unsigned port, unsigned flags)
{
	uint8_t *const tcp = to->data + ETH + IP4;

	put_ip(guest, to, IPPROTO_TCP, TCP);
	put16(tcp, 1024 + (roll(guest) & 0x7fff));
	put16(tcp + 2, port);
	put32(tcp + 4, roll(guest));
	tcp[12] = 0x50;
	tcp[13] = (uint8_t)flags;
	put16(tcp + 14, 65535);
	sum_payload(to, 16);
}

/* To the echo port of a made-up global address, with `first` as the kind of the payload. */
static void put_ip6(struct guest *guest, struct frame *to, unsigned first, size_t payload)
{
	uint8_t *const ip = to->data + ETH;

	put_ethernet(guest, to, ETH_P_IPV6);
	ip[0] = 0x60;
	put16(ip + 4, (unsigned)payload);
	ip[6] = (uint8_t)first;
	ip[7] = 64;
	inet_pton(AF_INET6, "fd00::64", ip + 8);
	inet_pton(AF_INET6, "2a00:77:0:2::10", ip + 24);
	to->size = ETH + IP6 + payload;
	for (size_t i = 0; i < payload; i++)
		ip[IP6 + i] = (uint8_t)roll(guest);
}

/* ---- bad ones: one function a kind, number says which of them ------------------------------- */

static void send_frame(struct guest *guest, const struct frame *frame, int *ret_sent)
{
	const struct sockaddr_ll to = { .sll_family = AF_PACKET,
					.sll_ifindex = guest->index,
					.sll_halen = 6 };

	*ret_sent += sendto(guest->fd, frame->data, frame->size, 0,
			    (const struct sockaddr *)&to, sizeof(to)) >= 0;
}

/* A frame that nobody minds: whoever counts the others can count. */
static void honest(struct guest *guest, struct frame *to, unsigned number)
{
	(void)number;
	put_udp(guest, to, ECHO_PORT);
}

static void fragments(struct guest *guest, struct frame *to, unsigned number)
{
	static const unsigned offsets[] = {
		0x2000, 0x2001, 0x1fff, 0x3fff, 0x0001, 0xa000
	};

	put_udp(guest, to, ECHO_PORT);
	put16(to->data + ETH + 6, offsets[number % 6]);
	sum_ip(to);
}

static void urgent(struct guest *guest, struct frame *to, unsigned number)
{
	put_tcp(guest, to, 80, number % 2 ? 0x22 : 0x38);
	put16(to->data + ETH + IP4 + 18, number % 3 ? 0xffff : 1);
	sum_payload(to, 16);
}

static void options(struct guest *guest, struct frame *to, unsigned number)
{
	static const uint8_t kinds[] = { 131, 137, 7, 68, 148, 1, 0, 255 };
	uint8_t *const ip = to->data + ETH;

	put_udp(guest, to, ECHO_PORT);
	memmove(ip + IP4 + 8, ip + IP4, to->size - ETH - IP4);
	memset(ip + IP4, 0, 8);
	ip[0] = 0x47;
	ip[IP4] = kinds[number % sizeof(kinds)];
	ip[IP4 + 1] = number % 3 ? 7 : 0;
	ip[IP4 + 2] = 4;
	memcpy(ip + IP4 + 3, &guest->target, 4);
	to->size += 8;
	put16(ip + 2, (unsigned)(to->size - ETH));
	sum_ip(to);
}

static void spoofed(struct guest *guest, struct frame *to, unsigned number)
{
	static const char *const sources[] = { "10.0.2.77",   "127.0.0.1",
					       "0.0.0.0",     "10.0.2.2",
					       "198.41.0.10", "255.255.255.255",
					       "224.0.0.1",   "10.77.0.2" };

	put_udp(guest, to, ECHO_PORT);
	inet_pton(AF_INET, sources[number % 8], to->data + ETH + 12);
	sum_ip(to);
	sum_payload(to, 6);
}

static void foreign_mac(struct guest *guest, struct frame *to, unsigned number)
{
	put_udp(guest, to, ECHO_PORT);
	to->data[6 + number % 6] ^= 0x40;
}

static void dhcp(struct guest *guest, struct frame *to, unsigned number)
{
	static const uint8_t magic[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255 };
	uint8_t *const udp = to->data + ETH + IP4;

	put_ip(guest, to, IPPROTO_UDP, UDP + 248);
	memset(to->data, 0xff, 6);
	if (number % 2)
		memset(to->data + ETH + 12, 0, 4);
	memset(to->data + ETH + 16, 0xff, 4);
	put16(udp, 68);
	put16(udp + 2, 67);
	put16(udp + 4, UDP + 248);
	udp[UDP] = 1;
	udp[UDP + 1] = 1;
	udp[UDP + 2] = 6;
	memcpy(udp + UDP + 236, magic, sizeof(magic));
	sum_ip(to);
	sum_payload(to, 6);
}

static void tftp(struct guest *guest, struct frame *to, unsigned number)
{
	static const uint8_t request[] = "\0\1/etc/passwd\0octet";
	uint8_t *const udp = to->data + ETH + IP4;

	put_ip(guest, to, IPPROTO_UDP, UDP + sizeof(request));
	memcpy(to->data + ETH + 16, &guest->gateway, 4);
	put16(udp, 1024 + number % 1000);
	put16(udp + 2, 69);
	put16(udp + 4, UDP + sizeof(request));
	memcpy(udp + UDP, request, sizeof(request));
	sum_ip(to);
	sum_payload(to, 6);
}

static void lengths(struct guest *guest, struct frame *to, unsigned number)
{
	uint8_t *const ip = to->data + ETH;

	if (number % 2)
		put_udp(guest, to, ECHO_PORT);
	else
		put_tcp(guest, to, 80, 2);
	switch (number % 7) {
	case 0:
		put16(ip + 2, 65535);
		break;
	case 1:
		put16(ip + 2, roll(guest) % 28);
		break;
	case 2:
		ip[0] = (uint8_t)(0x40 | roll(guest) % 5);
		break;
	case 3:
		put16(ip + IP4 + 4, roll(guest));
		break;
	case 4:
		ip[IP4 + 12] = (uint8_t)roll(guest);
		break;
	case 5:
		to->size = ETH + roll(guest) % 28;
		break;
	default:
		ip[0] = 0x4f;
		break;
	}
	sum_ip(to);
}

static void ethertypes(struct guest *guest, struct frame *to, unsigned number)
{
	static const unsigned types[] = { 0x88f8, 0x8100, 0x86dd, 0x0806,
					  0x8863, 0x0000, 0x05dc };

	put_udp(guest, to, ECHO_PORT);
	put16(to->data + 12, types[number % 7]);
}

/* Answers for the gateway that nobody asked for; too short; too long. */
static void arp(struct guest *guest, struct frame *to, unsigned number)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 2 };
	uint8_t *const arp = to->data + ETH;

	put_ethernet(guest, to, ETH_P_ARP);
	memset(to->data, 0xff, 6);
	memcpy(arp, head, sizeof(head));
	memcpy(arp + 8, guest->mac, 6);
	memcpy(arp + 14, number % 2 ? &guest->gateway : &guest->target, 4);
	memcpy(arp + 24, &guest->own, 4);
	if (number % 5 == 0)
		arp[4 + number % 2] = 255;
	to->size = ETH + (number % 3 == 0 ? roll(guest) % 28 : 28 + roll(guest) % 100);
}

/* RFC 8200, 4: hop-by-hop, routing, fragment and destination headers, chained. */
static void extensions(struct guest *guest, struct frame *to, unsigned number)
{
	static const uint8_t kinds[] = { 0, 43, 44, 60, 51, 135 };
	const size_t count = 1 + number % 150;
	uint8_t *const first = to->data + ETH + IP6;

	put_ip6(guest, to, kinds[number % 6], count * 8);
	for (size_t i = 0; i < count; i++) {
		first[i * 8] = i + 1 < count ? kinds[(number + i + 1) % 6] : IPPROTO_UDP;
		first[i * 8 + 1] = (uint8_t)(number % 4 == 0 ? 255 : 0);
	}
}

/* RFC 4861: advertisements of routers and neighbours, redirects, with all kinds of lengths. */
static void neighbours(struct guest *guest, struct frame *to, unsigned number)
{
	uint8_t *const icmp = to->data + ETH + IP6;

	put_ip6(guest, to, IPPROTO_ICMPV6, 8 + roll(guest) % 80);
	to->data[ETH + 7] = 255;
	inet_pton(AF_INET6, "ff02::1", to->data + ETH + 24);
	icmp[0] = (uint8_t)(133 + number % 5);
	icmp[1] = 0;
}

static void errors(struct guest *guest, struct frame *to, unsigned number)
{
	static const uint8_t kinds[] = { 3, 4, 5, 11, 12, 13, 15, 17 };

	put_ip(guest, to, IPPROTO_ICMP, 8 + roll(guest) % 60);
	to->data[ETH + IP4] = kinds[number % 8];
	to->data[ETH + IP4 + 1] = (uint8_t)roll(guest);
	to->data[ETH + IP4 + 8] = 0x4f;
	sum_ip(to);
}

static void protocols(struct guest *guest, struct frame *to, unsigned number)
{
	put_ip(guest, to, number % 256, 40);
	memset(to->data + ETH + IP4, (int)number, 40);
}

/* Where no rule lets anybody: the host's loopback, by every name that it has. */
static void loopback(struct guest *guest, struct frame *to, unsigned number)
{
	static const char *const places[] = { "127.0.0.1", "0.0.0.0",      "10.0.2.2",
					      "10.77.0.2", "192.168.77.1", "10.0.2.255",
					      "127.8.8.8" };

	if (number % 2)
		put_udp(guest, to, 8007);
	else
		put_tcp(guest, to, 8080, 2);
	inet_pton(AF_INET, places[number % 7], to->data + ETH + 16);
	sum_ip(to);
	sum_payload(to, number % 2 ? 6 : 16);
}

static void noise(struct guest *guest, struct frame *to, unsigned number)
{
	put_ethernet(guest, to, number % 2 ? ETH_P_IP : ETH_P_IPV6);
	to->size = ETH + roll(guest) % 600;
	for (size_t i = ETH; i < to->size; i++)
		to->data[i] = (uint8_t)roll(guest);
	if (number % 3)
		to->data[ETH] = number % 2 ? 0x45 : 0x60;
	if (number % 2)
		sum_ip(to);
}

/*
 * Segments that were never cut, with headers of virtio that lie; needs PACKET_VNET_HDR. 5 is
 * VIRTIO_NET_HDR_GSO_UDP_L4, which older headers lack.
 */
static void offload(struct guest *guest, struct frame *to, unsigned number)
{
	static const uint8_t kinds[] = { VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_HDR_GSO_UDP,
					 VIRTIO_NET_HDR_GSO_TCPV6,
					 VIRTIO_NET_HDR_GSO_NONE, 5 };
	struct virtio_net_hdr head = { 0 };
	struct frame inner;

	put_tcp(guest, &inner, 80, 0x10);
	inner.size += 3000;
	put16(inner.data + ETH + 2, (unsigned)(inner.size - ETH));
	sum_ip(&inner);
	head.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	head.gso_type = kinds[number / 4 % 5];
	head.gso_size = (uint16_t)(1 + roll(guest) % (number % 2 ? 1500 : 8));
	head.hdr_len = (uint16_t)(number % 4 == 1 ? roll(guest) % 200 : ETH + IP4 + TCP);
	head.csum_start = (uint16_t)(number % 4 == 2 ? roll(guest) % 100 : ETH + IP4);
	head.csum_offset = (uint16_t)(number % 4 == 3 ? roll(guest) % 100 : 16);
	memcpy(to->data, &head, sizeof(head));
	memcpy(to->data + sizeof(head), inner.data, inner.size);
	to->size = sizeof(head) + inner.size;
}

static const struct kind {
	const char *name;
	void (*make)(struct guest *guest, struct frame *to, unsigned number);
} kinds[] = {
	{ "honest", honest },
	{ "fragments", fragments },
	{ "urgent", urgent },
	{ "options", options },
	{ "spoofed", spoofed },
	{ "foreign-mac", foreign_mac },
	{ "dhcp", dhcp },
	{ "tftp", tftp },
	{ "lengths", lengths },
	{ "ethertypes", ethertypes },
	{ "arp", arp },
	{ "extensions", extensions },
	{ "neighbours", neighbours },
	{ "errors", errors },
	{ "protocols", protocols },
	{ "loopback", loopback },
	{ "noise", noise },
	{ "offload", offload },
};

static void send_kind(struct guest *guest, const struct kind *kind, unsigned count)
{
	const int lies = kind->make == offload;
	struct frame frame;
	int sent = 0;

	guest->kind = kind->name;
	setsockopt(guest->fd, SOL_PACKET, PACKET_VNET_HDR, &lies, sizeof(lies));
	for (unsigned i = 0; i < count; i++) {
		kind->make(guest, &frame, i);
		send_frame(guest, &frame, &sent);
	}
	printf("%s %d\n", kind->name, sent);
}

/* ---- a guest that is root where no sandbox lets it be --------------------------------------- */

static int open_namespace(const char *pid, const char *kind)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fprintf(stderr, "frames: cannot open %s: %s\n", path, strerror(errno));
	return fd;
}

/* Who has no id there loses every capability by execve(2) unless it is ambient. */
static int keep_power(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { 0 };

	if (syscall(SYS_capget, &head, sets) < 0)
		return -1;
	sets[0].inheritable = sets[0].permitted;
	sets[1].inheritable = sets[1].permitted;
	if (syscall(SYS_capset, &head, sets) < 0)
		return -1;
	for (unsigned long i = 0; i < 64; i++)
		(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
	return 0;
}

/* Both are opened first: who has joined the one may not look at that process any more. */
static int enter(char **words)
{
	const int user = open_namespace(words[0], "user");
	const int net = open_namespace(words[0], "net");

	if (user < 0 || net < 0)
		return 1;
	if (setns(user, CLONE_NEWUSER) < 0 || setns(net, CLONE_NEWNET) < 0 ||
	    keep_power() < 0) {
		fprintf(stderr, "frames: cannot join %s: %s\n", words[0],
			strerror(errno));
		return 1;
	}
	execvp(words[1], words + 1);
	return 127;
}

/* A batch that deletes every table of every family: NFT_MSG_DELTABLE without a name. */
static int flush(void)
{
	struct {
		struct nlmsghdr head;
		struct nfgenmsg body;
	} batch[3] = { 0 };
	static const unsigned types[] = { NFNL_MSG_BATCH_BEGIN,
					  NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE,
					  NFNL_MSG_BATCH_END };
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);

	for (size_t i = 0; i < 3; i++) {
		batch[i].head.nlmsg_len = sizeof(batch[i]);
		batch[i].head.nlmsg_type = (uint16_t)types[i];
		batch[i].head.nlmsg_flags = NLM_F_REQUEST;
		batch[i].head.nlmsg_seq = (uint32_t)i;
		batch[i].body.res_id = htons(i == 1 ? 0 : NFNL_SUBSYS_NFTABLES);
	}
	if (fd >= 0 &&
	    sendto(fd, batch, sizeof(batch), 0, (struct sockaddr *)&to, sizeof(to)) > 0)
		return 0;
	fprintf(stderr, "frames: cannot delete the tables: %s\n", strerror(errno));
	return 1;
}

static int open_guest(struct guest *guest, char **words)
{
	struct ifreq request = { 0 };

	guest->dice = 2463534242;
	guest->fd = socket(AF_PACKET, SOCK_RAW, 0);
	strncpy(request.ifr_name, words[1], sizeof(request.ifr_name) - 1);
	if (guest->fd < 0 || ioctl(guest->fd, SIOCGIFINDEX, &request) < 0)
		return -1;
	guest->index = request.ifr_ifindex;
	if (ioctl(guest->fd, SIOCGIFHWADDR, &request) < 0)
		return -1;
	memcpy(guest->mac, request.ifr_hwaddr.sa_data, 6);
	inet_pton(AF_INET, words[2], &guest->own);
	inet_pton(AF_INET, words[3], &guest->gateway);
	inet_pton(AF_INET, words[4], &guest->target);
	return 0;
}

int main(int argc, char **argv)
{
	struct guest guest;

	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			puts(kinds[i].name);
		return 0;
	}
	if (argc > 3 && strcmp(argv[1], "enter") == 0)
		return enter(argv + 2);
	if (argc == 2 && strcmp(argv[1], "flush") == 0)
		return flush();
	if (argc < 7)
		return 2;
	if (open_guest(&guest, argv) < 0) {
		fprintf(stderr, "frames: cannot write frames: %s\n", strerror(errno));
		return 1;
	}
	for (int i = 6; i < argc; i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (strcmp(argv[i], kinds[k].name) == 0)
				send_kind(&guest, &kinds[k],
					  (unsigned)strtoul(argv[5], NULL, 10));
	return 0;
}
