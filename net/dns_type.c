/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_type.h"

#include <stddef.h>

#include "net/dns_message.h"

static const struct dns_data_form forms[] = {
	{ DNS_TYPE_NS, 0, 1, true },
	{ 3, 0, 1, true }, /* MD */
	{ 4, 0, 1, true }, /* MF */
	{ DNS_TYPE_CNAME, 0, 1, true },
	{ DNS_TYPE_SOA, 0, 2, true },
	{ 7, 0, 1, true }, /* MB */
	{ 8, 0, 1, true }, /* MG */
	{ 9, 0, 1, true }, /* MR */
	{ DNS_TYPE_PTR, 0, 1, true },
	{ 14, 0, 2, true }, /* MINFO */
	{ DNS_TYPE_MX, 2, 1, true },
	{ 17, 0, 2, false }, /* RP */
	{ 18, 2, 1, false }, /* AFSDB */
	{ 21, 2, 1, false }, /* RT */
	{ 26, 2, 2, false }, /* PX */
	{ DNS_TYPE_SRV, 6, 1, false },
	{ DNS_TYPE_NAPTR, 4, 1, false }, /* and three strings between */
	{ 36, 2, 1, false },             /* KX */
	{ DNS_TYPE_DNAME, 0, 1, false },
};

const struct dns_data_form *dns_type_find_form(uint16_t type)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (forms[i].type == type)
			return &forms[i];
	}
	return NULL;
}

bool dns_type_is_lookup(uint16_t type)
{
	return type != 0 && type != DNS_TYPE_OPT &&
	       (type < DNS_TYPE_META || type > DNS_TYPE_ANY);
}

bool dns_type_is_ruled(uint16_t type)
{
	switch (type) {
	case DNS_TYPE_A:
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_SOA:
	case DNS_TYPE_PTR:
	case DNS_TYPE_MX:
	case DNS_TYPE_TXT:
	case DNS_TYPE_AAAA:
	case DNS_TYPE_SRV:
		return true;
	default:
		return false;
	}
}
