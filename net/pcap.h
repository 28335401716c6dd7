/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_PCAP_H
#define SBX_NET_PCAP_H

/* A capture of Ethernet frames, as tcpdump(1) reads it: pcap-savefile(5), nanoseconds. */

#include <stddef.h>
#include <stdint.h>

/* 0, or -1 and errno: the file is not to be written to any more. */
int pcap_begin(int fd);
int pcap_write(int fd, const uint8_t *frame, size_t size);

#endif
