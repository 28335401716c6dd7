/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_TESTS_UNIT_MADE_UP_HOSTS_H
#define SBX_TESTS_UNIT_MADE_UP_HOSTS_H

/* For tests of the doctor: hosts that need not exist, to take single things away from. */
#include "launcher/doctor.h"

/* A host that lacks nothing. */
struct host_facts good_host(void);

/* As host_try() leaves a host on which nothing can be tried inside. */
struct host_facts host_without_userns(int errnum);

/* A trial that ran as far as this step. */
struct trial failed_trial(const char *step, int errnum);

#endif
