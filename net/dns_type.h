/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_DNS_TYPE_H
#define SBX_NET_DNS_TYPE_H

/* What is known of the types of records. Pure. */

#include <stdbool.h>
#include <stdint.h>

/* Where names stand in the data: behind so many bytes, so many of them. */
struct dns_data_form {
	uint16_t type;
	uint8_t before, names;
	bool compressed; /* only what RFC 1035 defines */
};

/* NULL: there are none in it. */
const struct dns_data_form *dns_type_find_form(uint16_t type);

/*
 * Is a question for it a lookup? RFC 8482 lets us leave ANY alone; the others of its kind
 * (RFC 6895, 3.1: 128 to 255) are none.
 */
bool dns_type_is_lookup(uint16_t type);

/* May it be asked for where rules name names? Nothing in it leads past them. */
bool dns_type_is_ruled(uint16_t type);

#endif
