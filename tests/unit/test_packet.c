/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "net/packet_bytes.h"

/* Ends of a frame from the sandbox to somebody outside. */
static struct packet_ends ends_of(bool v6)
{
	struct packet_ends ends = {
		.from_mac = { 2, 0, 0, 0, 0, 0x64 },
		.to_mac = { 0x52, 0x55, 10, 0, 2, 2 },
		.v6 = v6,
		.from_port = 40000,
		.to_port = 443,
	};

	assert_int_equal(ip_parse(v6 ? "fd00::64" : "10.0.2.100", &ends.from), 0);
	assert_int_equal(ip_parse(v6 ? "2001:db8::7" : "198.51.100.7", &ends.to), 0);
	return ends;
}

static uint8_t frame[PACKET_MAX], answer[PACKET_MAX];

static struct packet make_tcp(bool v6, uint8_t flags, const char *text)
{
	const struct packet_ends ends = ends_of(v6);
	const struct tcp_fields fields = {
		.seq = 1000,
		.ack = flags & TCP_ACK ? 5000 : 0,
		.window = 64000,
		.flags = flags,
		.mss = flags & TCP_SYN ? 1460 : 0,
	};
	const size_t size = packet_build_tcp(frame, &ends, &fields, text, strlen(text));
	struct packet packet;

	assert_int_equal(packet_parse(frame, size, &packet), PACKET_SOUND);
	return packet;
}

static struct packet make_udp(bool v6, const char *text)
{
	const struct packet_ends ends = ends_of(v6);
	const size_t size = packet_build_udp(frame, &ends, text, strlen(text));
	struct packet packet;

	assert_int_equal(packet_parse(frame, size, &packet), PACKET_SOUND);
	return packet;
}

static void what_is_made_is_read_as_it_was_made(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const struct packet_ends ends = ends_of(v6);
		struct packet packet = make_tcp(v6, TCP_SYN, "");

		assert_int_equal(packet.kind, PACKET_TCP);
		assert_true(ip_equal(&packet.from, &ends.from));
		assert_true(ip_equal(&packet.to, &ends.to));
		assert_int_equal(packet.from_port, 40000);
		assert_int_equal(packet.to_port, 443);
		assert_int_equal(packet.seq, 1000);
		assert_int_equal(packet.window, 64000);
		assert_int_equal(packet.flags, TCP_SYN);
		assert_true(packet_is_intact(&packet));

		packet = make_udp(v6, "odd");
		assert_int_equal(packet.kind, PACKET_UDP);
		assert_int_equal(packet_payload_size(&packet), 3);
		assert_memory_equal(frame + packet.payload, "odd", 3);
		assert_true(packet_is_intact(&packet));
		frame[packet.payload] ^= 1;
		assert_false(packet_is_intact(&packet));
	}
}

