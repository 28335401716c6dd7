/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_local.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns.h"
#include "net/net.h"

struct local {
	struct dns_name name;
	struct ip ip;
};

struct dns_locals {
	struct dns_name localhost;
	size_t count;
	struct local all[];
};

static void add(struct dns_locals *locals, const char *name, const struct ip *ip)
{
	struct local *local = &locals->all[locals->count];

	if (ip_equal(ip, &(struct ip){ .bytes = { 0 } }))
		return;
	if (dns_name_from_text(name, &local->name) < 0)
		return;
	local->ip = *ip;
	locals->count++;
}

static void add_gateways(struct dns_locals *locals, const char *name,
			 const struct dns_spec *spec)
{
	add(locals, name, &spec->gateway);
	if (!spec->no_ip6)
		add(locals, name, &spec->gateway6);
}

struct dns_locals *dns_locals_new(const struct dns_spec *spec)
{
	const size_t most = 2 * (spec->host_count + 1);
	struct dns_locals *locals =
		calloc(1, sizeof(*locals) + most * sizeof(struct local));

	if (locals == NULL)
		return NULL;
	dns_name_from_text("localhost", &locals->localhost);
	for (size_t i = 0; i < spec->host_count; i++) {
		const struct host_name *host = &spec->hosts[i];

		if (host->gateway)
			add_gateways(locals, host->name, spec);
		else
			add(locals, host->name, &host->address);
	}
	add_gateways(locals, "host.sbx.internal", spec);
	return locals;
}

void dns_locals_free(struct dns_locals *locals)
{
	free(locals);
}

bool dns_locals_find(const struct dns_locals *locals, const struct dns_name *name,
		     struct ip addresses[DNS_LOCAL_ADDRESSES_MAX], size_t *ret_count)
{
	size_t count = 0;

	if (dns_name_within(name, &locals->localhost)) {
		addresses[0] = ip_from_v4(htonl(INADDR_LOOPBACK));
		memcpy(addresses[1].bytes, &in6addr_loopback, sizeof(addresses[1].bytes));
		*ret_count = 2;
		return true;
	}
	for (size_t i = 0; i < locals->count && count < DNS_LOCAL_ADDRESSES_MAX; i++) {
		if (dns_name_equal(&locals->all[i].name, name))
			addresses[count++] = locals->all[i].ip;
	}
	if (count > 0)
		*ret_count = count;
	return count > 0;
}

void dns_locals_each(const struct dns_locals *locals,
		     void (*found)(void *context, const struct dns_name *name,
				   const struct ip *address),
		     void *context)
{
	for (size_t i = 0; i < locals->count; i++)
		found(context, &locals->all[i].name, &locals->all[i].ip);
}
