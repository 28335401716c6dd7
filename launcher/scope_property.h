/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_SCOPE_PROPERTY_H
#define SBX_LAUNCHER_SCOPE_PROPERTY_H

/* Properties of units as words: only sbx-scope, which speaks D-Bus, knows them. */

#include <systemd/sd-bus.h>

/*
 * Appends "NAME=VALUE" as (sv). VALUE is in the text form of GVariant as far as properties of
 * units need it: true, 5, uint64 5, 'text', ['a', 'b'], [byte 0x01, 2], @as []. A name that
 * ends in "Sec" and is no "USec" counts seconds. -EINVAL: it is no such thing.
 */
int scope_property_append(sd_bus_message *message, const char *word);

#endif