/* RFC 1071's own example, in a UDP packet between addresses that add nothing. */
static void checksums_are_those_of_the_standard(void **state)
{
	static const uint8_t text[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	struct packet_ends ends = { .from_port = 0xffff, .to_port = 0xffff };
	uint32_t sum = 0;
	size_t size;

	(void)state;
	ends.from = ends.to = ip_from_v4(0);
	size = packet_build_udp(frame, &ends, text, sizeof(text));
	sum += 0xddf2 + 17 + 16 + 16; /* the example's sum, protocol, both lengths */
	sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(get16(frame + 40), (uint16_t)~sum);
	assert_int_equal(size, 14 + 20 + 8 + 8);
}

/* { place, value } of a byte that is changed in a frame that is sound. */
struct change {
	const char *what;
	bool v6, udp;
	uint8_t place, value;
	size_t size; /* it is cut to; 0: whole */
	enum packet_flaw flaw;
};

static const struct change changes[] = {
	{ "an ethertype of NCSI", false, false, 12, 0x88, 0, PACKET_FOREIGN },
	{ "a VLAN tag", false, false, 12, 0x81, 0, PACKET_FOREIGN },
	{ "less than an Ethernet header", false, false, 0, 2, 13, PACKET_CUT },
	{ "no IPv4 header", false, false, 0, 2, 33, PACKET_CUT },
	{ "a cut TCP header", false, false, 0, 2, 53, PACKET_CUT },
	{ "a cut UDP header", false, true, 0, 2, 41, PACKET_CUT },
	{ "version 5", false, false, 14, 0x55, 0, PACKET_MALFORMED },
	{ "a header of 16 bytes", false, false, 14, 0x44, 0, PACKET_MALFORMED },
	{ "IPv4 options", false, false, 14, 0x46, 0, PACKET_OPTIONS },
	{ "a length above what is there", false, false, 16, 0x10, 0, PACKET_CUT },
	{ "a length below the header", false, false, 17, 19, 0, PACKET_MALFORMED },
	{ "a length that cuts TCP", false, false, 17, 30, 0, PACKET_CUT },
	{ "more fragments", false, false, 20, 0x20, 0, PACKET_FRAGMENT },
	{ "a later fragment", false, false, 21, 1, 0, PACKET_FRAGMENT },
	{ "SCTP", false, false, 23, 132, 0, PACKET_FOREIGN },
	{ "IP in IP", false, false, 23, 4, 0, PACKET_FOREIGN },
	{ "ICMPv6 in IPv4", false, false, 23, 58, 0, PACKET_FOREIGN },
	{ "a TCP header of 16 bytes", false, false, 46, 0x40, 0, PACKET_MALFORMED },
	{ "a TCP header beyond the end", false, false, 46, 0xf0, 0, PACKET_CUT },
	{ "SYN and FIN", false, false, 47, TCP_SYN | TCP_FIN, 0, PACKET_MALFORMED },
	{ "SYN and RST", false, false, 47, TCP_SYN | TCP_RST, 0, PACKET_MALFORMED },
	{ "no flags", false, false, 47, 0, 0, PACKET_MALFORMED },
	{ "FIN alone", false, false, 47, TCP_FIN, 0, PACKET_MALFORMED },
	{ "a UDP length above what is there", false, true, 38, 1, 0, PACKET_MALFORMED },
	{ "a UDP length below the header", false, true, 39, 7, 0, PACKET_MALFORMED },
	{ "no IPv6 header", true, false, 0, 2, 53, PACKET_CUT },
	{ "version 7", true, false, 14, 0x70, 0, PACKET_MALFORMED },
	{ "a payload above what is there", true, false, 18, 1, 0, PACKET_CUT },
	{ "no payload", true, false, 19, 0, 0, PACKET_CUT },
	{ "hop-by-hop options", true, false, 20, 0, 0, PACKET_OPTIONS },
	{ "a routing header", true, false, 20, 43, 0, PACKET_OPTIONS },
	{ "a fragment", true, false, 20, 44, 0, PACKET_FRAGMENT },
	{ "destination options", true, false, 20, 60, 0, PACKET_OPTIONS },
	{ "encryption", true, false, 20, 50, 0, PACKET_OPTIONS },
	{ "ICMP in IPv6", true, false, 20, 1, 0, PACKET_FOREIGN },
	{ "no next header", true, false, 20, 59, 0, PACKET_FOREIGN },
};

static void hostile_frames_have_a_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *change = &changes[i];
		struct packet packet = change->udp ? make_udp(change->v6, "text")
						   : make_tcp(change->v6, TCP_SYN, "");
		const size_t size = change->size ? change->size : packet.size;
		enum packet_flaw flaw;

		frame[change->place] = change->value;
		flaw = packet_parse(frame, size, &packet);
		if (flaw != change->flaw)
			fail_msg("%s: %d instead of %d", change->what, flaw,
				 change->flaw);
	}
}

/* Every length of every kind: what is cut is never read beyond its end (sanitizers watch). */
static void cut_frames_are_refused(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (int udp = 0; udp < 2; udp++) {
			struct packet packet =
				udp ? make_udp(v6, "text") : make_tcp(v6, TCP_SYN, "");
			const size_t size = packet.size;

			for (size_t cut = 0; cut < size; cut++)
				assert_int_not_equal(packet_parse(frame, cut, &packet),
						     PACKET_SOUND);
		}
	}
}

static void mapped_addresses_are_not_on_a_wire(void **state)
{
	struct packet_ends ends = ends_of(true);
	struct packet packet;
	size_t size;

	(void)state;
	assert_int_equal(ip_parse("::ffff:127.0.0.1", &ends.to), 0);
	size = packet_build_udp(frame, &ends, "text", 4);
	assert_int_equal(packet_parse(frame, size, &packet), PACKET_MALFORMED);
}

static void padding_is_cut_off(void **state)
{
	struct packet packet = make_udp(false, "x");
	const size_t size = packet.size;

	(void)state;
	memset(frame + size, 0xee, 60);
	assert_int_equal(packet_parse(frame, 60, &packet), PACKET_SOUND);
	assert_int_equal(packet.size, size);
	assert_true(packet_is_intact(&packet));
}

