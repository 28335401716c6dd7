/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/oci_make.h"

#include "base/error.h"

int oci_create(const struct oci_globals *globals, const char *const *words)
{
	struct oci_made made;
	struct error err = { 0 };
	int status = 0;

	if (oci_make(globals, words, NULL, &made, &err) < 0)
		status = oci_fail(globals, &err);
	oci_made_free(&made);
	return status;
}
