/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci.h"

#include "base/error.h"

int oci_create(const struct oci_globals *globals, const char *const *words)
{
	struct error err;

	(void)words;
	error_set(&err, ERROR_PLAIN, "create: it is not built yet");
	return oci_fail(globals, &err);
}
