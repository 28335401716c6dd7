/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_GVISOR_KNOWN_H
#define SBX_LAUNCHER_GVISOR_KNOWN_H

/* Inside of gvisor_binary.c, gvisor_probe.c and gvisor_platform.c. */

#include <stdbool.h>

#include "launcher/gvisor.h"

/*
 * That nobody but root and the caller may change path (without links), or a folder on the way
 * to it.
 */
int gvisor_check_owners(const char *path, struct error *err);

/*
 * What runsc says of itself, read. Pure; the text is any that there may be. The first: its
 * release ("0.0~20221219.0"), false where it says none.
 */
bool gvisor_read_release(const char *text, char ret_release[64]);
unsigned int gvisor_date_of(const char *release); /* 20221219; 0: unknown */
unsigned int gvisor_read_flags(const char *text, bool *ret_is_list);
unsigned int gvisor_read_platforms(const char *text);

#endif