static void urgent_data_is_taken_away(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet packet = make_tcp(v6, TCP_ACK, "text");

		frame[packet.l4 + 13] |= TCP_URG;
		put16(frame + packet.l4 + 18, 40000);
		assert_int_equal(packet_parse(frame, packet.size, &packet), PACKET_SOUND);
		assert_true(packet.flags & TCP_URG);
		assert_true(packet_clear_urgent(&packet));
		assert_int_equal(packet.flags, TCP_ACK);
		assert_int_equal(frame[packet.l4 + 13], TCP_ACK);
		assert_int_equal(get16(frame + packet.l4 + 18), 0);
		assert_true(packet_is_intact(&packet));
		assert_false(packet_clear_urgent(&packet));

		/* The pointer alone, too. */
		put16(frame + packet.l4 + 18, 1);
		assert_true(packet_clear_urgent(&packet));
		assert_int_equal(get16(frame + packet.l4 + 18), 0);
	}
}

static void an_mss_is_found_and_changed(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet packet = make_tcp(v6, TCP_SYN, "");

		assert_int_equal(packet_change_mss(&packet, 65480), 1460);
		assert_true(packet_is_intact(&packet));
		assert_int_equal(packet_change_mss(&packet, 1400), 65480);
	}
}

static void odd_options_of_tcp_are_survived(void **state)
{
	static const uint8_t options[][4] = {
		{ 1, 1, 1, 2 }, /* MSS without room for its length */
		{ 2, 0, 5, 5 }, /* a length of none */
		{ 2, 1, 5, 5 },   { 2, 3, 5, 5 },
		{ 2, 200, 5, 5 }, { 0, 2, 4, 5 }, /* after the end */
		{ 5, 255, 2, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct packet packet = make_tcp(false, TCP_SYN, "");

		memcpy(frame + packet.l4 + TCP_HEADER, options[i], 4);
		assert_int_equal(packet_change_mss(&packet, 65480), 0);
		assert_memory_equal(frame + packet.l4 + TCP_HEADER, options[i], 4);
	}
}

/* RFC 9293, 3.5.2. */
static void a_reset_answers_what_came(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet packet = make_tcp(v6, TCP_SYN, ""), reset;
		size_t size = packet_build_reset(answer, &packet);

		assert_int_equal(packet_parse(answer, size, &reset), PACKET_SOUND);
		assert_int_equal(reset.flags, TCP_RST | TCP_ACK);
		assert_int_equal(reset.seq, 0);
		assert_int_equal(reset.ack, 1001);
		assert_true(ip_equal(&reset.from, &packet.to));
		assert_int_equal(reset.from_port, 443);
		assert_memory_equal(answer, frame + 6, 6);
		assert_true(packet_is_intact(&reset));

		packet = make_tcp(v6, TCP_ACK, "text");
		size = packet_build_reset(answer, &packet);
		assert_int_equal(packet_parse(answer, size, &reset), PACKET_SOUND);
		assert_int_equal(reset.flags, TCP_RST);
		assert_int_equal(reset.seq, 5000);
		assert_true(packet_is_intact(&reset));

		packet = make_tcp(v6, TCP_RST, "");
		assert_int_equal(packet_build_reset(answer, &packet), 0);
	}
}

static void an_icmp_error_quotes_what_it_is_about(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet packet = make_udp(v6, "text"), error;
		struct ip by;
		size_t size;

		ip_parse(v6 ? "fd00::2" : "10.0.2.2", &by);
		size = packet_build_error(answer, &packet, PACKET_PROHIBITED, &by);
		assert_int_equal(packet_parse(answer, size, &error), PACKET_SOUND);
		assert_int_equal(error.kind, PACKET_ICMP_ERROR);
		assert_true(ip_equal(&error.from, &by));
		assert_true(ip_equal(&error.to, &packet.from));
		assert_int_equal(answer[error.l4], v6 ? 1 : 3);
		assert_int_equal(answer[error.l4 + 1], v6 ? 1 : 13);
		assert_memory_equal(answer + error.payload, frame + PACKET_ETHERNET,
				    packet.size - PACKET_ETHERNET);
		assert_true(packet_is_intact(&error));
	}
}

static void a_long_packet_is_quoted_in_part(void **state)
{
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int v6 = 0; v6 < 2; v6++) {
		struct packet packet = make_udp(v6, text), error;
		struct ip by;
		size_t size;

		ip_parse(v6 ? "fd00::2" : "10.0.2.2", &by);
		size = packet_build_error(answer, &packet, PACKET_HOST_UNREACHABLE, &by);
		assert_int_equal(size - PACKET_ETHERNET, v6 ? 1280 : 576);
		assert_true(size <= PACKET_ANSWER_MAX);
		assert_int_equal(packet_parse(answer, size, &error), PACKET_SOUND);
		assert_true(packet_is_intact(&error));
	}
}

