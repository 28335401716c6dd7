/* SPDX-License-Identifier: Apache-2.0 */
/* The operand of -p: what is read is within its limits, and can be written and read again. */
#include "base/error.h"
#include "net/net.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct publish *publish)
{
	struct publish again;
	struct error err;
	char text[PUBLISH_TEXT_MAX], text_again[PUBLISH_TEXT_MAX];

	if (publish->guest_ports.first == 0 ||
	    publish->guest_ports.last < publish->guest_ports.first ||
	    publish->guest_ports.last - publish->guest_ports.first >= PUBLISH_PORTS_MAX)
		abort();
	net_format_publish(publish, text, sizeof(text));
	if (net_parse_publish(text, &again, &err) < 0)
		abort();
	net_format_publish(&again, text_again, sizeof(text_again));
	if (strcmp(text, text_again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct publish publish;
	struct error err;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (net_parse_publish(text, &publish, &err) == 0)
		check(&publish);
	else if (!err.text[0] || !err.hint[0])
		abort();
	free(text);
	return 0;
}
