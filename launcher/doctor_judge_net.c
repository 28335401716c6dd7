/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the doctor's table: what a network of the sandbox's own is made of. */
#include "launcher/doctor_judges.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LOW_PORTS_USUAL = 1024 };

/* What a sandbox of this host would get, from the best. */
enum way { WAY_NONE, WAY_NAMES_AND_TCP, WAY_STACK, WAY_ALL };

static bool is_tried(const struct host_facts *facts)
{
	return facts->net.tap.ran && facts->userns.ran && facts->userns.errnum == 0;
}

static bool works(const struct trial *trial)
{
	return trial->ran && trial->errnum == 0;
}

static bool has_stack(const struct host_facts *facts)
{
	return facts->net.stack[0] && strcmp(facts->net.stack, "none") != 0;
}

static bool is_same_version(const struct host_facts *facts)
{
	return strcmp(facts->net.version, SBX_VERSION) == 0;
}

static enum way best_way(const struct host_facts *facts)
{
	const bool relay = works(&facts->net.relay4);
	const bool frames = works(&facts->net.tap) && has_stack(facts);

	if (!is_same_version(facts))
		return WAY_NONE;
	if (frames)
		return relay ? WAY_ALL : WAY_STACK;
	return relay ? WAY_NAMES_AND_TCP : WAY_NONE;
}

void judge_sbx_net(const struct host_facts *facts, struct finding *finding)
{
	static const char costs[] = "sbx run needs --net none or --net host";
	const struct net_facts *net = &facts->net;

	if (!net->there) {
		finding_found(finding, "%.200s is not there", net->path);
		finding_short(finding, ROW_MISSING, costs);
		return;
	}
	if (!net->version[0]) {
		finding_found(finding, "%.200s does not answer", net->path);
		finding_short(finding, ROW_MISSING, costs);
		return;
	}
	finding_found(finding, "%.200s, version %s", net->path, net->version);
	if (is_same_version(facts))
		return;
	finding_found(finding, "%.160s is of version %s, sbx of version %s", net->path,
		      net->version, SBX_VERSION);
	finding_short(finding, ROW_MISSING, costs);
}

void judge_network(const struct host_facts *facts, struct finding *finding)
{
	if (facts->net.there && !is_tried(facts)) {
		finding_not_tried(finding);
		return;
	}
	switch (best_way(facts)) {
	case WAY_ALL:
		finding_found(finding, "TCP by the relay, the rest by %s",
			      facts->net.stack);
		return;
	case WAY_STACK:
		finding_found(finding, "all of it by %s", facts->net.stack);
		finding_short(finding, ROW_LIMITED, "TCP is slower than by the relay");
		return;
	case WAY_NAMES_AND_TCP:
		finding_found(finding, "TCP and names by the relay");
		finding_short(finding, ROW_LIMITED,
			      "no UDP and no ping; --net user, --pcap and --relay off "
			      "are refused");
		return;
	case WAY_NONE:
		finding_found(finding, "neither a tap device nor the relay can be had");
		finding_short(finding, ROW_MISSING,
			      "sbx run needs --net none or --net host");
		return;
	}
}

/* Modules are loaded by root alone; in a container they are the host's affair. */
static void mend_netfilter(const struct host_facts *facts, struct finding *finding)
{
	if (!facts->container[0])
		finding_remedy(finding,
			       "sudo modprobe -a nfnetlink_queue nft_queue nft_ct "
			       "nft_chain_nat nft_redir nft_reject_ipv4 nft_reject_ipv6");
}

void judge_netfilter(const struct host_facts *facts, struct finding *finding)
{
	const struct net_facts *net = &facts->net;

	if (!is_tried(facts)) {
		finding_not_tried(finding);
		return;
	}
	if (works(&net->relay4) && works(&net->relay6)) {
		finding_found(finding, "connections can be held back and redirected");
		return;
	}
	if (!works(&net->relay4)) {
		finding_failed(finding, &net->relay4);
		finding_short(finding, ROW_MISSING,
			      "no relay: TCP goes by libslirp, which is slower, and "
			      "--net relay is refused");
	} else {
		finding_found(finding, "IPv6: cannot %s: %s", net->relay6.step,
			      strerror(net->relay6.errnum));
		finding_short(finding, ROW_LIMITED, "TCP of IPv6 goes by libslirp");
	}
	mend_netfilter(facts, finding);
}

void judge_low_ports(const struct host_facts *facts, struct finding *finding)
{
	const int64_t first = facts->sysctls.low_port_start;

	finding_found(finding, "net.ipv4.ip_unprivileged_port_start is %" PRId64, first);
	if (first < 0)
		finding_found(finding,
			      "net.ipv4.ip_unprivileged_port_start cannot be read");
	if (first >= 0 && first < LOW_PORTS_USUAL)
		return;
	finding_short(finding, ROW_LIMITED,
		      "-p cannot listen on ports of the host below 1024; inside of a "
		      "sandbox they are open");
	if (first >= 0)
		finding_remedy(finding,
			       "sudo sysctl net.ipv4.ip_unprivileged_port_start=80");
}

void judge_ip6(const struct host_facts *facts, struct finding *finding)
{
	if (facts->net.ip6) {
		finding_found(finding, "the host has a route of IPv6");
		return;
	}
	finding_found(finding, "the host has no route of IPv6");
	finding_short(finding, ROW_LIMITED, "sandboxes have IPv4 alone");
}

void judge_resolvers(const struct host_facts *facts, struct finding *finding)
{
	if (facts->net.resolver_count) {
		finding_found(finding, "%s", facts->net.resolvers);
		return;
	}
	finding_found(finding, "none in /etc/resolv.conf");
	finding_short(finding, ROW_LIMITED,
		      "no name is looked up in a sandbox without --dns ADDR");
}
