/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_NET_CONFINE_H
#define SBX_NET_CONFINE_H

/*
 * How the halves of sbx-net give their power away: own namespaces, an empty root, no
 * capabilities, not dumpable, bounded memory and an allow-list of system calls (seccomp(2)). Each
 * is final. The lists are classic BPF of our own: no library is needed for them.
 */

struct error;

int confine_outer(struct error *err);
int confine_inner(struct error *err);

#endif
