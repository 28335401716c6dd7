/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_SNI_H
#define SBX_NET_SNI_H

/* The server name in the first bytes of a TLS connection (RFC 8446, 4.1.2; RFC 6066, 3). */

#include <stddef.h>
#include <stdint.h>

enum sni_answer {
	SNI_MORE,    /* not whole yet */
	SNI_NAME,    /* ret_name holds it */
	SNI_HIDDEN,  /* a ClientHello without a name, or with an encrypted one (ECH) */
	SNI_NOT_TLS, /* not the beginning of TLS, or malformed */
};

enum {
	SNI_BYTES_MAX = 16640, /* a ClientHello that is longer is SNI_NOT_TLS */
};

/* name holds NAME_TEXT_MAX bytes; it is in lower case, without a dot at the end. */
enum sni_answer sni_find(const uint8_t *bytes, size_t size, char *ret_name);

#endif
