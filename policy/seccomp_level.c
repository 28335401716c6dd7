/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from seccomp.c, so that only who asks is linked with libseccomp's tables. */
#include "policy/policy.h"

#include <seccomp.h>

unsigned int seccomp_level(void)
{
	return seccomp_api_get();
}