static void groups_and_errors_are_not_answered_with_errors(void **state)
{
	struct packet_ends ends = ends_of(false);
	struct packet packet;
	struct ip by;
	size_t size;

	(void)state;
	ip_parse("10.0.2.2", &by);
	ip_parse("224.1.2.3", &ends.to);
	size = packet_build_udp(frame, &ends, "x", 1);
	assert_int_equal(packet_parse(frame, size, &packet), PACKET_SOUND);
	assert_int_equal(packet_build_error(answer, &packet, PACKET_PROHIBITED, &by), 0);

	packet = make_udp(false, "x");
	size = packet_build_error(answer, &packet, PACKET_PROHIBITED, &by);
	assert_int_equal(packet_parse(answer, size, &packet), PACKET_SOUND);
	assert_int_equal(packet_build_error(frame, &packet, PACKET_PROHIBITED, &by), 0);
}

/* From the sandbox's kernel: who has fd00::2? */
static const uint8_t solicitation[] = {
	0x33, 0x33, 0xff, 0,   0,    2, 2, 0, 0,    0, 0, 0x64, 0x86, 0xdd, 0x60, 0, 0, 0,
	0,    32,   58,   255, 0xfd, 0, 0, 0, 0,    0, 0, 0,    0,    0,    0,    0, 0, 0,
	0,    0x64, 0xff, 2,   0,    0, 0, 0, 0,    0, 0, 0,    0,    1,    0xff, 0, 0, 2,
	135,  0,    0,    0,   0,    0, 0, 0, 0xfd, 0, 0, 0,    0,    0,    0,    0, 0, 0,
	0,    0,    0,    0,   0,    2, 1, 1, 2,    0, 0, 0,    0,    0x64,
};

static void neighbours_are_checked(void **state)
{
	static const struct change odd[] = {
		{ "a hop limit of 64", true, false, 21, 64, 0, PACKET_MALFORMED },
		{ "a code", true, false, 55, 1, 0, PACKET_MALFORMED },
		{ "a group as the target", true, false, 62, 0xff, 0, PACKET_MALFORMED },
		{ "an option of no length", true, false, 79, 0, 0, PACKET_MALFORMED },
		{ "an option that is too long", true, false, 79, 2, 0, PACKET_MALFORMED },
		{ "a cut target", true, false, 19, 23, 0, PACKET_CUT },
		{ "half an option", true, false, 19, 28, 0, PACKET_MALFORMED },
	};
	struct packet packet;

	(void)state;
	memcpy(frame, solicitation, sizeof(solicitation));
	assert_int_equal(packet_parse(frame, sizeof(solicitation), &packet),
			 PACKET_SOUND);
	assert_int_equal(packet.kind, PACKET_SOLICITS);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		memcpy(frame, solicitation, sizeof(solicitation));
		frame[odd[i].place] = odd[i].value;
		if (packet_parse(frame, sizeof(solicitation), &packet) != odd[i].flaw)
			fail_msg("%s", odd[i].what);
	}
}

static void arp_is_that_of_ethernet_and_ipv4(void **state)
{
	static const uint8_t arp[42] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  0x64, 8, 6,
		0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0,    0, 0x64,
		10,   0,    2,    100,  0,    0,    0, 0, 0, 0, 10, 0,    2, 2,
	};
	struct packet packet;

	(void)state;
	memcpy(frame, arp, sizeof(arp));
	assert_int_equal(packet_parse(frame, 42, &packet), PACKET_SOUND);
	assert_int_equal(packet.kind, PACKET_ARP);
	assert_int_equal(packet_parse(frame, 60, &packet), PACKET_SOUND);
	assert_int_equal(packet.size, 42);
	assert_int_equal(packet_parse(frame, 41, &packet), PACKET_CUT);
	frame[18] = 7;
	assert_int_equal(packet_parse(frame, 42, &packet), PACKET_FOREIGN);
	frame[18] = 6;
	frame[21] = 3;
	assert_int_equal(packet_parse(frame, 42, &packet), PACKET_FOREIGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_made_is_read_as_it_was_made),
		cmocka_unit_test(checksums_are_those_of_the_standard),
		cmocka_unit_test(hostile_frames_have_a_name),
		cmocka_unit_test(cut_frames_are_refused),
		cmocka_unit_test(mapped_addresses_are_not_on_a_wire),
		cmocka_unit_test(padding_is_cut_off),
		cmocka_unit_test(urgent_data_is_taken_away),
		cmocka_unit_test(an_mss_is_found_and_changed),
		cmocka_unit_test(odd_options_of_tcp_are_survived),
		cmocka_unit_test(a_reset_answers_what_came),
		cmocka_unit_test(an_icmp_error_quotes_what_it_is_about),
		cmocka_unit_test(a_long_packet_is_quoted_in_part),
		cmocka_unit_test(groups_and_errors_are_not_answered_with_errors),
		cmocka_unit_test(neighbours_are_checked),
		cmocka_unit_test(arp_is_that_of_ethernet_and_ipv4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
